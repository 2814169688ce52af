package identity

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"xiaoka/ledger"
)

// InitialPassword is what the query password of a new card is, for everybody, until the holder chooses an own one. The
// store keeps it as a mark and not as a hash.
const InitialPassword = "123456"

// PasswordStore keeps query passwords and the count of wrong tries, together over every page and terminal.
type PasswordStore interface {
	// BeginPasswordTry counts a try before it is judged and returns what to judge it by. While the password is locked, and
	// from the moment the locking try is counted, it returns *ledger.PasswordLockedError and counts nothing. A person who has
	// no password is ledger.ErrNotFound.
	BeginPasswordTry(ctx context.Context, personID int64, now time.Time) (ledger.PasswordTry, error)
	// PasswordLocked tells the holder, and the audit log, that a wrong try put the lock on.
	PasswordLocked(ctx context.Context, personID int64, until, now time.Time) error
	// PasswordTryOK forgets the tries counted so far: the password was right.
	PasswordTryOK(ctx context.Context, personID int64, now time.Time) error
	// SetPassword stores the holder's own password, and takes away the mark of the initial one, the count and the lock.
	SetPassword(ctx context.Context, personID int64, hash string, now time.Time) error
}

// ErrPepperUnknown: the hash was made under another master key; nobody can check it.
var ErrPepperUnknown = errors.New("the password was hashed under another master key")

// PasswordOptions sets up [Passwords].
type PasswordOptions struct {
	Store     PasswordStore
	MasterKey []byte
	Parallel  int              // hashes at the same time, 19 MiB each; 0 = one for each processor
	OnHash    func()           // called for each hash evaluated, for a metric; nil = not
	Now       func() time.Time // nil = time.Now
	Rand      io.Reader        // nil = crypto/rand
}

// Passwords checks and sets query passwords. Six digits are no secret to a machine that may try them all, so they are
// hashed slowly (argon2id) over a keyed digest whose key is not in the database, and the tries are counted.
type Passwords struct {
	store  PasswordStore
	pepper [32]byte
	keyID  string // names the pepper in each hash
	slots  chan struct{}
	onHash func()
	now    func() time.Time
	rand   io.Reader
}

// NewPasswords returns Passwords that live by o.
func NewPasswords(o PasswordOptions) *Passwords {
	parallel := o.Parallel
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	pepper := DeriveKey(o.MasterKey, "password pepper")
	id := sha256.Sum256(pepper[:])
	return &Passwords{
		store: o.Store, pepper: pepper, keyID: hex.EncodeToString(id[:4]), slots: make(chan struct{}, parallel),
		onHash: o.OnHash, now: orNow(o.Now), rand: orRandom(o.Rand),
	}
}

// Verify checks the query password of person personID; 0 stands for a person who is not on record, so that the answer and
// the time it takes tell nothing. initial reports that it is still the one everybody knows. It returns ErrPasswordFormat,
// which is no try, *ledger.PasswordWrongError, or *ledger.PasswordLockedError, also for the wrong try that puts the lock on.
func (p *Passwords) Verify(ctx context.Context, personID int64, pin string) (initial bool, err error) {
	pin = NormalDigits(pin)
	if !sixDigits(pin) {
		return false, ErrPasswordFormat
	}
	// The slot comes first: a try that is counted is judged at once.
	if err := p.acquire(ctx); err != nil {
		return false, err
	}
	defer p.release()

	var try ledger.PasswordTry
	if personID != 0 {
		try, err = p.store.BeginPasswordTry(ctx, personID, p.now())
	}
	switch {
	case personID == 0 || errors.Is(err, ledger.ErrNotFound):
		try = ledger.PasswordTry{TriesLeft: ledger.PasswordTries - 1} // matches nothing
	case err != nil:
		return false, fmt.Errorf("begin a password try: %w", err)
	}
	switch ok, err := p.matches(try, pin); {
	case err != nil:
		return false, err
	case !ok && try.TriesLeft <= 0:
		if err := p.store.PasswordLocked(ctx, personID, try.LockUntil, p.now()); err != nil {
			return false, fmt.Errorf("tell of a lock: %w", err)
		}
		return false, &ledger.PasswordLockedError{Until: try.LockUntil, Tried: true}
	case !ok:
		return false, &ledger.PasswordWrongError{TriesLeft: try.TriesLeft}
	}
	if err := p.store.PasswordTryOK(ctx, personID, p.now()); err != nil {
		return false, fmt.Errorf("end a password try: %w", err)
	}
	return try.Initial, nil
}

// matches evaluates exactly one hash in every case.
func (p *Passwords) matches(try ledger.PasswordTry, pin string) (bool, error) {
	if try.Hash == "" {
		p.digest(pin, make([]byte, saltLen))
		return try.Initial && subtle.ConstantTimeCompare([]byte(pin), []byte(InitialPassword)) == 1, nil
	}
	salt, want, err := p.decode(try.Hash)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(p.digest(pin, salt), want) == 1, nil
}

// Set stores a new password of the holder's own choice; it returns an error that is [ErrPasswordWeak] if the choice is poor.
// It lifts a lock. That the caller may do so has been proven before: by the old password or by a fresh code.
func (p *Passwords) Set(ctx context.Context, person ledger.Person, pin string) error {
	pin = NormalDigits(pin)
	if err := CheckStrength(pin, person.StudentNo, person.CardNo, person.Phone); err != nil {
		return err
	}
	hash, err := p.Hash(ctx, pin)
	if err != nil {
		return err
	}
	if err := p.store.SetPassword(ctx, person.ID, hash, p.now()); err != nil {
		return fmt.Errorf("set a password: %w", err)
	}
	return nil
}

// Hash encodes a password for the register's import, which takes what it is given; "" for the initial one and for none,
// which cost nothing. It returns ErrPasswordFormat. It may run in parallel.
func (p *Passwords) Hash(ctx context.Context, pin string) (string, error) {
	if pin == "" || pin == InitialPassword {
		return "", nil
	}
	if !sixDigits(pin) {
		return "", ErrPasswordFormat
	}
	salt := make([]byte, saltLen)
	if _, err := io.ReadFull(p.rand, salt); err != nil {
		return "", fmt.Errorf("salt a password: %w", err)
	}
	if err := p.acquire(ctx); err != nil {
		return "", err
	}
	defer p.release()
	return p.prefix() + encoding.EncodeToString(salt) + "$" + encoding.EncodeToString(p.digest(pin, salt)), nil
}

func (p *Passwords) acquire(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Passwords) release() { <-p.slots }

// The cost of a hash: OWASP's recommendation for argon2id,
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. The encoded string names them, in the
// PHC format with its keyid, so that they can be raised later.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonThreads = 1
	saltLen      = 16
	digestLen    = 32
)

var encoding = base64.RawStdEncoding

func (p *Passwords) prefix() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d,keyid=%s$", argon2.Version, argonMemory, argonPasses, argonThreads, p.keyID)
}

func (p *Passwords) digest(pin string, salt []byte) []byte {
	if p.onHash != nil {
		p.onHash()
	}
	peppered := hmac.New(sha256.New, p.pepper[:])
	peppered.Write([]byte(pin))
	return argon2.IDKey(peppered.Sum(nil), salt, argonPasses, argonMemory, argonThreads, digestLen)
}

// decode takes only hashes of our own cost: anything else in the row is not ours, and a larger cost would let whoever can
// write rows use up the memory.
func (p *Passwords) decode(hash string) (salt, digest []byte, err error) {
	rest, ok := strings.CutPrefix(hash, p.prefix())
	if !ok {
		if strings.HasPrefix(hash, "$argon2id$") && !strings.Contains(hash, "keyid="+p.keyID+"$") {
			return nil, nil, ErrPepperUnknown
		}
		return nil, nil, errors.New("the stored password hash is malformed")
	}
	saltText, digestText, _ := strings.Cut(rest, "$")
	salt, err1 := encoding.DecodeString(saltText)
	digest, err2 := encoding.DecodeString(digestText)
	if err1 != nil || err2 != nil || len(salt) != saltLen || len(digest) != digestLen {
		return nil, nil, errors.New("the stored password hash is malformed")
	}
	return salt, digest, nil
}
