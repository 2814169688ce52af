package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"xiaoka/ledger"
)

// CodeStore keeps codes and their limits.
type CodeStore interface {
	// IssueCode applies the limits of ledger.CodesAMinute, CodesAnHour and CodesADay, each per person and per address, and
	// NewCode.HourlyMax over everybody,
	// voids earlier codes of the same person and purpose, and records the new one, all in one transaction. Over a limit it
	// records nothing and returns *ledger.CodeTooSoonError.
	IssueCode(ctx context.Context, c ledger.NewCode) error
	// TryCode counts the try, then compares in constant time; a right code is used up by it. It returns
	// *ledger.CodeWrongError, ledger.ErrCodeExpired, ErrCodeBurnt or ErrNoCode.
	TryCode(ctx context.Context, t ledger.CodeTry) error
}

// Errors of [Codes] beyond those of the ledger.
var (
	// ErrNotOffered: codes do not go out by this channel here.
	ErrNotOffered = errors.New("codes are not offered by this channel")
	// ErrNoAddress: the person has no address on record for the channel.
	ErrNoAddress = errors.New("no address on record for this channel")
	// ErrCodeFormat: not six digits, so not a try.
	ErrCodeFormat = errors.New("a code is six digits")
)

// SendFailedError says that a code was issued but did not go out. Another may be asked for after RetryAfter.
type SendFailedError struct {
	RetryAfter time.Duration
	Err        error // from the sender, without secrets
}

func (e *SendFailedError) Error() string { return "the code could not be sent: " + e.Err.Error() }
func (e *SendFailedError) Unwrap() error { return e.Err }

// CodeOptions sets up [Codes].
type CodeOptions struct {
	Store     CodeStore
	MasterKey []byte
	TTL       time.Duration             // how long a code is valid
	HourlyMax int                       // codes in an hour over everybody; 0 = any number
	OnCapped  func()                    // called for each code that this refuses, for an alarm; nil = not
	Senders   map[ledger.Channel]Sender // a channel without one is not offered
	Now       func() time.Time          // nil = time.Now
	Rand      io.Reader                 // nil = crypto/rand
}

// Codes issues and checks six-digit codes. A code is bound to its person and purpose and serves once.
type Codes struct {
	store      CodeStore
	ttl        time.Duration
	hourlyMax  int
	onCapped   func()
	senders    map[ledger.Channel]Sender
	now        func() time.Time
	rand       io.Reader
	codeKey    [32]byte
	addressKey [32]byte
}

// NewCodes returns Codes that live by o.
func NewCodes(o CodeOptions) *Codes {
	return &Codes{
		store: o.Store, ttl: o.TTL, hourlyMax: o.HourlyMax, onCapped: o.OnCapped, senders: o.Senders, now: orNow(o.Now), rand: orRandom(o.Rand),
		codeKey:    DeriveKey(o.MasterKey, "code"),
		addressKey: DeriveKey(o.MasterKey, "code address"),
	}
}

// Address is a place on record where a person can receive a code.
type Address struct {
	Channel ledger.Channel
	Masked  string // such as z***@example.edu.cn
}

// Addresses returns where p can have a code sent, e-mail first; empty if nowhere.
func (c *Codes) Addresses(p ledger.Person) []Address {
	var found []Address
	for _, channel := range []ledger.Channel{ledger.Email, ledger.Phone} {
		if to := address(p, channel); to != "" && c.senders[channel] != nil {
			found = append(found, Address{channel, maskAddress(channel, to)})
		}
	}
	return found
}

// Send issues a code and sends it to the address on record, which it returns masked. It returns ErrNotOffered, ErrNoAddress,
// *ledger.CodeTooSoonError, or *SendFailedError when the code was issued and counted but the sender failed. It must not run
// inside a database transaction: the sender may take seconds.
func (c *Codes) Send(ctx context.Context, p ledger.Person, channel ledger.Channel, purpose ledger.Purpose) (masked string, err error) {
	sender, to := c.senders[channel], address(p, channel)
	switch {
	case sender == nil:
		return "", ErrNotOffered
	case to == "":
		return "", ErrNoAddress
	}
	code, err := newCode(c.rand)
	if err != nil {
		return "", fmt.Errorf("make a code: %w", err)
	}
	issued := c.now()
	err = c.store.IssueCode(ctx, ledger.NewCode{
		PersonID: p.ID, Purpose: purpose, Channel: channel,
		AddressHash: c.addressHash(channel, to),
		CodeHash:    c.codeHash(p.ID, purpose, channel, code),
		Now:         issued, TTL: c.ttl, HourlyMax: c.hourlyMax,
	})
	var tooSoon *ledger.CodeTooSoonError
	if errors.As(err, &tooSoon) && tooSoon.Everybody && c.onCapped != nil {
		c.onCapped()
	}
	if err != nil {
		return "", fmt.Errorf("issue a code: %w", err)
	}
	if err := sender.Send(ctx, to, Message{Code: code, Purpose: purpose, TTL: c.ttl, Lang: p.Lang}); err != nil {
		wait := max(0, time.Minute/ledger.CodesAMinute-c.now().Sub(issued))
		if errors.As(err, &tooSoon) { // a limit of the provider's own
			wait = max(wait, tooSoon.RetryAfter)
		}
		return "", &SendFailedError{RetryAfter: wait, Err: err}
	}
	return maskAddress(channel, to), nil
}

// Check uses up the code that person personID was sent for the purpose, by whichever channel. code may be typed in
// full-width digits and with spaces. It returns ErrCodeFormat, which is no try, *ledger.CodeWrongError, ledger.ErrCodeExpired,
// ledger.ErrCodeBurnt or ledger.ErrNoCode.
func (c *Codes) Check(ctx context.Context, personID int64, purpose ledger.Purpose, code string) error {
	code = NormalDigits(code)
	if !sixDigits(code) {
		return ErrCodeFormat
	}
	hashes := map[ledger.Channel][]byte{}
	for _, channel := range []ledger.Channel{ledger.Email, ledger.Phone} {
		hashes[channel] = c.codeHash(personID, purpose, channel, code)
	}
	if err := c.store.TryCode(ctx, ledger.CodeTry{PersonID: personID, Purpose: purpose, CodeHashes: hashes, Now: c.now()}); err != nil {
		return fmt.Errorf("try a code: %w", err)
	}
	return nil
}

func (c *Codes) codeHash(personID int64, purpose ledger.Purpose, channel ledger.Channel, code string) []byte {
	mac := hmac.New(sha256.New, c.codeKey[:])
	fmt.Fprintf(mac, "%d\n%s\n%s\n%s", personID, purpose, channel, code)
	return mac.Sum(nil)
}

// addressHash names an address to the limits without storing it once more; spellings of one mailbox or phone agree.
func (c *Codes) addressHash(channel ledger.Channel, to string) []byte {
	if channel == ledger.Phone {
		to = mainlandPhone(to)
	}
	mac := hmac.New(sha256.New, c.addressKey[:])
	fmt.Fprintf(mac, "%s\n%s", channel, strings.ToLower(to))
	return mac.Sum(nil)
}

func address(p ledger.Person, channel ledger.Channel) string {
	switch channel {
	case ledger.Email:
		return strings.TrimSpace(p.Email)
	case ledger.Phone:
		return strings.TrimSpace(p.Phone)
	}
	return ""
}

// newCode draws six digits, each of the million equally likely.
func newCode(random io.Reader) (string, error) {
	const fair = 1<<32 - 1<<32%1_000_000 // numbers from here on would favour the first codes
	for {
		var b [4]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", err
		}
		if n := uint64(binary.BigEndian.Uint32(b[:])); n < fair {
			return fmt.Sprintf("%06d", n%1_000_000), nil
		}
	}
}
