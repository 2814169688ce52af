package identity

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"xiaoka/ledger"
)

type passwordRig struct {
	*Passwords
	store  *memory
	hashes *atomic.Int64
	clock  *clock
}

func newPasswordRig() passwordRig {
	r := passwordRig{store: &memory{passwords: map[int64]*password{}}, hashes: new(atomic.Int64), clock: newClock()}
	r.Passwords = NewPasswords(PasswordOptions{Store: r.store, MasterKey: masterKey, Now: r.clock.now, OnHash: func() { r.hashes.Add(1) }})
	return r
}

func (r passwordRig) try(t *testing.T, pin string) error {
	t.Helper()
	_, err := r.Verify(t.Context(), zhang.ID, pin)
	return err
}

func TestPasswords(t *testing.T) {
	t.Parallel()

	t.Run("SetAndVerify", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		if err := r.Set(t.Context(), zhang, "８０ ２９１７"); err != nil {
			t.Fatal(err)
		}
		if initial, err := r.Verify(t.Context(), zhang.ID, "802917"); err != nil || initial {
			t.Errorf("%v, %v", initial, err)
		}
		hash := r.store.passwords[zhang.ID].hash
		if strings.Contains(hash, "802917") || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1,keyid=") {
			t.Error(hash)
		}
		again, err := r.Hash(t.Context(), "802917")
		if err != nil || again == hash {
			t.Errorf("the salt is not fresh: %v", err)
		}
	})

	t.Run("Initial", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		r.store.passwords[zhang.ID] = &password{initial: true}
		if initial, err := r.Verify(t.Context(), zhang.ID, InitialPassword); err != nil || !initial {
			t.Errorf("%v, %v", initial, err)
		}
		if err := r.try(t, "123457"); err == nil {
			t.Error("another password was taken")
		}
		if r.hashes.Load() != 2 {
			t.Errorf("%d hashes for 2 tries: the time tells who has an own password", r.hashes.Load())
		}
		// A row without either opens to nothing.
		r.store.passwords[zhang.ID] = &password{}
		if r.try(t, InitialPassword) == nil || r.try(t, "000000") == nil {
			t.Error("a missing hash was taken for the initial password")
		}
	})

	t.Run("Unknown", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		for _, id := range []int64{0, 404} {
			_, err := r.Verify(t.Context(), id, InitialPassword)
			var wrong *ledger.PasswordWrongError
			if !errors.As(err, &wrong) || wrong.TriesLeft != ledger.PasswordTries-1 {
				t.Errorf("%d: %v", id, err)
			}
		}
		if r.hashes.Load() != 2 {
			t.Errorf("%d hashes for 2 tries: the time tells who is on record", r.hashes.Load())
		}
	})

	t.Run("Ladder", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		if err := r.Set(t.Context(), zhang, "802917"); err != nil {
			t.Fatal(err)
		}
		round := func(lock time.Duration) {
			t.Helper()
			for left := ledger.PasswordTries - 1; left > 0; left-- {
				var wrong *ledger.PasswordWrongError
				if err := r.try(t, "802918"); !errors.As(err, &wrong) || wrong.TriesLeft != left {
					t.Fatalf("%v, want %d tries left", err, left)
				}
			}
			for _, pin := range []string{"802918", "802917", "802918"} { // the fifth, then the right one, then any
				var locked *ledger.PasswordLockedError
				if err := r.try(t, pin); !errors.As(err, &locked) || !locked.Until.Equal(r.clock.now().Add(lock)) {
					t.Fatalf("%v, want a lock of %v", err, lock)
				}
			}
		}
		round(ledger.PasswordLock)
		r.clock.pass(ledger.PasswordLock)
		round(ledger.PasswordDay)
		if err := r.Set(t.Context(), zhang, "730164"); err != nil { // the holder, with a fresh code
			t.Fatal(err)
		}
		if err := r.try(t, "730164"); err != nil {
			t.Errorf("a new password did not lift the lock: %v", err)
		}
		// A right one starts the count afresh.
		for range 3 {
			r.try(t, "111111")
			r.try(t, "111111")
			if err := r.try(t, "730164"); err != nil {
				t.Fatal(err)
			}
		}
	})

	t.Run("NotATry", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		r.store.passwords[zhang.ID] = &password{initial: true}
		for _, pin := range []string{"", "12345", "1234567", "12345a"} {
			if err := r.try(t, pin); !errors.Is(err, ErrPasswordFormat) {
				t.Errorf("%q: %v", pin, err)
			}
		}
		if r.store.passwords[zhang.ID].count != 0 || r.hashes.Load() != 0 {
			t.Error("typing errors were counted")
		}
	})

	t.Run("OtherMasterKey", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		if err := r.Set(t.Context(), zhang, "802917"); err != nil {
			t.Fatal(err)
		}
		other := NewPasswords(PasswordOptions{Store: r.store, MasterKey: []byte("another key, of thirty-two bytes"), Now: r.clock.now})
		if _, err := other.Verify(t.Context(), zhang.ID, "802917"); !errors.Is(err, ErrPepperUnknown) {
			t.Error(err)
		}
	})

	t.Run("SpoiltHash", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		good, err := r.Hash(t.Context(), "802917")
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []string{"x", r.prefix(), good[:len(good)-4], good + "$", strings.Replace(good, "m=19456", "m=4194304", 1), "802917"} {
			r.store.passwords[zhang.ID] = &password{hash: hash, initial: true}
			if _, err := r.Verify(t.Context(), zhang.ID, "802917"); err == nil || strings.Contains(err.Error(), hash) {
				t.Errorf("%q: %v", hash, err)
			}
		}
		if r.hashes.Load() != 1 {
			t.Error("a spoilt hash was evaluated")
		}
	})

	t.Run("Import", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		for _, pin := range []string{"", InitialPassword} {
			if hash, err := r.Hash(t.Context(), pin); err != nil || hash != "" {
				t.Errorf("%q: %q, %v", pin, hash, err)
			}
		}
		if r.hashes.Load() != 0 {
			t.Error("the initial password costs a hash for each person")
		}
		if _, err := r.Hash(t.Context(), "abc"); !errors.Is(err, ErrPasswordFormat) {
			t.Error(err)
		}
	})

	t.Run("GivesUpWithItsCaller", func(t *testing.T) {
		t.Parallel()
		r := newPasswordRig()
		r.store.passwords[zhang.ID] = &password{initial: true}
		for range cap(r.slots) {
			if err := r.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Verify(ctx, zhang.ID, InitialPassword); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if r.store.passwords[zhang.ID].count != 0 {
			t.Error("a try that was never judged was counted")
		}
	})
}

// TestPasswords_ParallelGuesses: a thousand guesses at once cost five hashes, and the right password is refused while locked.
func TestPasswords_ParallelGuesses(t *testing.T) {
	t.Parallel()
	r := newPasswordRig()
	if err := r.Set(t.Context(), zhang, "802917"); err != nil {
		t.Fatal(err)
	}
	r.hashes.Store(0)
	var wait sync.WaitGroup
	var locked atomic.Int64
	for range 1000 {
		wait.Go(func() {
			var is *ledger.PasswordLockedError
			switch _, err := r.Verify(t.Context(), zhang.ID, "802918"); {
			case err == nil:
				t.Error("a wrong password was taken")
			case errors.As(err, &is):
				locked.Add(1)
			}
		})
	}
	wait.Wait()
	if r.hashes.Load() != ledger.PasswordTries || locked.Load() != 1000-ledger.PasswordTries+1 {
		t.Errorf("%d hashes, %d refused as locked", r.hashes.Load(), locked.Load())
	}
	var is *ledger.PasswordLockedError
	if err := r.try(t, "802917"); !errors.As(err, &is) {
		t.Errorf("the right one while locked: %v", err)
	}
}

func TestCheckStrength(t *testing.T) {
	t.Parallel()
	numbers := []string{"2023533001", "6217 0000 1234 567", "+86 138-0013-5790", "", "75319"}
	for pin, want := range map[string]error{
		"123456": ErrPasswordRun, "654321": ErrPasswordRun, "456789": ErrPasswordRun, "890123": ErrPasswordRun, "210987": ErrPasswordRun,
		"112233": ErrPasswordRun, "998877": ErrPasswordRun, "990011": ErrPasswordRun, "147258": ErrPasswordCommon, "123321": ErrPasswordCommon,
		"000000": ErrPasswordRepeat, "520520": ErrPasswordRepeat, "121212": ErrPasswordRepeat, "123123": ErrPasswordRepeat,
		"533001": ErrPasswordOnRecord, "234567": ErrPasswordRun, "135790": ErrPasswordOnRecord,
		"12345": ErrPasswordFormat, "12345x": ErrPasswordFormat, "": ErrPasswordFormat,
		"802917": nil, "135791": nil, "123465": nil, "202353": nil, "075319": nil, "113355": nil, "112244": nil, "135792": nil, "246813": nil, "112332": nil, "246801": nil,
	} {
		if got := CheckStrength(pin, numbers...); !errors.Is(got, want) || want == nil && got != nil {
			t.Errorf("%q: %v, want %v", pin, got, want)
		}
	}
	if !errors.Is(ErrPasswordRun, ErrPasswordWeak) || errors.Is(ErrPasswordFormat, ErrPasswordWeak) {
		t.Error("the reasons are not told apart")
	}
	r := newPasswordRig()
	person := ledger.Person{ID: 9, StudentNo: "2023533001", CardNo: "10802917", Phone: "13800135790"}
	for _, pin := range []string{"533001", "802917", "135790", InitialPassword} {
		if err := r.Set(t.Context(), person, pin); !errors.Is(err, ErrPasswordWeak) {
			t.Errorf("set %q: %v", pin, err)
		}
	}
	if r.hashes.Load() != 0 || len(r.store.passwords) != 0 {
		t.Error("a weak password was stored")
	}
}

func TestMasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mask     func(string) string
		in, want string
	}{
		{MaskEmail, "zhang@example.edu.cn", "z***@example.edu.cn"}, {MaskEmail, "a@b.cn", "a***@b.cn"},
		{MaskEmail, "张伟@例子.cn", "张***@例子.cn"}, {MaskEmail, "zhang", "***"}, {MaskEmail, "@b.cn", "***"}, {MaskEmail, "", "***"},
		{MaskPhone, "13800130000", "138****0000"}, {MaskPhone, "+86 138 0013 0000", "138****0000"},
		{MaskPhone, "008613800130000", "138****0000"}, {MaskPhone, "12345", "****"}, {MaskPhone, "", "****"},
		{MaskName, "张伟", "张*"}, {MaskName, "欧阳娜娜", "欧*"}, {MaskName, "John Smith", "J*"}, {MaskName, "", "*"},
		{MaskNumber, "2023533001", "20****01"}, {MaskNumber, "12345", "****"}, {MaskNumber, "", "****"},
		{CardTail, "6217000012345678", "5678"}, {CardTail, "123456", "456"}, {CardTail, "1", ""}, {CardTail, "", ""},
	} {
		if got := c.mask(c.in); got != c.want {
			t.Errorf("mask of %q is %q, want %q", c.in, got, c.want)
		}
	}
}

func TestDeriveKey(t *testing.T) {
	t.Parallel()
	a, b := DeriveKey(masterKey, "code"), DeriveKey(masterKey, "cookie")
	if a == b || a == DeriveKey([]byte("another key, of thirty-two bytes"), "code") || a != DeriveKey(masterKey, "code") {
		t.Error("a key must depend on the master key and the purpose, and on nothing else")
	}
}

func BenchmarkVerify(b *testing.B) {
	store := &memory{passwords: map[int64]*password{}}
	p := NewPasswords(PasswordOptions{Store: store, MasterKey: masterKey})
	hash, err := p.Hash(b.Context(), "802917")
	if err != nil {
		b.Fatal(err)
	}
	for name, id := range map[string]int64{"Own": 1, "Initial": 2, "Unknown": 0} {
		store.passwords[1], store.passwords[2] = &password{hash: hash}, &password{initial: true}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Verify(b.Context(), id, "802917"); id == 1 && err != nil {
					b.Fatal(err)
				}
				if id == 2 {
					store.passwords[2] = &password{initial: true} // the wrong try locks
				}
			}
		})
	}
}
