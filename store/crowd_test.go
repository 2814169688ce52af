package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// listed is a crowd whose lists are recorded; negative acts are not plain, and
// a list with a zero fails.
func listed() (c *crowd[int, int], lists func() [][]int) {
	var mu sync.Mutex
	var seen [][]int
	c = &crowd[int, int]{
		key: func(q int) string { return string(rune('a' + max(q, -q)%100)) },
		plain: func(ctx context.Context, list []int) ([]*int, error) {
			mu.Lock()
			seen = append(seen, append([]int(nil), list...))
			mu.Unlock()
			time.Sleep(time.Millisecond) // by then everybody else has come
			done := make([]*int, len(list))
			for i, q := range list {
				switch {
				case q == 0:
					return nil, errors.New("cut off")
				case q > 0:
					answer := 10 * q
					done[i] = &answer
				}
			}
			return done, allPlain(done)
		},
	}
	return c, func() [][]int { return seen }
}

func TestCrowd(t *testing.T) {
	for _, tc := range []struct {
		name  string
		acts  []int
		lists int // at least two fewer than acts, where they are shared
		alone []int
	}{
		{"One", []int{1}, 1, nil},
		{"Many", []int{1, 2, 3, 4, 5, 6, 7}, 2, nil},
		{"NotPlain", []int{1, 2, -3, 4, -5, 6}, 4, []int{-3, -5}},
		{"NonePlain", []int{-1, -2, -3}, 2, []int{-1, -2, -3}},
		{"SameKey", []int{1, 7, 7, 7}, 4, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, lists := listed()
				alone := map[int]bool{}
				var mu sync.Mutex
				var all sync.WaitGroup
				for _, q := range tc.acts {
					all.Go(func() {
						a, ok := c.do(t.Context(), q)
						mu.Lock()
						defer mu.Unlock()
						if !ok {
							alone[q] = true
						} else if a != 10*q {
							t.Errorf("do(%d) = %d", q, a)
						}
					})
				}
				all.Wait()
				if len(alone) != len(tc.alone) {
					t.Errorf("left alone: %v, want %v", alone, tc.alone)
				}
				for _, q := range tc.alone {
					if !alone[q] {
						t.Errorf("%d was done in a list", q)
					}
				}
				for _, list := range lists() {
					keys := map[string]bool{}
					for _, q := range list {
						keys[c.key(q)] = true
					}
					if len(keys) != len(list) {
						t.Errorf("two want the same in the list %v", list)
					}
				}
				if got := lists(); len(got) > tc.lists {
					t.Errorf("%d lists, want %d: %v", len(got), tc.lists, got)
				}
				if c.busy != 0 || len(c.waiting) != 0 {
					t.Errorf("%d lists are left under way, %d wait", c.busy, len(c.waiting))
				}
			})
		})
	}
}

// A list that fails leaves all its acts to themselves, and the next one goes.
func TestCrowd_Failure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := listed()
		var all sync.WaitGroup
		for _, q := range []int{1, 0, 2} {
			all.Go(func() {
				if _, ok := c.do(t.Context(), q); ok && q != 1 {
					t.Errorf("%d was done in a list that failed", q)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if a, ok := c.do(t.Context(), 3); !ok || a != 30 {
			t.Errorf("after it do(3) = %d, %v", a, ok)
		}
	})
}

// Who gives up while waiting is not done; a leader's end is not the others'.
func TestCrowd_GivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lists := listed()
		first, second := make(chan struct{}), make(chan struct{})
		inner := c.plain
		c.plain = func(ctx context.Context, list []int) ([]*int, error) {
			if list[0] == 1 {
				close(first)
				<-second
			}
			if ctx.Err() != nil {
				t.Errorf("the list %v ended with its leader", list)
			}
			return inner(ctx, list)
		}
		leader, end := context.WithCancel(t.Context())
		waiter, giveUp := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if a, ok := c.do(leader, 1); !ok || a != 10 {
				t.Errorf("the leader's act = %d, %v", a, ok)
			}
		})
		<-first
		all.Go(func() {
			if _, ok := c.do(waiter, 2); ok {
				t.Error("an act was done that had been given up")
			}
		})
		synctest.Wait()
		end()
		giveUp()
		synctest.Wait()
		close(second)
		all.Wait()
		if got := lists(); len(got) != 1 {
			t.Errorf("lists: %v", got)
		}
	})
}

// A panic in a list is its leader's; the others go on alone.
func TestCrowd_Panic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := listed()
		held := make(chan struct{})
		c.plain = func(_ context.Context, list []int) ([]*int, error) {
			<-held
			panic(list[0])
		}
		var all sync.WaitGroup
		var panics atomic.Int64
		for q := range 3 {
			all.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				if _, ok := c.do(t.Context(), q+1); ok {
					t.Error("an act was done by a list that panicked")
				}
			})
			synctest.Wait()
		}
		close(held)
		all.Wait()
		if panics.Load() != 2 || c.busy != 0 {
			t.Errorf("%d panics, %d lists under way", panics.Load(), c.busy)
		}
	})
}
