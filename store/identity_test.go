package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func code(p ledger.Person, at time.Time, hash string) ledger.NewCode {
	return ledger.NewCode{PersonID: p.ID, Purpose: ledger.PurposeVerify, Channel: ledger.Email, AddressHash: []byte("mailbox-of-one-person"),
		CodeHash: []byte(hash), Now: at, TTL: 5 * time.Minute}
}

func try(p ledger.Person, at time.Time, hash string) ledger.CodeTry {
	return ledger.CodeTry{PersonID: p.ID, Purpose: ledger.PurposeVerify, Now: at, CodeHashes: map[ledger.Channel][]byte{ledger.Email: []byte(hash)}}
}

func TestStore_IssueCode_Limits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, other := campus(t, s, 1), campus(t, s, 2)
		at := noon
		issue := func(p ledger.Person) time.Duration {
			var soon *ledger.CodeTooSoonError
			switch err := s.IssueCode(ctx, code(p, at, "a")); {
			case errors.As(err, &soon):
				return soon.RetryAfter
			case err != nil:
				t.Fatal(err)
			}
			return 0
		}
		if wait := issue(p); wait != 0 {
			t.Fatalf("the first code waits %v", wait)
		}
		if wait := issue(p); wait != time.Minute {
			t.Errorf("a second one at once waits %v, want a minute", wait)
		}
		if wait := issue(other); wait != time.Minute {
			t.Errorf("another person at the same address waits %v, want a minute", wait)
		}
		for range ledger.CodesAnHour - 1 {
			at = at.Add(time.Minute)
			if wait := issue(p); wait != 0 {
				t.Fatalf("at %v the code waits %v", at.Sub(noon), wait)
			}
		}
		at = at.Add(time.Minute)
		if wait := issue(p); wait != time.Hour-time.Duration(ledger.CodesAnHour)*time.Minute {
			t.Errorf("a sixth in the hour waits %v", wait)
		}
		for range ledger.CodesADay - ledger.CodesAnHour {
			at = at.Add(time.Hour)
			if wait := issue(p); wait != 0 {
				t.Fatalf("at %v the code waits %v", at.Sub(noon), wait)
			}
		}
		at = at.Add(2 * time.Hour)
		if wait := issue(p); wait < 10*time.Hour {
			t.Errorf("an eleventh in the day waits %v", wait)
		}
	})
}

func TestStore_CodeAwaited(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, other := campus(t, s, 1), campus(t, s, 2)
		if err := s.IssueCode(ctx, code(p, noon, "a")); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			who     ledger.Person
			purpose ledger.Purpose
			after   time.Duration
			sent    ledger.Channel
			wait    time.Duration
		}{
			"AtOnce":         {p, ledger.PurposeVerify, 0, ledger.Email, time.Minute},
			"Soon":           {p, ledger.PurposeVerify, 18 * time.Second, ledger.Email, 42 * time.Second},
			"AMinuteLater":   {p, ledger.PurposeVerify, time.Minute, ledger.Email, 0},
			"Expired":        {p, ledger.PurposeVerify, 5 * time.Minute, "", 0},
			"AnotherPurpose": {p, ledger.PurposePassword, 18 * time.Second, "", 42 * time.Second},
			"AnotherPerson":  {other, ledger.PurposeVerify, 0, "", 0},
		} {
			sent, wait, err := s.CodeAwaited(ctx, c.who.ID, c.purpose, noon.Add(c.after))
			if err != nil || sent != c.sent || wait != c.wait {
				t.Errorf("%s: sent by %q, wait %v, %v", name, sent, wait, err)
			}
		}
		if err := s.TryCode(ctx, try(p, noon, "a")); err != nil {
			t.Fatal(err)
		}
		if sent, wait, err := s.CodeAwaited(ctx, p.ID, ledger.PurposeVerify, noon); err != nil || sent != "" || wait != time.Minute {
			t.Errorf("once used: sent by %q, wait %v, %v", sent, wait, err)
		}
	})
}

func TestStore_TryCode(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, test := range map[string]func(t *testing.T, s *store.Store, p ledger.Person){
		"Once": func(t *testing.T, s *store.Store, p ledger.Person) {
			if err := s.TryCode(ctx, try(p, noon, "right")); err != nil {
				t.Errorf("the right code: %v", err)
			}
			if err := s.TryCode(ctx, try(p, noon, "right")); !errors.Is(err, ledger.ErrNoCode) {
				t.Errorf("the same code again: %v, want ErrNoCode", err)
			}
		},
		"Expired": func(t *testing.T, s *store.Store, p ledger.Person) {
			if err := s.TryCode(ctx, try(p, noon.Add(5*time.Minute), "right")); !errors.Is(err, ledger.ErrCodeExpired) {
				t.Errorf("err = %v, want ErrCodeExpired", err)
			}
		},
		"VoidedByANewerOne": func(t *testing.T, s *store.Store, p ledger.Person) {
			later := noon.Add(time.Minute)
			if err := s.IssueCode(ctx, code(p, later, "newer")); err != nil {
				t.Fatal(err)
			}
			var wrong *ledger.CodeWrongError
			if err := s.TryCode(ctx, try(p, later, "right")); !errors.As(err, &wrong) {
				t.Errorf("the old code: %v, want wrong", err)
			}
			if err := s.TryCode(ctx, try(p, later, "newer")); err != nil {
				t.Errorf("the newer code: %v", err)
			}
		},
		"OtherPurpose": func(t *testing.T, s *store.Store, p ledger.Person) {
			other := try(p, noon, "right")
			other.Purpose = ledger.PurposePassword
			if err := s.TryCode(ctx, other); !errors.Is(err, ledger.ErrNoCode) {
				t.Errorf("err = %v, want ErrNoCode", err)
			}
		},
		"OtherPerson": func(t *testing.T, s *store.Store, p ledger.Person) {
			if err := s.TryCode(ctx, try(campus(t, s, 9), noon, "right")); !errors.Is(err, ledger.ErrNoCode) {
				t.Errorf("err = %v, want ErrNoCode", err)
			}
		},
		"ManyGuessesAtOnce": func(t *testing.T, s *store.Store, p ledger.Person) {
			var wrong, right atomic.Int64
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					var w *ledger.CodeWrongError
					switch err := s.TryCode(ctx, try(p, noon, "guess")); {
					case errors.As(err, &w):
						wrong.Add(1)
					case errors.Is(err, ledger.ErrCodeBurnt):
					default:
						t.Errorf("err = %v", err)
					}
				})
			}
			wg.Wait()
			if err := s.TryCode(ctx, try(p, noon, "right")); !errors.Is(err, ledger.ErrCodeBurnt) {
				t.Errorf("the right code after too many guesses: %v, want ErrCodeBurnt", err)
			}
			if wrong.Load() != ledger.CodeTries-1 || right.Load() != 0 {
				t.Errorf("%d guesses were judged wrong before the code burnt, want %d", wrong.Load(), ledger.CodeTries-1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := campus(t, s, 1)
				if err := s.IssueCode(ctx, code(p, noon, "right")); err != nil {
					t.Fatal(err)
				}
				test(t, s, p)
			})
		})
	}
}

// However many people ask, on however many replicas, no more than the cap go
// out in an hour.
func TestStore_IssueCode_Everybody(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const most = 7
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var people []ledger.Person
		for i := range 3 * most {
			people = append(people, campus(t, s, i))
		}
		issue := func(i int, at time.Time) error {
			c := code(people[i], at, "a")
			c.AddressHash, c.HourlyMax = []byte("address of "+people[i].StudentNo), most
			return s.IssueCode(ctx, c)
		}
		var issued, refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 2 * most {
			wg.Go(func() {
				var capped *ledger.CodeTooSoonError
				switch err := issue(i, noon); {
				case err == nil:
					issued.Add(1)
				case errors.As(err, &capped) && capped.Everybody && capped.RetryAfter == time.Hour:
					refused.Add(1)
				default:
					t.Errorf("err = %v", err)
				}
			})
		}
		wg.Wait()
		if issued.Load() != most || refused.Load() != most {
			t.Errorf("%d issued, %d refused, want %d each", issued.Load(), refused.Load(), most)
		}
		if err := issue(2*most, noon.Add(time.Hour)); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func TestStore_PasswordTries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		begin := func(at time.Time) error { _, err := s.BeginPasswordTry(ctx, p.ID, at); return err }

		t.Run("ManyAtOnce", func(t *testing.T) {
			var taken atomic.Int64
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					var locked *ledger.PasswordLockedError
					if err := begin(noon); err == nil {
						taken.Add(1)
					} else if !errors.As(err, &locked) {
						t.Errorf("err = %v", err)
					}
				})
			}
			wg.Wait()
			if taken.Load() != ledger.PasswordTries {
				t.Errorf("%d tries were taken, want %d", taken.Load(), ledger.PasswordTries)
			}
		})
		t.Run("HalfAnHourThenADay", func(t *testing.T) {
			var locked *ledger.PasswordLockedError
			if err := begin(noon.Add(29 * time.Minute)); !errors.As(err, &locked) || !locked.Until.Equal(noon.Add(ledger.PasswordLock)) {
				t.Errorf("after five wrong tries: %v", err)
			}
			later := noon.Add(31 * time.Minute)
			for i := range ledger.PasswordTries {
				if err := begin(later); err != nil {
					t.Fatalf("try %d after the lock: %v", i, err)
				}
			}
			if err := begin(later); !errors.As(err, &locked) || !locked.Until.Equal(later.Add(ledger.PasswordDay)) {
				t.Errorf("after ten wrong tries: %v", err)
			}
		})
		t.Run("NewPasswordLiftsTheLock", func(t *testing.T) {
			if err := s.SetPassword(ctx, p.ID, "hash", noon); err != nil {
				t.Fatal(err)
			}
			got, err := s.BeginPasswordTry(ctx, p.ID, noon.Add(32*time.Minute))
			if err != nil || got.Hash != "hash" || got.Initial || got.TriesLeft != ledger.PasswordTries-1 {
				t.Errorf("BeginPasswordTry = %+v, %v", got, err)
			}
		})
		t.Run("RightOneForgetsTheWrong", func(t *testing.T) {
			if err := s.PasswordTryOK(ctx, p.ID, noon); err != nil {
				t.Fatal(err)
			}
			got, err := s.BeginPasswordTry(ctx, p.ID, noon.Add(33*time.Minute))
			if err != nil || got.TriesLeft != ledger.PasswordTries-1 {
				t.Errorf("BeginPasswordTry = %+v, %v", got, err)
			}
		})
	})
}
