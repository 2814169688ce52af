// Package mishap decides which calls of a simulator go a little wrong, in ways that the real services have and a correct
// client does not notice: late answers, unannounced fields, fields in another order, connections that are not kept.
//
// The simulators ask a Dice before each call and carry the mishap out themselves; whoever starts them holds the Dice.
// It is no record of anything: what happened is in the simulators' own logs.
package mishap

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"
)

// Dice throws for each call. A nil Dice lets nothing go wrong. It is safe for concurrent use.
type Dice struct {
	Longest time.Duration // that an answer is held back; New sets 800 ms, far below what clients of these services wait

	seed uint64

	mu     sync.Mutex
	share  float64
	thrown map[string]uint64
}

// New makes a Dice by which the given share of the calls, 0 to 1, goes wrong. The n-th call of one name meets the same
// with the same seed, whatever happens in between.
func New(share float64, seed uint64) *Dice {
	return &Dice{Longest: 800 * time.Millisecond, seed: seed, share: share, thrown: map[string]uint64{}}
}

// Seed is New's.
func (d *Dice) Seed() uint64 { return d.seed }

// Share is what New or SetShare said.
func (d *Dice) Share() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.share
}

// SetShare changes how many calls go wrong, 0 to 1.
func (d *Dice) SetShare(share float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.share = share
}

// Throw says whether the next call of that name goes wrong: nil means that it does not, else the numbers choose how.
// They are for one goroutine.
func (d *Dice) Throw(name string) *rand.Rand {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	n, share := d.thrown[name], d.share
	d.thrown[name]++
	d.mu.Unlock()
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], d.seed)
	binary.LittleEndian.PutUint64(seed[8:], h.Sum64())
	binary.LittleEndian.PutUint64(seed[16:], n)
	r := rand.New(rand.NewChaCha8(seed))
	if r.Float64() >= share {
		return nil
	}
	return r
}

// Delay draws how long an answer is held back: a millisecond to Longest.
func (d *Dice) Delay(r *rand.Rand) time.Duration {
	return max(time.Duration(r.Int64N(int64(d.Longest))+1).Truncate(time.Millisecond), time.Millisecond)
}
