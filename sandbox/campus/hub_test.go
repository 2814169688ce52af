package campus

import "testing"

// What was published between a wake and its Take wakes nobody again for nothing: a page would be told no topics at all.
func TestHub_WakesOnlyForTopics(t *testing.T) {
	var h Hub
	s := h.Subscribe("1")
	defer s.Close()
	h.Publish(TopicChat, "")
	<-s.Wake()
	h.Publish(TopicMail, "")
	if got := s.Take(); len(got) != 2 {
		t.Errorf("took %v", got)
	}
	select {
	case <-s.Wake():
		t.Errorf("woken for %v", s.Take())
	default:
	}
}
