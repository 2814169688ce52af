package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// beat keeps proxies and browsers from closing a quiet stream.
const beat = 20 * time.Second

// events names what changed, as Server-Sent Events with a JSON list of topics each. The page fetches the rest itself, so
// nothing is lost when the line breaks: on reconnecting it fetches everything.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	sub := s.campus.Hub.Subscribe(s.person(r).UserID)
	defer sub.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	stream := http.NewResponseController(w)
	send := func(text string) bool {
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		return stream.Flush() == nil
	}
	if !send("retry: 1000\n\n") {
		return
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		text := ": \n\n"
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		case <-sub.Wake():
			topics, err := json.Marshal(sub.Take())
			if err != nil {
				return
			}
			text = "data: " + string(topics) + "\n\n"
		}
		if !send(text) {
			return
		}
	}
}
