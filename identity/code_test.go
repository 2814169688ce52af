package identity

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
)

var masterKey = []byte("0123456789abcdef0123456789abcdef")

// outbox is a sender that keeps what it was given, or fails.
type outbox struct {
	mu   sync.Mutex
	to   []string
	sent []Message
	err  error
}

func (o *outbox) Send(_ context.Context, to string, m Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	o.to, o.sent = append(o.to, to), append(o.sent, m)
	return nil
}

func (o *outbox) last() string { return o.sent[len(o.sent)-1].Code }

type codeRig struct {
	*Codes
	store *memory
	mail  *outbox
	phone *outbox
	clock *clock
}

func newCodeRig() codeRig {
	r := codeRig{store: &memory{}, mail: &outbox{}, phone: &outbox{}, clock: newClock()}
	r.Codes = NewCodes(CodeOptions{
		Store: r.store, MasterKey: masterKey, TTL: 5 * time.Minute, Now: r.clock.now,
		Senders: map[ledger.Channel]Sender{ledger.Email: r.mail, ledger.Phone: r.phone},
	})
	return r
}

var (
	zhang = ledger.Person{ID: 1, Name: "张伟", Email: "zhang@example.edu.cn", Phone: "13800130000"}
	li    = ledger.Person{ID: 2, Name: "李娜", Email: "li@example.edu.cn"}
)

func send(t *testing.T, r codeRig, p ledger.Person, channel ledger.Channel, purpose ledger.Purpose) {
	t.Helper()
	if _, err := r.Send(t.Context(), p, channel, purpose); err != nil {
		t.Fatal(err)
	}
}

// another returns a code that is not c.
func another(c string) string {
	if c[5] == '0' {
		return c[:5] + "1"
	}
	return c[:5] + "0"
}

func TestCodes(t *testing.T) {
	t.Parallel()

	t.Run("OnceOnly", func(t *testing.T) {
		r := newCodeRig()
		masked, err := r.Send(t.Context(), zhang, ledger.Email, ledger.PurposeVerify)
		if err != nil || masked != "z***@example.edu.cn" || r.mail.to[0] != zhang.Email {
			t.Fatalf("%q, %v", masked, err)
		}
		code := r.mail.last()
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, code); err != nil {
			t.Error(err)
		}
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, code); !errors.Is(err, ledger.ErrNoCode) {
			t.Errorf("a second time: %v", err)
		}
	})

	t.Run("TypedOnAPhone", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Phone, ledger.PurposeVerify)
		code := r.phone.last()
		wide := strings.Map(func(c rune) rune { return c - '0' + '０' }, code)
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, " "+wide[:9]+"　"+wide[9:]+"\n"); err != nil {
			t.Error(err)
		}
	})

	t.Run("NotACode", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
		for _, typed := range []string{"", "12345", "1234567", "12345a", "-12345", "١٢٣٤٥٦"} {
			if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, typed); !errors.Is(err, ErrCodeFormat) {
				t.Errorf("%q: %v", typed, err)
			}
		}
		if r.store.tries != 0 {
			t.Error("typing errors were counted as tries")
		}
	})

	t.Run("Bound", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
		code := r.mail.last()
		r.clock.pass(time.Minute)
		send(t, r, li, ledger.Email, ledger.PurposeVerify)
		for name, try := range map[string]error{
			"OtherPerson":  r.Check(t.Context(), li.ID, ledger.PurposeVerify, code),
			"OtherPurpose": r.Check(t.Context(), zhang.ID, ledger.PurposeCancelLoss, code),
			"Nobody":       r.Check(t.Context(), 3, ledger.PurposeVerify, code),
		} {
			if try == nil {
				t.Errorf("%s took the code", name)
			}
		}
		// Another person's code, even with the same digits, has another hash.
		if string(r.codeHash(1, ledger.PurposeVerify, ledger.Email, "123456")) == string(r.codeHash(2, ledger.PurposeVerify, ledger.Email, "123456")) {
			t.Error("the hash does not depend on the person")
		}
	})

	t.Run("ResendVoidsTheOld", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
		old := r.mail.last()
		r.clock.pass(time.Minute)
		send(t, r, zhang, ledger.Phone, ledger.PurposeVerify)
		if old == r.phone.last() {
			return // once in a million runs there is nothing to tell apart
		}
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, old); err == nil {
			t.Error("the old code was taken")
		}
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, r.phone.last()); err != nil {
			t.Error(err)
		}
	})

	t.Run("Expired", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
		r.clock.pass(5 * time.Minute)
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, r.mail.last()); !errors.Is(err, ledger.ErrCodeExpired) {
			t.Error(err)
		}
	})

	t.Run("TooSoon", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
		r.clock.pass(20 * time.Second)
		_, err := r.Send(t.Context(), zhang, ledger.Phone, ledger.PurposePassword)
		var soon *ledger.CodeTooSoonError
		if !errors.As(err, &soon) || soon.RetryAfter != 40*time.Second || len(r.phone.sent) != 0 {
			t.Errorf("%v, sent %d", err, len(r.phone.sent))
		}
	})

	t.Run("SenderFails", func(t *testing.T) {
		r := newCodeRig()
		r.mail.err = errors.New("hand over the mail: refused with 451")
		_, err := r.Send(t.Context(), zhang, ledger.Email, ledger.PurposeVerify)
		var failed *SendFailedError
		if !errors.As(err, &failed) || failed.RetryAfter != time.Minute || !errors.Is(err, r.mail.err) {
			t.Fatal(err)
		}
		r.mail.err = nil
		r.clock.pass(failed.RetryAfter)
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
	})

	t.Run("NowhereToSend", func(t *testing.T) {
		r := newCodeRig()
		if _, err := r.Send(t.Context(), li, ledger.Phone, ledger.PurposeVerify); !errors.Is(err, ErrNoAddress) {
			t.Error(err)
		}
		mailOnly := NewCodes(CodeOptions{Store: r.store, MasterKey: masterKey, Senders: map[ledger.Channel]Sender{ledger.Email: r.mail}})
		if _, err := mailOnly.Send(t.Context(), zhang, ledger.Phone, ledger.PurposeVerify); !errors.Is(err, ErrNotOffered) {
			t.Error(err)
		}
		if got := fmt.Sprint(mailOnly.Addresses(zhang), r.Addresses(zhang), r.Addresses(li), r.Addresses(ledger.Person{})); got !=
			"[{email z***@example.edu.cn}] [{email z***@example.edu.cn} {phone 138****0000}] [{email l***@example.edu.cn}] []" {
			t.Error(got)
		}
		if len(r.store.codes) != 0 {
			t.Error("a code was issued that went nowhere")
		}
	})

	t.Run("OneMailboxTwoSpellings", func(t *testing.T) {
		r := newCodeRig()
		for channel, pair := range map[ledger.Channel][2]string{
			ledger.Email: {"Zhang@Example.edu.cn", "zhang@example.edu.cn"},
			ledger.Phone: {"+86 138-0013-0000", "13800130000"},
		} {
			if string(r.addressHash(channel, pair[0])) != string(r.addressHash(channel, pair[1])) {
				t.Errorf("%q and %q have limits of their own", pair[0], pair[1])
			}
		}
	})

	t.Run("OnlyHashesAreStored", func(t *testing.T) {
		r := newCodeRig()
		send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
		stored := fmt.Sprintf("%s %v", r.store.codes[0].NewCode.CodeHash, r.store.codes[0].NewCode)
		if strings.Contains(stored, r.mail.last()) || strings.Contains(stored, zhang.Email) {
			t.Error("the code or the address is in the store")
		}
		if shown := fmt.Sprintf("%v %+v %#v %s", r.mail.sent[0], r.mail.sent, &r.mail.sent[0], r.mail.sent[0]); strings.Contains(shown, r.mail.last()) {
			t.Errorf("a printed message tells its code: %s", shown)
		}
	})
}

// TestCodes_ParallelGuesses: once a code is burnt, the right digits are as wrong as any.
func TestCodes_ParallelGuesses(t *testing.T) {
	t.Parallel()
	r := newCodeRig()
	send(t, r, zhang, ledger.Email, ledger.PurposeVerify)
	right := r.mail.last()
	for range ledger.CodeTries {
		var wrong *ledger.CodeWrongError
		if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, another(right)); !errors.As(err, &wrong) {
			t.Fatal(err)
		}
	}
	var wait sync.WaitGroup
	for i := range 1000 {
		wait.Go(func() {
			guess := right
			if i%2 == 0 {
				guess = fmt.Sprintf("%06d", i)
			}
			if err := r.Check(t.Context(), zhang.ID, ledger.PurposeVerify, guess); !errors.Is(err, ledger.ErrCodeBurnt) {
				t.Errorf("guess %d: %v", i, err)
			}
		})
	}
	wait.Wait()
	if r.store.tries != ledger.CodeTries {
		t.Errorf("%d tries counted, want %d", r.store.tries, ledger.CodeTries)
	}
}

// words is a random source of chosen 32-bit words.
type words []uint32

func (w *words) Read(b []byte) (int, error) {
	binary.BigEndian.PutUint32(b, (*w)[0])
	*w = (*w)[1:]
	return 4, nil
}

func TestNewCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		random words
		want   string
	}{
		{words{0}, "000000"},
		{words{59371}, "059371"},
		{words{4_293_999_999}, "999999"},
		{words{4_294_967_295, 7}, "000007"}, // 4294967295 and all from 4294000000 on would favour low codes
		{words{4_294_000_000, 4_294_000_001, 8}, "000008"},
	} {
		if got, err := newCode(&c.random); err != nil || got != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
	if _, err := newCode(strings.NewReader("abc")); err == nil {
		t.Error("a code without randomness")
	}
}
