package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
)

// At the busiest moments hundreds of holders tap at once, and most of what an
// act costs is not its rows but its statements, its journeys and its commit. So
// on PostgreSQL acts of one kind that come while others are under way share the
// next transaction: a list of acts takes as many statements as one. An act that
// comes alone goes at once, as a list of one.
//
// A list holds plain acts only: its first statements change the rows that are
// as a plain act needs them and return what they were. Whatever turns out not to
// be plain (a refusal, a repeat, a row that somebody else has locked) is undone
// with the list, and done alone with its rows locked; so is all of a list that
// fails. So nobody waits for the lock that keeps another back, and lists, which
// wait for none, are never part of a deadlock for long.

// errNotPlain undoes what must go the long way.
var errNotPlain = errors.New("not plain")

// allPlain is errNotPlain while an act of a list has no answer.
func allPlain[A any](list []*A) error {
	if slices.Contains(list, nil) {
		return errNotPlain
	}
	return nil
}

// The fewer lists, the longer they are and the less each act costs; a second
// one goes only when half of another waits. A list is short enough not to keep
// its rows for long.
const (
	listsAtOnce = 2
	listSize    = 16
	listTimeout = 5 * time.Second
)

// waitForNobody has a list fail rather than wait: it passes the rows over that it
// locks first, but a change may still meet a transfer or a unique key that
// somebody is about to change.
func waitForNobody(tx *gorm.DB) error {
	return write(tx, "wait for nobody", `SELECT set_config('lock_timeout', '200ms', TRUE)`)
}

// crowd gathers acts of one kind.
type crowd[Q, A any] struct {
	// plain does a list of acts, or none of them: those without an answer were
	// not plain.
	plain func(ctx context.Context, list []Q) ([]*A, error)
	// key names what only one act of a list may want.
	key func(Q) string

	mu      sync.Mutex
	busy    int // lists under way
	waiting []*call[Q, A]
}

// call is an act that waits for its turn.
type call[Q, A any] struct {
	q    Q
	turn chan turn[A]
}

// turn is an act's: to lead a list, or to have been done by the one who led.
type turn[A any] struct {
	lead   bool
	answer *A
}

// do takes a plain act through the crowd. Not ok, nothing has happened, or it
// is not known: the act must go the long way, which finds out.
func (c *crowd[Q, A]) do(ctx context.Context, q Q) (a A, ok bool) {
	if c.plain == nil {
		return a, false
	}
	mine := &call[Q, A]{q: q, turn: make(chan turn[A], 1)}
	c.enter(mine)
	var got turn[A]
	select {
	case got = <-mine.turn:
	case <-ctx.Done():
		if c.quit(mine) {
			return a, false
		}
		got = <-mine.turn
	}
	if got.lead {
		got.answer = c.together(ctx, mine)
	}
	if got.answer == nil {
		return a, false
	}
	return *got.answer, true
}

// together does a call with those that wait, tells them and returns its own
// answer. No one caller's impatience ends it for all.
func (c *crowd[Q, A]) together(ctx context.Context, mine *call[Q, A]) *A {
	runtime.Gosched() // those who were just answered and come back join the list
	list := c.gather(mine)
	answers := make(map[*call[Q, A]]*A, len(list))
	defer func() {
		for _, l := range list[1:] {
			l.turn <- turn[A]{answer: answers[l]}
		}
		c.leave()
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), listTimeout)
	defer cancel()
	for plain := list; len(plain) > 0; {
		asked := make([]Q, len(plain))
		for i, l := range plain {
			asked[i] = l.q
		}
		done, err := c.plain(ctx, asked)
		if err != nil && !errors.Is(err, errNotPlain) {
			return nil
		}
		var left []*call[Q, A]
		for i, a := range done {
			if a != nil {
				left = append(left, plain[i])
			}
		}
		if len(left) == len(plain) {
			for i, l := range plain {
				answers[l] = done[i]
			}
			break
		}
		plain = left
	}
	return answers[mine]
}

// enter gives a call its turn at once, or lets it wait.
func (c *crowd[Q, A]) enter(mine *call[Q, A]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, mine)
	c.advance()
}

// advance lets the next list go, led by who has waited longest, if there is
// one to go.
func (c *crowd[Q, A]) advance() {
	if len(c.waiting) == 0 || c.busy == listsAtOnce || (c.busy > 0 && len(c.waiting) < listSize/2) {
		return
	}
	c.busy++
	c.waiting[0].turn <- turn[A]{lead: true}
	c.waiting = slices.Delete(c.waiting, 0, 1)
}

// gather takes those that wait into the list of one who leads.
func (c *crowd[Q, A]) gather(mine *call[Q, A]) []*call[Q, A] {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, keys := []*call[Q, A]{mine}, map[string]bool{c.key(mine.q): true}
	c.waiting = slices.DeleteFunc(c.waiting, func(l *call[Q, A]) bool {
		if len(list) == listSize || keys[c.key(l.q)] {
			return false
		}
		list, keys[c.key(l.q)] = append(list, l), true
		return true
	})
	return list
}

// leave ends a list.
func (c *crowd[Q, A]) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	c.advance()
}

// quit takes back a call whose turn has not come.
func (c *crowd[Q, A]) quit(mine *call[Q, A]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.waiting, mine)
	if i < 0 {
		return false
	}
	c.waiting = slices.Delete(c.waiting, i, i+1)
	return true
}
