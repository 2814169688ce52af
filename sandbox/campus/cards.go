package campus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"xiaoka/sandbox/terminal"
)

// cardsFile holds what chips and machines know, the half of the money's evidence that is not in the product's database.
const cardsFile = "cards.json"

type cardsOnFile struct {
	Chips    map[string]terminal.ChipState `json:"chips"` // by card number, those that differ from the hand-out
	Journals map[string][]terminal.Entry   `json:"journals"`
	Tills    map[string]terminal.Store     `json:"tills"`
}

// cards is all plastic of the campus.
type cards struct {
	path   string
	mu     sync.Mutex // of the file
	people []Person
	chips  map[string]*terminal.Chip // by UserID
}

func loadCards(dir string, people []Person) (*cards, cardsOnFile, error) {
	c := &cards{path: filepath.Join(dir, cardsFile), people: people, chips: map[string]*terminal.Chip{}}
	var old cardsOnFile
	b, err := os.ReadFile(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, old, fmt.Errorf("campus: %w", err)
	default:
		if err := json.Unmarshal(b, &old); err != nil {
			return nil, old, fmt.Errorf("campus: %s: %w", cardsFile, err)
		}
	}
	for _, p := range people {
		state, ok := old.Chips[p.CardNo]
		if !ok {
			state = terminal.ChipState{BalanceFen: p.OpeningFen}
		}
		c.chips[p.UserID] = terminal.NewChip(p.CardNo, state)
	}
	return c, old, nil
}

func (c *cards) save(machines []*Machine, tills []*Till) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := cardsOnFile{Chips: map[string]terminal.ChipState{}, Journals: map[string][]terminal.Entry{}, Tills: map[string]terminal.Store{}}
	for _, p := range c.people {
		if s := c.chips[p.UserID].Peek(); s != (terminal.ChipState{BalanceFen: p.OpeningFen}) {
			out.Chips[p.CardNo] = s
		}
	}
	for _, m := range machines {
		if journal := m.kiosk.Journal(); len(journal) > 0 {
			out.Journals[m.terminal.ID] = journal
		}
	}
	for _, t := range tills {
		if s := t.pos.Store(); s.LastSeq > 0 || len(s.Confirms) > 0 {
			out.Tills[t.terminal.ID] = s
		}
	}
	return writeJSON(c.path, out)
}
