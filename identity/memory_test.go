package identity

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"xiaoka/ledger"
)

// memory is the record of codes and passwords as a store keeps it: whole acts, one after another.
type memory struct {
	mu        sync.Mutex
	codes     []*issued
	tries     int // TryCode calls that were counted
	passwords map[int64]*password
}

type issued struct {
	ledger.NewCode
	wrong       int
	void, burnt bool
}

type password struct {
	hash    string
	initial bool
	count   int
	until   time.Time
}

func (m *memory) IssueCode(_ context.Context, c ledger.NewCode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, limit := range []struct {
		most int
		in   time.Duration
	}{{ledger.CodesAMinute, time.Minute}, {ledger.CodesAnHour, time.Hour}, {ledger.CodesADay, 24 * time.Hour}} {
		for _, same := range []func(*issued) bool{
			func(i *issued) bool { return i.PersonID == c.PersonID },
			func(i *issued) bool { return bytes.Equal(i.AddressHash, c.AddressHash) },
		} {
			var times []time.Time
			for _, i := range m.codes {
				if same(i) && c.Now.Sub(i.Now) < limit.in {
					times = append(times, i.Now)
				}
			}
			if len(times) >= limit.most {
				return &ledger.CodeTooSoonError{RetryAfter: times[len(times)-limit.most].Add(limit.in).Sub(c.Now)}
			}
		}
	}
	for _, i := range m.codes {
		if i.PersonID == c.PersonID && i.Purpose == c.Purpose {
			i.void = true
		}
	}
	m.codes = append(m.codes, &issued{NewCode: c})
	return nil
}

func (m *memory) TryCode(_ context.Context, t ledger.CodeTry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range m.codes {
		switch {
		case i.PersonID != t.PersonID || i.Purpose != t.Purpose || i.void:
		case i.burnt:
			return ledger.ErrCodeBurnt
		case !t.Now.Before(i.Now.Add(i.TTL)):
			return ledger.ErrCodeExpired
		case bytes.Equal(i.CodeHash, t.CodeHashes[i.Channel]):
			m.tries++
			i.void = true
			return nil
		default:
			m.tries++
			i.wrong++
			i.burnt = i.wrong >= ledger.CodeTries
			return &ledger.CodeWrongError{TriesLeft: ledger.CodeTries - i.wrong}
		}
	}
	return ledger.ErrNoCode
}

func (m *memory) BeginPasswordTry(_ context.Context, personID int64, now time.Time) (ledger.PasswordTry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.passwords[personID]
	if p == nil {
		return ledger.PasswordTry{}, ledger.ErrNotFound
	}
	if now.Before(p.until) {
		return ledger.PasswordTry{}, &ledger.PasswordLockedError{Until: p.until}
	}
	p.count++
	try := ledger.PasswordTry{Hash: p.hash, Initial: p.initial, TriesLeft: ledger.PasswordTries - (p.count-1)%ledger.PasswordTries - 1}
	if try.TriesLeft == 0 {
		p.until = now.Add(ledger.PasswordLock)
		if p.count >= ledger.PasswordHard {
			p.until = now.Add(ledger.PasswordDay)
		}
		try.LockUntil = p.until
	}
	return try, nil
}

func (m *memory) PasswordLocked(_ context.Context, personID int64, until, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.passwords[personID]; p == nil || !p.until.Equal(until) {
		return errors.New("told of a lock that is not on")
	}
	return nil
}

func (m *memory) PasswordTryOK(_ context.Context, personID int64, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passwords[personID].count, m.passwords[personID].until = 0, time.Time{}
	return nil
}

func (m *memory) SetPassword(_ context.Context, personID int64, hash string, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passwords[personID] = &password{hash: hash}
	return nil
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 12, 8, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}
