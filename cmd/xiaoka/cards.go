package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"xiaoka/ledger"
)

type cardCmd struct {
	Replace cardReplaceCmd `cmd:"" help:"Give a holder a new campus card (补卡, 换卡). The old one is stopped for good; its money becomes the holder's to collect with the new one."`
}

type cardReplaceCmd struct {
	Old    cardNo        `arg:"" help:"Number of the card in use."`
	New    cardNo        `arg:"" help:"Number of the new card."`
	Chip   *chipRead     `placeholder:"LOAD_SEQ/SPEND_SEQ/YUAN" help:"What a reader reads off the old card where it was handed in, such as 5/17/80.00: that money can be collected at once. Without it the card counts as lost."`
	Wait   time.Duration `default:"72h" help:"How long tills have to send what was bought with the old card, before the books' balance of it can be collected; 0 to 720h."`
	Reason said          `required:"" help:"Who asked for it and what was shown; goes to the audit log."`
}

// cardNo is a campus card's number on the command line.
type cardNo string

// UnmarshalText refuses what no card has.
func (c *cardNo) UnmarshalText(text []byte) error {
	*c = cardNo(text)
	if *c == "" || !wellFormedID(string(*c)) {
		return fmt.Errorf("%q is not the number of a card", text)
	}
	return nil
}

// chipRead is a chip as it is read off and typed.
type chipRead ledger.Chip

// UnmarshalText reads LOAD_SEQ/SPEND_SEQ/YUAN.
func (c *chipRead) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), "/")
	if len(parts) != 3 {
		return errors.New("must be LOAD_SEQ/SPEND_SEQ/YUAN, such as 5/17/80.00")
	}
	load, errLoad := strconv.ParseInt(parts[0], 10, 32)
	spend, errSpend := strconv.ParseInt(parts[1], 10, 32)
	fen, errFen := ledger.ParseYuan(parts[2])
	if errLoad != nil || errSpend != nil || errFen != nil || load < 0 || spend < 0 || fen < 0 {
		return errors.New("must be two counters and yuan, such as 5/17/80.00")
	}
	*c = chipRead{LoadSeq: load, SpendSeq: spend, Balance: fen}
	return nil
}

// Validate makes a wait that cannot be meant, and a card for itself, usage errors.
func (c cardReplaceCmd) Validate() error {
	switch {
	case c.Wait < 0 || c.Wait > 720*time.Hour:
		return errors.New("--wait must be 0 to 720h")
	case c.Old == c.New:
		return errors.New("the new card has the number of the old one")
	}
	return nil
}

// Run closes the one card and issues the other.
func (c cardReplaceCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	at := now()
	r := ledger.ReplacementRequest{OldCardNo: string(c.Old), NewCardNo: string(c.New), Due: at.Add(c.Wait), Reason: string(c.Reason)}
	if c.Chip != nil {
		chip := ledger.Chip(*c.Chip)
		r.Chip = &chip
	}
	done, err := s.ReplaceCard(p.ctx, r, at)
	switch {
	case errors.Is(err, ledger.ErrCardNotFound):
		return fmt.Errorf("there is no card %s", c.Old)
	case errors.Is(err, ledger.ErrCardFrozen):
		return fmt.Errorf("card %s is frozen: end that first", c.Old)
	case errors.Is(err, ledger.ErrClaimInProgress):
		return fmt.Errorf("money for card %s is on its way, or of unknown outcome: nothing was changed; see xiaoka claim list, and settle it first", c.Old)
	case errors.Is(err, ledger.ErrChipDiffers):
		return fmt.Errorf("%w: nothing was changed; read the card again, or replace it without --chip", err)
	case err != nil:
		return err
	}
	fmt.Fprintf(p.stdout, "card %s is stopped for good, card %s is in use\n", c.Old, c.New)
	if done.Moved > 0 {
		fmt.Fprintf(p.stdout, "%s can be collected with it now\n", done.Moved)
	}
	if done.Left > 0 {
		fmt.Fprintf(p.stdout, "%s less what tills have not sent yet can be collected from %s\n", done.Left, r.Due.In(cfg.Timezone).Format("2006-01-02 15:04"))
	}
	return nil
}
