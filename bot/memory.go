package bot

import (
	"context"
	"sync"
	"time"
)

// memory keeps values in this process for a time: what the process has just done itself, and what stands in for Redis while that is down.
type memory struct {
	mu     sync.Mutex
	values map[string]memoryValue
}

type memoryValue struct {
	text    string
	expires time.Time
}

// memorySize bounds what an outage can pile up; beyond it the expired go first, then any.
const memorySize = 20_000

func newMemory() *memory { return &memory{values: map[string]memoryValue{}} }

func (m *memory) get(key string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.live(key)
}

func (m *memory) live(key string) (string, bool) {
	v, ok := m.values[key]
	if ok && time.Now().After(v.expires) {
		delete(m.values, key)
		return "", false
	}
	return v.text, ok
}

// add sets key unless it is there, and reports whether it did.
func (m *memory) add(key, text string, life time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.live(key); ok {
		return false
	}
	m.store(key, text, life)
	return true
}

func (m *memory) set(key, text string, life time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store(key, text, life)
}

func (m *memory) store(key, text string, life time.Duration) {
	if len(m.values) >= memorySize {
		m.makeRoom()
	}
	m.values[key] = memoryValue{text, time.Now().Add(life)}
}

func (m *memory) makeRoom() {
	now := time.Now()
	for k, v := range m.values {
		if now.After(v.expires) {
			delete(m.values, k)
		}
	}
	for k := range m.values {
		if len(m.values) < memorySize*9/10 {
			return
		}
		delete(m.values, k)
	}
}

func (m *memory) remove(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
}

// localTurns gives turns within this process, in the order asked for. Its zero value is ready.
type localTurns struct {
	mu    sync.Mutex
	lanes map[string]*lane
}

type lane struct {
	turn  chan struct{} // holds one element while somebody has the turn
	users int           // who have it or wait for it
}

func (t *localTurns) take(ctx context.Context, key string) (release func(), ok bool) {
	t.mu.Lock()
	if t.lanes == nil {
		t.lanes = map[string]*lane{}
	}
	l := t.lanes[key]
	if l == nil {
		l = &lane{turn: make(chan struct{}, 1)}
		t.lanes[key] = l
	}
	l.users++
	t.mu.Unlock()
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn; t.leave(key, l) }, true
	case <-ctx.Done():
		t.leave(key, l)
		return nil, false
	}
}

func (t *localTurns) leave(key string, l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(t.lanes, key)
	}
}
