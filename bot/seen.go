package bot

import "context"

// Seen remembers which messages were handled, so that a repeat has no second effect and gets the same answer.
type Seen interface {
	// Begin claims key. When first is true the caller handles the message and ends with Done or Release. Otherwise somebody does or
	// did: done tells whether it is finished, and then reply is the answer it gave.
	Begin(ctx context.Context, key string) (first, done bool, reply []byte, err error)
	// Done keeps reply as the answer to every repeat of key.
	Done(ctx context.Context, key string, reply []byte) error
	// Release gives key up: nothing was done for it, and a repeat may try again.
	Release(ctx context.Context, key string) error
}

// Turns lets one message of a person be handled at a time, over all replicas.
type Turns interface {
	// Take waits until it is key's turn or ctx ends, and reports which. A turn that is not released ends by itself.
	Take(ctx context.Context, key string) (release func(), ok bool)
}
