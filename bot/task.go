package bot

import (
	"context"
	"errors"
	"time"
)

// ErrNoTask is what Tasks.Task returns for an id it does not know.
var ErrNoTask = errors.New("bot: no such task")

// Task records to whom a card with buttons was sent, so that nobody else's press of it counts.
type Task struct {
	ID        string // the card's task_id: 128 random bits in hex
	UserID    string // lower case
	AgentID   int64
	Kind      string // which card: cards.Card.Kind
	Subject   string // what its buttons act on: cards.Card.Subject
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Tasks keeps tasks until they expire. SaveTask is called before the card is sent.
type Tasks interface {
	SaveTask(ctx context.Context, t Task) error
	// Task returns ErrNoTask when id is unknown. It may return an expired task.
	Task(ctx context.Context, id string) (Task, error)
}
