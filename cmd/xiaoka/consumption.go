package main

import (
	"errors"
	"fmt"

	"xiaoka/identity"
	"xiaoka/ledger"
)

type consumptionCmd struct {
	Reverse consumptionReverseCmd `cmd:"" help:"Reverse a wrong purchase (冲正): its money waits for the holder to be collected like a top-up."`
}

type consumptionReverseCmd struct {
	Terminal string `arg:"" help:"The till that reported the purchase."`
	Seq      int64  `arg:"" help:"The purchase's number there."`
	Amount   yuan   `placeholder:"YUAN" help:"How much of it was too much; the whole purchase without."`
	Note     said   `required:"" help:"Who asked for it and why; goes to the audit log."`
}

// yuan is an amount on the command line.
type yuan struct{ ledger.Fen }

// UnmarshalText reads a positive amount, 6.5 or 6.50.
func (y *yuan) UnmarshalText(text []byte) (err error) {
	if y.Fen, err = ledger.ParseYuan(string(text)); err != nil || y.Fen == 0 {
		return fmt.Errorf("%q is not an amount in yuan, such as 6.50", text)
	}
	return nil
}

// Run reverses a purchase, once.
func (c consumptionReverseCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := s.CorrectPurchase(p.ctx, ledger.Correction{TerminalID: c.Terminal, Seq: c.Seq, Amount: c.Amount.Fen, Note: string(c.Note)}, now())
	switch {
	case errors.Is(err, ledger.ErrNoPurchase):
		return fmt.Errorf("no purchase %d of terminal %s is booked", c.Seq, c.Terminal)
	case errors.Is(err, ledger.ErrCorrected):
		return fmt.Errorf("purchase %d of terminal %s is reversed already", c.Seq, c.Terminal)
	case errors.Is(err, ledger.ErrCorrectionTooLarge):
		return fmt.Errorf("the purchase was of %s", done.Spent)
	case err != nil:
		return err
	}
	fmt.Fprintf(p.stdout, "%s of %s at %s wait for card …%s as transfer %s\n", done.Amount, done.Spent, done.Merchant, identity.CardTail(done.CardNo), done.Transfer.ID)
	return nil
}
