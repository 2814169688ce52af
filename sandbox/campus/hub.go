package campus

import (
	"maps"
	"slices"
	"sync"
)

// Hub tells the open pages what has changed. A page that is slow gets each topic once, however often it changed.
type Hub struct {
	mu   sync.Mutex
	subs map[*Subscription]bool
}

// Subscription is one page's view of the Hub.
type Subscription struct {
	hub     *Hub
	userID  string
	pending map[string]bool
	wake    chan struct{}
}

// The topics.
const (
	TopicChat     = "chat"     // a conversation of the subscriber
	TopicCorp     = "corp"     // menus, apps, members
	TopicMail     = "mail"     // the mails and SMS
	TopicTimeline = "timeline" // the inspector
	TopicPay      = "pay"      // open orders
	TopicKiosk    = "kiosk"    // a machine or a card
	TopicProduct  = "product"  // the product's process came or went
)

// Subscribe returns what concerns the member with that userID.
func (h *Hub) Subscribe(userID string) *Subscription {
	s := &Subscription{hub: h, userID: userID, pending: map[string]bool{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[*Subscription]bool{}
	}
	h.subs[s] = true
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}

// Wake is ready whenever Take has something.
func (s *Subscription) Wake() <-chan struct{} { return s.wake }

// Take returns the topics that changed since the last Take, sorted.
func (s *Subscription) Take() []string {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	select {
	case <-s.wake: // what it was for is taken here
	default:
	}
	topics := slices.Sorted(maps.Keys(s.pending))
	clear(s.pending)
	return topics
}

// Publish notes a change. userID restricts it to one member's pages; empty means all.
func (h *Hub) Publish(topic, userID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs {
		if userID != "" && s.userID != userID {
			continue
		}
		s.pending[topic] = true
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}
