package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaoka/ledger"
)

// What the holder's acts can return besides a refusal of the server's.
var (
	errBusy          = errors.New("another act is under way")
	errNotIdentified = errors.New("no password was given for the card on the reader")
	errReader        = errors.New("the reader does not work")
	errOutOfService  = errors.New("this machine cannot work")
)

// Outcome is what the chip showed after a write.
type Outcome string

// The outcomes of a claim.
const (
	OutcomeWritten   Outcome = "written"
	OutcomeUnwritten Outcome = "unwritten" // and given back
	OutcomeUnknown   Outcome = "unknown"   // the next reader that sees the card settles it
)

// Receipt is how a claim ended.
type Receipt struct {
	Outcome   Outcome      `json:"outcome"`
	Amount    ledger.Fen   `json:"amount_fen"`
	Chip      *ledger.Chip `json:"chip,omitempty"` // what is on the card now, if it was seen
	Confirmed bool         `json:"confirmed"`      // the server knows
}

// actTimeout bounds an act, three tries of two calls and a slow write included.
const actTimeout = 2 * time.Minute

// act runs one act of the holder on the card that lies there, with a copy of
// the PIN that is wiped afterwards.
// It goes on to its end whatever becomes of ctx: a page that has gone must not
// leave a claim half done.
func (b *Bridge) act(ctx context.Context, during Step, needPIN bool, do func(ctx context.Context, cardNo string, p pin) error) error {
	if !b.acting.TryLock() {
		switch {
		case b.checking.Load():
			b.acting.Lock() // what the machine does by itself the holder waits for
		case !b.acting.TryLock():
			return errBusy
		}
	}
	defer b.acting.Unlock()
	b.mu.Lock()
	cardNo, p := b.cardNo, slices.Clone(b.pin)
	b.mu.Unlock()
	defer clear(p)
	switch {
	case cardNo == "":
		return ErrNoCard
	case needPIN && p == nil:
		return errNotIdentified
	}
	b.turn(during)
	defer b.turn("")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actTimeout)
	defer cancel()
	return do(ctx, cardNo, p)
}

// turn moves an act on to its next step; "" ends it.
func (b *Bridge) turn(s Step) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy, b.used = s, b.cfg.Now()
	b.show()
}

// Touch says that the holder is still there.
func (b *Bridge) Touch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = b.cfg.Now()
}

// End forgets the holder. The card, if it is still there, waits for its PIN
// again.
func (b *Bridge) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	b.show()
}

// Identify looks up, with the PIN, what waits for the card. It first settles
// what may be in doubt about the card, for that is money the holder is looking
// for.
func (b *Bridge) Identify(ctx context.Context, p pin) (Account, error) {
	var a Account
	err := b.act(ctx, "", false, func(ctx context.Context, cardNo string, _ pin) error {
		b.settleDoubts(ctx, cardNo)
		var err error
		if a, err = b.client.lookup(ctx, cardNo, p); err != nil {
			return err
		}
		if a.Pending == 0 && a.Status == string(ledger.CardNormal) {
			if a, err = b.present(ctx, cardNo, p, a); err != nil {
				return err
			}
		}
		return b.remember(cardNo, p)
	})
	return a, err
}

// remember keeps the PIN for the visit, if its card is still there.
func (b *Bridge) remember(cardNo string, p pin) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cardNo != cardNo {
		return ErrNoCard
	}
	b.forget()
	b.pin, b.used = slices.Clone(p), b.cfg.Now()
	return nil
}

// present shows the server the chip of a card for which nothing waits: by that
// it settles a write that another machine left in doubt. What turns out not to
// have been written waits again, and the holder sees it before collecting it.
func (b *Bridge) present(ctx context.Context, cardNo string, p pin, a Account) (Account, error) {
	chip, err := b.readChip(ctx, cardNo)
	if err != nil {
		return a, err
	}
	granted, err := b.client.authorise(ctx, cardNo, p, chip)
	switch code := codeOf(err); {
	case code == "nothing_pending" || code == "purse_full":
		return a, nil
	case code == "claim_in_progress" || code == "chip_out_of_step":
		a.Notice = code
		return a, nil
	case err != nil:
		return a, err
	}
	if chip, err = b.readChip(ctx, cardNo); err != nil {
		return a, err
	}
	if _, err := b.client.settle(ctx, "cancel", granted.ID, chip, "to be shown to the holder first"); err != nil {
		return a, err
	}
	return b.client.lookup(ctx, cardNo, p)
}

// Transfers lists a month's transfers, newest first.
func (b *Bridge) Transfers(ctx context.Context, month string) ([]Transfer, error) {
	var list []Transfer
	err := b.act(ctx, "", true, func(ctx context.Context, cardNo string, p pin) error {
		var err error
		list, err = b.client.transfers(ctx, cardNo, p, month)
		return err
	})
	slices.SortStableFunc(list, func(x, y Transfer) int { return compareTimes(y.CreatedAt, x.CreatedAt) })
	return list, err
}

func compareTimes(x, y string) int {
	a, _ := time.Parse(time.RFC3339, x)
	b, _ := time.Parse(time.RFC3339, y)
	return a.Compare(b)
}

// Claim loads what waits onto the card: authorise, journal, write, journal,
// confirm.
func (b *Bridge) Claim(ctx context.Context) (Receipt, error) {
	var r Receipt
	err := b.act(ctx, Asking, true, func(ctx context.Context, cardNo string, p pin) error {
		before, err := b.readChip(ctx, cardNo)
		if err != nil {
			return err
		}
		granted, err := b.client.authorise(ctx, cardNo, p, before)
		if err != nil {
			return err
		}
		r, err = b.load(ctx, Entry{ClaimID: granted.ID, CardNo: cardNo, Amount: granted.Amount, Before: before}, granted.Expected)
		return err
	})
	return r, err
}

// load writes what was authorised.
func (b *Bridge) load(ctx context.Context, e Entry, want Expected) (Receipt, error) {
	unwritten := Receipt{Outcome: OutcomeUnwritten, Amount: e.Amount}
	if want != (Expected{LoadSeq: e.Before.LoadSeq + 1, Balance: e.Before.Balance + e.Amount}) || e.Amount <= 0 {
		// What the server wants is no load of this chip: do not touch it.
		unwritten.Chip, unwritten.Confirmed = &e.Before, b.tell(ctx, b.judged(e, e.Before)) == nil
		return unwritten, nil
	}
	e.Phase = Begun
	if err := b.cfg.Journal.Append(e); err != nil {
		// Without a journal a write could be forgotten: give the money back.
		b.cfg.Log.Error("nothing is written while the journal fails", "claim", e.ClaimID, "err", err)
		_, err := b.client.settle(ctx, "cancel", e.ClaimID, e.Before, "the machine cannot keep its journal")
		return unwritten, errors.Join(errOutOfService, err)
	}
	b.turn(Writing)
	b.reader.Lock()
	said, failed := b.cfg.Reader.WriteLoad(ctx, Load{CardNo: e.CardNo, Amount: e.Amount, Expected: want})
	b.reader.Unlock()
	if failed != nil {
		b.cfg.Log.Warn("the reader did not write", "claim", e.ClaimID, "err", failed)
	}
	after, err := b.readChip(ctx, e.CardNo)
	if err != nil {
		return Receipt{Outcome: OutcomeUnknown, Amount: e.Amount}, nil
	}
	if failed == nil && said != after {
		b.cfg.Log.Error("the reader reports a write that the chip does not show", "claim", e.ClaimID, "reported", said, "chip", after)
	}
	b.turn(Confirming)
	e = b.judged(e, after)
	r := Receipt{Outcome: OutcomeWritten, Amount: e.Amount, Chip: &after}
	if e.Phase == Unwritten {
		r.Outcome = OutcomeUnwritten
	}
	b.journal(e)
	r.Confirmed = b.tell(ctx, e) == nil
	return r, nil
}

// judged is the entry with what the chip shows of it. What cannot be counts as
// unwritten here: the server, told what the chip shows, holds it for a person.
func (b *Bridge) judged(e Entry, chip ledger.Chip) Entry {
	e.Phase, e.Chip = Unwritten, &chip
	if (ledger.Claim{Before: e.Before, Amount: e.Amount}).Judge(chip) == ledger.Written {
		e.Phase = Written
	}
	return e
}

// journal keeps what the chip showed. If that fails the entry stays begun, and
// the card's next visit settles it.
func (b *Bridge) journal(e Entry) {
	if err := b.cfg.Journal.Append(e); err != nil {
		b.cfg.Log.Error("the journal fails", "claim", e.ClaimID, "phase", e.Phase, "err", err)
	}
}

// settleDoubts reads the chip of a card that this machine began to write
// without seeing the end, and tells the server what it shows.
func (b *Bridge) settleDoubts(ctx context.Context, cardNo string) {
	for _, e := range b.cfg.Journal.Open() {
		if e.CardNo != cardNo {
			continue
		}
		if e.Phase == Begun {
			chip, err := b.readChip(ctx, cardNo)
			if err != nil {
				return
			}
			e = b.judged(e, chip)
			b.journal(e)
		}
		if b.tell(ctx, e) == nil {
			b.resolved(cardNo, e)
		}
	}
}

// resolved lets the screen say how a doubt about the card on the reader ended.
func (b *Bridge) resolved(cardNo string, e Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cardNo != cardNo {
		return
	}
	b.view.Resolved = OutcomeWritten
	if e.Phase == Unwritten {
		b.view.Resolved = OutcomeUnwritten
	}
	b.show()
}

// Replay tells the server of every write whose end the chip has shown and the
// server has not acknowledged. It stops when no answer comes.
func (b *Bridge) Replay(ctx context.Context) {
	for _, e := range b.cfg.Journal.Open() {
		if e.Phase != Begun && errors.Is(b.tell(ctx, e), errNoAnswer) {
			return
		}
	}
}

// tell confirms or cancels, and journals that the server has taken it.
func (b *Bridge) tell(ctx context.Context, e Entry) error {
	act, reason := "confirm", ""
	if e.Phase == Unwritten {
		act, reason = "cancel", "the chip shows no load"
	}
	state, err := b.client.settle(ctx, act, e.ClaimID, *e.Chip, reason)
	code := codeOf(err)
	switch {
	case err == nil:
		e.Phase, e.Outcome = Settled, string(state)
	case code == "claim_not_found" || code == "chip_out_of_step" || code == "validation_failed":
		e.Phase, e.Outcome = Held, code
		b.cfg.Log.Error("a person must look at this claim", "claim", e.ClaimID, "code", code)
	default:
		b.cfg.Log.Warn("the server does not know yet", "claim", e.ClaimID, "phase", e.Phase, "err", err)
		return err
	}
	b.journal(e)
	return err
}

// readChip reads the card's counters afresh. A card that has left has left,
// however soon it is back: it then counts as another visit.
func (b *Bridge) readChip(ctx context.Context, cardNo string) (ledger.Chip, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	b.reader.Lock()
	defer b.reader.Unlock()
	chip, err := b.cfg.Reader.ReadChip(ctx, cardNo)
	if err != nil {
		b.saw(Card{}, err)
	}
	if err != nil && !errors.Is(err, ErrNoCard) {
		err = fmt.Errorf("%w: %w", errReader, err)
	}
	return chip, err
}
