package campus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Journey is what a person has done of the first visit's five steps.
type Journey [5]bool

const journeyFile = "journeys.json"

func (c *Campus) loadJourneys() error {
	b, err := os.ReadFile(filepath.Join(c.cfg.Dir, journeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, &c.journeys)
	}
	if err != nil {
		return fmt.Errorf("campus: %s: %w", journeyFile, err)
	}
	return nil
}

// Achieve adds what a person is seen to have done and returns all that is known. Steps are never undone.
func (c *Campus) Achieve(p Person, seen Journey) Journey {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.journeys[p.UserID]
	now := was
	for i := range now {
		now[i] = now[i] || seen[i]
	}
	if now == was {
		return now
	}
	c.journeys[p.UserID] = now
	if err := writeJSON(filepath.Join(c.cfg.Dir, journeyFile), c.journeys); err != nil {
		c.Timeline.add(Entry{At: time.Now(), System: "sandbox", Name: journeyFile, Problem: err.Error()})
	}
	return now
}
