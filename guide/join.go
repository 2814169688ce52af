package guide

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// joinCode keeps the QR code to join the corp. Nobody waits for it: it is
// fetched beside the requests, and what is held is shown until then.
type joinCode struct {
	fetch func(ctx context.Context) ([]byte, error)
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	picture []byte
	expires time.Time // of the picture
	next    time.Time // not asked again before
	asking  bool
}

// A code is good for seven days at WeCom. One that cannot be renewed is shown
// while it is sure to be taken.
const (
	joinLife    = 6 * 24 * time.Hour
	joinRenew   = 24 * time.Hour
	joinPause   = 10 * time.Minute // after a failure
	joinTimeout = 10 * time.Second
)

// get returns the picture, nil when there is none now.
func (j *joinCode) get() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	if !j.asking && !now.Before(j.next) {
		j.asking = true
		go j.renew()
	}
	if now.Before(j.expires) {
		return j.picture
	}
	return nil
}

func (j *joinCode) renew() {
	ctx, cancel := context.WithTimeout(context.Background(), joinTimeout)
	defer cancel()
	picture, err := j.fetch(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.now()
	j.asking = false
	if err != nil {
		j.next = now.Add(joinPause)
		j.log.Warn("no QR code to join for the guide", "err", err)
		return
	}
	j.picture, j.expires, j.next = picture, now.Add(joinLife), now.Add(joinRenew)
}
