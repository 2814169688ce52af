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
}

// A code is good for seven days at WeCom. One that cannot be renewed is shown
// while it is sure to be taken. After a failure it is asked for again soon,
// then ever later.
const (
	joinLife      = 6 * 24 * time.Hour
	joinRenew     = 24 * time.Hour
	joinPause     = 15 * time.Second
	joinPauseMost = 10 * time.Minute
	joinTimeout   = 10 * time.Second
)

// get returns the picture, nil when there is none now.
func (j *joinCode) get() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.now().Before(j.expires) {
		return j.picture
	}
	return nil
}

// keep fetches the code and renews it until ctx ends.
func (j *joinCode) keep(ctx context.Context) {
	pause := joinPause
	for ctx.Err() == nil {
		wait := joinRenew
		if err := j.renew(ctx); err != nil {
			j.log.Warn("no QR code to join for the guide", "err", err)
			wait, pause = pause, min(2*pause, joinPauseMost)
		} else {
			pause = joinPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (j *joinCode) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	picture, err := j.fetch(ctx)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.picture, j.expires = picture, j.now().Add(joinLife)
	return nil
}
