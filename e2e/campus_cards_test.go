package e2e

import (
	"fmt"
	"strings"

	"xiaoka/sandbox/terminal"
)

// replace gives the player another card at the desk, handed in or gone, unless
// money for the old one is on its way: then the desk must refuse.
func (p *player) replace() error {
	old, no := p.chip.Peek(), "N"+p.CardNo
	args := []string{"card", "replace", p.CardNo, no, "--reason", "at the desk"}
	if p.rng.IntN(2) == 0 {
		args = append(args, "--chip", fmt.Sprintf("%d/%d/%d.%02d", old.LoadSeq, old.SpendSeq, old.BalanceFen/100, old.BalanceFen%100))
	}
	switch out, err := p.try(args...); {
	case err != nil && strings.Contains(out, "is on its way"):
		return nil
	case err != nil:
		return fmt.Errorf("replace a card: %w\n%s", err, out)
	}
	p.moved, p.loadedBefore = old.BalanceFen, p.loaded
	p.replaced, p.CardNo, p.chip = true, no, terminal.NewChip(no, terminal.ChipState{})
	p.OpeningFen, p.loaded, p.spent = 0, 0, 0
	return nil
}

// moveRest has what is left on replaced cards moved, now that every till has
// told what was bought with them.
func (s *storm) moveRest() {
	t := s.house.t
	t.Helper()
	moving := false
	for _, p := range s.players {
		moving = moving || p.replaced
	}
	if !moving {
		t.Log("nobody's card could be replaced")
		return
	}
	s.set("UPDATE replacements SET due_at = 0")
	s.restart() // looks at once, and then every ten minutes
	for _, p := range s.players {
		s.await("the old card's money is moved", func() bool {
			list, err := p.all()
			sum := int64(0)
			for _, tr := range list {
				sum += tr.AmountFen
			}
			return err == nil && sum == p.allPaid()+p.moved
		})
	}
}
