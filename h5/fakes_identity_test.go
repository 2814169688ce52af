package h5

import (
	"context"
	"fmt"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// fakeNewcomers links a member to the person known.
type fakeNewcomers struct{ *world }

func (n fakeNewcomers) Channels() []ledger.Channel {
	return []ledger.Channel{ledger.Email, ledger.Phone}
}

func (n fakeNewcomers) Ask(_ context.Context, userID, number string, ch ledger.Channel, lang ledger.Lang) (time.Duration, error) {
	if n.tooOften > 0 {
		return n.tooOften, nil
	}
	n.numbers[userID] = number
	n.asks = append(n.asks, fmt.Sprint(number, " ", ch, " ", lang))
	return 0, nil
}

func (n fakeNewcomers) Asked(_ context.Context, userID string) (bool, error) {
	return n.numbers[userID] != "", nil
}

func (n fakeNewcomers) Prove(_ context.Context, userID, code string) (bool, error) {
	if n.numbers[userID] != n.people[known].StudentNo || code != "482913" {
		return false, nil
	}
	return true, n.change(known, func(p *ledger.Person) { p.UserID, p.VerifiedAt = userID, n.now })
}

func codeKey(id int64, p ledger.Purpose) string { return string(p) + string(rune('0'+id)) }

type fakeCodes struct{ *world }

func (c fakeCodes) Addresses(p ledger.Person) (found []identity.Address) {
	if p.Email != "" {
		found = append(found, identity.Address{Channel: ledger.Email, Masked: identity.MaskEmail(p.Email)})
	}
	if p.Phone != "" {
		found = append(found, identity.Address{Channel: ledger.Phone, Masked: identity.MaskPhone(p.Phone)})
	}
	return found
}

func (c fakeCodes) Send(_ context.Context, p ledger.Person, ch ledger.Channel, purpose ledger.Purpose) (string, error) {
	if c.sendError != nil {
		return "", c.sendError
	}
	for _, a := range c.Addresses(p) {
		if a.Channel == ch {
			key := codeKey(p.ID, purpose)
			c.awaited[key], c.channels[key], c.issued[p.ID] = "482913", ch, c.now
			return a.Masked, nil
		}
	}
	return "", identity.ErrNoAddress
}

func (c fakeCodes) Check(_ context.Context, id int64, purpose ledger.Purpose, code string) error {
	key := codeKey(id, purpose)
	switch want := c.awaited[key]; {
	case len(identity.NormalDigits(code)) != 6:
		return identity.ErrCodeFormat
	case want == "":
		return ledger.ErrNoCode
	case want != identity.NormalDigits(code):
		return &ledger.CodeWrongError{TriesLeft: 4}
	}
	delete(c.awaited, key)
	return nil
}

type fakePasswords struct{ *world }

func (p fakePasswords) Verify(_ context.Context, id int64, pin string) (bool, error) {
	want := p.passwords[id]
	if want == "" {
		want = identity.InitialPassword
	}
	switch {
	case len(pin) != 6:
		return false, identity.ErrPasswordFormat
	case p.now.Before(p.locked[id]):
		return false, &ledger.PasswordLockedError{Until: p.locked[id]}
	case pin != want:
		if p.tries[id]++; p.tries[id] >= ledger.PasswordTries {
			p.locked[id] = p.now.Add(ledger.PasswordLock)
			return false, &ledger.PasswordLockedError{Until: p.locked[id]}
		}
		return false, &ledger.PasswordWrongError{TriesLeft: ledger.PasswordTries - p.tries[id]}
	}
	p.passwordOK++
	p.tries[id] = 0
	return p.passwords[id] == "", nil
}

func (p fakePasswords) Set(_ context.Context, person ledger.Person, pin string) error {
	p.passwords[person.ID] = pin
	delete(p.locked, person.ID)
	return nil
}
