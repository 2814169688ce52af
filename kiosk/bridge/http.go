package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Handler serves the screen and what the screen asks, on loopback and to the
// screen alone:
//
//	GET  /kiosk/                   the screen
//	GET  /kiosk/bridge/events      text/event-stream of [View], one now and one at each change
//	POST /kiosk/bridge/identify    {"pin":"482913"}    → [Account]
//	POST /kiosk/bridge/transfers   {"month":"2026-03"} → {"transfers":[[Transfer]…]}, newest first
//	POST /kiosk/bridge/claim       {}                  → [Receipt]
//	POST /kiosk/bridge/touch       {}                  → 204, the holder is still there
//	POST /kiosk/bridge/end         {}                  → 204, the PIN is forgotten
//
// An error is {"code":…} with the server's own code, tries_left and
// locked_until, or one of ours: no_card, not_identified, busy, bad_request,
// reader_failed, unreachable, out_of_service.
func (b *Bridge) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/kiosk/", b.cfg.Screen)
	mux.Handle("/{$}", http.RedirectHandler("/kiosk/", http.StatusFound))
	mux.HandleFunc("GET /kiosk/bridge/events", b.events)
	mux.HandleFunc("POST /kiosk/bridge/identify", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			PIN pin `json:"pin"`
		}
		if !read(w, r, &in) {
			return
		}
		defer clear(in.PIN)
		if in.PIN == nil {
			send(w, http.StatusBadRequest, map[string]string{"code": "bad_request"})
			return
		}
		a, err := b.Identify(r.Context(), in.PIN)
		b.answer(w, a, err)
	})
	mux.HandleFunc("POST /kiosk/bridge/transfers", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Month string `json:"month"`
		}
		if !read(w, r, &in) {
			return
		}
		list, err := b.Transfers(r.Context(), in.Month)
		b.answer(w, map[string]any{"transfers": append([]Transfer{}, list...)}, err)
	})
	mux.HandleFunc("POST /kiosk/bridge/claim", func(w http.ResponseWriter, r *http.Request) {
		receipt, err := b.Claim(r.Context())
		b.answer(w, receipt, err)
	})
	mux.HandleFunc("POST /kiosk/bridge/touch", func(w http.ResponseWriter, _ *http.Request) { b.Touch(); w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /kiosk/bridge/end", func(w http.ResponseWriter, _ *http.Request) { b.End(); w.WriteHeader(http.StatusNoContent) })
	return onlyScreen(mux)
}

// onlyScreen lets nobody in but a browser on this machine that shows this
// bridge's own page: another site's page has another origin, and a name that
// was made to lead here is no loopback address.
func onlyScreen(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r.Host) {
			http.Error(w, "this bridge answers on loopback only", http.StatusForbidden)
			return
		}
		origin := r.Header.Get("Origin")
		if (origin != "" && origin != "http://"+r.Host) ||
			(r.Method == http.MethodPost && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")) {
			http.Error(w, "this bridge answers its own screen only", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// loopback tells whether a host, with or without a port, is this machine
// itself.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// read takes a small JSON body, wiping what was read of it; it may hold a PIN.
func read(w http.ResponseWriter, r *http.Request, in any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<10))
	defer clear(body)
	if err != nil || json.Unmarshal(body, in) != nil {
		send(w, http.StatusBadRequest, map[string]string{"code": "bad_request"})
		return false
	}
	return true
}

// events streams the view.
func (b *Bridge) events(w http.ResponseWriter, r *http.Request) {
	changed, stop := b.changes()
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	alive := time.NewTicker(10 * time.Second)
	defer alive.Stop()
	out := http.NewResponseController(w)
	for {
		line, err := json.Marshal(b.View())
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", line); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		case <-alive.C:
		}
	}
}

// answer writes an answer or the error in its stead.
func (b *Bridge) answer(w http.ResponseWriter, v any, err error) {
	if err == nil {
		send(w, http.StatusOK, v)
		return
	}
	status, p := problem(err)
	if status >= http.StatusInternalServerError {
		b.cfg.Log.Warn("the machine cannot serve", "code", p.Code, "err", err)
	}
	send(w, status, p)
}

// problem is what the screen is told of an error.
func problem(err error) (int, refusal) {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		switch {
		case refused.Status == http.StatusUnauthorized, refused.Code == "terminal_disabled", refused.Code == "wrong_terminal_kind", refused.Suspended != "":
			return http.StatusServiceUnavailable, refusal{Code: "out_of_service"}
		case refused.Code == "rate_limited":
			return http.StatusServiceUnavailable, refusal{Code: "unreachable"}
		}
		return refused.Status, *refused
	case errors.Is(err, ErrNoCard):
		return http.StatusConflict, refusal{Code: "no_card"}
	case errors.Is(err, errNotIdentified):
		return http.StatusConflict, refusal{Code: "not_identified"}
	case errors.Is(err, errBusy):
		return http.StatusConflict, refusal{Code: "busy"}
	case errors.Is(err, errReader):
		return http.StatusServiceUnavailable, refusal{Code: "reader_failed"}
	case errors.Is(err, errNoAnswer):
		return http.StatusServiceUnavailable, refusal{Code: "unreachable"}
	}
	return http.StatusServiceUnavailable, refusal{Code: "out_of_service"}
}

func send(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the page has gone
}
