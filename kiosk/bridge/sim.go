package bridge

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"xiaoka/ledger"
)

// Tear says when a card is pulled out during its next write.
type Tear string

// The two moments; the reader cannot tell them apart.
const (
	BeforeWrite Tear = "before_write"
	AfterWrite  Tear = "after_write"
)

var errTorn = errors.New("the card left during the write")

// Sim is a simulated reader and the cards one can put into it, for trying a
// machine out without hardware. The zero value is an empty reader. Its cards
// live as long as the process.
type Sim struct {
	// Pause is how long a write takes, so that a hand can pull the card out.
	Pause time.Duration

	mu    sync.Mutex
	cards map[string]ledger.Chip
	in    string // number of the card in it
	tear  Tear
}

// Put lays a card on the reader in place of any other. chip nil = as it was
// last; a card never seen is empty.
func (s *Sim) Put(cardNo string, chip *ledger.Chip) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cards == nil {
		s.cards = map[string]ledger.Chip{}
	}
	if chip != nil {
		s.cards[cardNo] = *chip
	}
	s.in = cardNo
}

// Pull takes the card out.
func (s *Sim) Pull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = ""
}

// TearAt makes the next write go wrong in that way, once; "" takes it back.
func (s *Sim) TearAt(t Tear) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tear = t
}

// ReadCard implements [Reader].
func (s *Sim) ReadCard(context.Context) (Card, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == "" {
		return Card{}, ErrNoCard
	}
	return Card{CardNo: s.in, Chip: s.cards[s.in]}, nil
}

// ReadChip implements [Reader].
func (s *Sim) ReadChip(ctx context.Context, cardNo string) (ledger.Chip, error) {
	c, err := s.ReadCard(ctx)
	if err == nil && c.CardNo != cardNo {
		err = ErrNoCard
	}
	return c.Chip, err
}

// WriteLoad implements [Reader].
func (s *Sim) WriteLoad(ctx context.Context, l Load) (ledger.Chip, error) {
	before, err := s.ReadChip(ctx, l.CardNo)
	if err != nil {
		return before, err
	}
	select {
	case <-time.After(s.Pause):
	case <-ctx.Done():
		return before, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tear := s.tear
	s.tear = ""
	after := ledger.Chip{LoadSeq: before.LoadSeq + 1, SpendSeq: before.SpendSeq, Balance: before.Balance + l.Amount}
	switch {
	case s.in != l.CardNo:
		return before, errTorn
	case s.cards[s.in] != before || after.LoadSeq != l.Expected.LoadSeq || after.Balance != l.Expected.Balance:
		return before, ErrRefused
	case tear == BeforeWrite:
		s.in = ""
		return before, errTorn
	}
	s.cards[s.in] = after
	if tear == AfterWrite {
		s.in = ""
		return before, errTorn
	}
	return after, nil
}

//go:embed sim
var simFiles embed.FS

// Handler serves a page to put cards in and pull them out, its API, and the
// reader itself as [HTTPReader] expects it:
//
//	GET  /sim/state   {"card":{…}|null,"tear":""}
//	POST /sim/put     {"card_no":"61000001","chip":{…}}; without chip as it was last
//	POST /sim/pull    {}
//	POST /sim/tear    {"at":"before_write"|"after_write"|""}
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/state", func(w http.ResponseWriter, _ *http.Request) { s.state(w) })
	mux.HandleFunc("POST /sim/put", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			CardNo string       `json:"card_no"`
			Chip   *ledger.Chip `json:"chip"`
		}
		if !read(w, r, &in) {
			return
		}
		if in.CardNo == "" || (in.Chip != nil && (in.Chip.LoadSeq < 0 || in.Chip.SpendSeq < 0 || in.Chip.Balance < 0)) {
			send(w, http.StatusUnprocessableEntity, map[string]string{"code": "validation_failed"})
			return
		}
		s.Put(in.CardNo, in.Chip)
		s.state(w)
	})
	mux.HandleFunc("POST /sim/pull", func(w http.ResponseWriter, _ *http.Request) { s.Pull(); s.state(w) })
	mux.HandleFunc("POST /sim/tear", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			At Tear `json:"at"`
		}
		if read(w, r, &in) {
			s.TearAt(in.At)
			s.state(w)
		}
	})
	mux.HandleFunc("GET /card", func(w http.ResponseWriter, r *http.Request) {
		c, err := s.ReadCard(r.Context())
		vendor(w, c, err)
	})
	mux.HandleFunc("GET /chip", func(w http.ResponseWriter, r *http.Request) {
		chip, err := s.ReadChip(r.Context(), r.URL.Query().Get("card_no"))
		vendor(w, map[string]any{"chip": chip}, err)
	})
	mux.HandleFunc("POST /load", func(w http.ResponseWriter, r *http.Request) {
		var in Load
		if !read(w, r, &in) {
			return
		}
		chip, err := s.WriteLoad(r.Context(), in)
		vendor(w, map[string]any{"chip": chip}, err)
	})
	if page, err := fs.Sub(simFiles, "sim"); err == nil { // it is embedded
		mux.Handle("/", http.FileServerFS(page))
	}
	return onlyScreen(mux)
}

func (s *Sim) state(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := struct {
		Card *Card `json:"card"`
		Tear Tear  `json:"tear"`
	}{Tear: s.tear}
	if s.in != "" {
		out.Card = &Card{CardNo: s.in, Chip: s.cards[s.in]}
	}
	send(w, http.StatusOK, out)
}

// vendor answers as a reader service does.
func vendor(w http.ResponseWriter, v any, err error) {
	switch {
	case err == nil:
		send(w, http.StatusOK, v)
	case errors.Is(err, ErrNoCard):
		send(w, http.StatusNotFound, map[string]string{"code": "no_card"})
	case errors.Is(err, ErrRefused):
		send(w, http.StatusConflict, map[string]string{"code": "refused"})
	default:
		send(w, http.StatusInternalServerError, map[string]string{"code": "torn"})
	}
}
