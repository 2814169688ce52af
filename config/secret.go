package config

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Secret holds a value that fmt, log/slog, encoding/json and YAML encoders show as [redacted], under every verb and at any
// depth. Only [Secret.Reveal] gives it out.
type Secret[T any] struct{ value T }

// NewSecret wraps v.
func NewSecret[T any](v T) Secret[T] { return Secret[T]{v} }

// Reveal returns the value. Callers pass it straight to where it is used and never into an error or a log.
func (s Secret[T]) Reveal() T { return s.value }

func (Secret[T]) Format(f fmt.State, _ rune)   { fmt.Fprint(f, redacted) }
func (Secret[T]) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret[T]) LogValue() slog.Value         { return slog.StringValue(redacted) }
