package wechatpay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// china is the zone of every time that WeChat Pay writes and of its bill days.
var china = time.FixedZone("CST", 8*3600)

// Server is the simulated WeChat Pay. It is safe for concurrent use; its state is in memory and ends with it.
type Server struct {
	cfg  Config
	keys *Keys

	randMu sync.Mutex

	mu         sync.Mutex // guards everything below
	offset     time.Duration
	turn       int // of ByTurns
	faults     []Fault
	orders     map[string]*order  // by out_trade_no
	sequence   []*order           // in the order of their making
	prepays    map[string]handle  // by prepay_id
	codes      map[string]handle  // by code_url
	paid       map[string]*order  // by transaction_id
	burnt      map[string]bool    // numbers closed before they were ordered
	refunds    map[string]*refund // by out_refund_no
	refundList []*refund
	refundIDs  map[string]bool
	files      map[string]billFile // by token
	deliveries []Delivery
	paces      map[string]pace // of RateLimits

	stop    context.CancelFunc
	ctx     context.Context // ends with Close
	closed  bool
	pending int           // notifications and refunds under way
	idle    chan struct{} // closed while pending is 0
}

var apiV3KeyForm = regexp.MustCompile(`^[0-9A-Za-z]{32}$`)

// New makes a simulator for one merchant. It reports an APIv3 key of the wrong form or a negative duration.
func New(cfg Config) (*Server, error) {
	cfg.MchID = cmp.Or(cfg.MchID, "1900000001")
	cfg.AppID = cmp.Or(cfg.AppID, "ww0123456789abcdef")
	cfg.APIURL = cmp.Or(cfg.APIURL, "https://api.mch.weixin.qq.com")
	cfg.TimeScale = cmp.Or(cfg.TimeScale, 1)
	cfg.NotifyTimeout = cmp.Or(cfg.NotifyTimeout, 5*time.Second)
	cfg.RefundDelay = cmp.Or(cfg.RefundDelay, 2*time.Second)
	if cfg.TimeScale < 0 || cfg.NotifyTimeout < 0 || cfg.RefundDelay < 0 {
		return nil, errors.New("wechatpay: TimeScale, NotifyTimeout and RefundDelay cannot be negative")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}, // no proxy: receivers are near
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Keys == nil {
		keys, err := NewKeys()
		if err != nil {
			return nil, err
		}
		cfg.Keys = keys
	}
	s := &Server{
		cfg:       cfg,
		keys:      cfg.Keys,
		orders:    map[string]*order{},
		prepays:   map[string]handle{},
		codes:     map[string]handle{},
		paid:      map[string]*order{},
		burnt:     map[string]bool{},
		refunds:   map[string]*refund{},
		refundIDs: map[string]bool{},
		files:     map[string]billFile{},
		paces:     map[string]pace{},
		idle:      make(chan struct{}),
	}
	close(s.idle)
	if s.cfg.APIv3Key == "" {
		s.cfg.APIv3Key = s.letters(32)
	}
	if !apiV3KeyForm.MatchString(s.cfg.APIv3Key) {
		return nil, errors.New("wechatpay: an APIv3 key is 32 digits and letters")
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// MchID is the merchant number.
func (s *Server) MchID() string { return s.cfg.MchID }

// AppID is the appid bound to the merchant number.
func (s *Server) AppID() string { return s.cfg.AppID }

// APIv3Key is the merchant's symmetric key: 32 digits and letters.
func (s *Server) APIv3Key() string { return s.cfg.APIv3Key }

// Now is WeChat Pay's clock, in +08:00.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// now needs s.mu.
func (s *Server) now() time.Time { return s.cfg.Now().Add(s.offset).In(china) }

// SetClockOffset moves WeChat Pay's clock away from Config.Now. Waiting times already begun do not change.
func (s *Server) SetClockOffset(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = d
}

// Close stops notifications and refunds under way and waits for them, or for ctx. The API goes on answering; a payment
// made afterwards is not notified.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	err := s.Quiet(ctx)
	s.cfg.HTTP.CloseIdleConnections()
	return err
}

// Quiet waits until no notification is due or under way and every refund has its outcome, or for ctx. A merchant that
// refuses a notification keeps it from being quiet for 24 hours, times Config.TimeScale.
func (s *Server) Quiet(ctx context.Context) error {
	for {
		s.mu.Lock()
		idle, pending := s.idle, s.pending
		s.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return fmt.Errorf("wechatpay: %d notifications or refunds under way: %w", pending, ctx.Err())
		}
	}
}

// background runs f until it returns or Close ends its context. It needs s.mu.
func (s *Server) background(f func(context.Context)) {
	if s.closed {
		return
	}
	if s.pending == 0 {
		s.idle = make(chan struct{})
	}
	s.pending++
	go func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.pending--
			if s.pending == 0 {
				close(s.idle)
			}
		}()
		f(s.ctx)
	}()
}

// sleep waits for d in real time and reports whether it was not interrupted.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) * s.cfg.TimeScale)
}

const (
	digits      = "0123456789"
	alphabet    = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hexadecimal = digits + "abcdef"
)

func (s *Server) letters(n int) string { return s.random(alphabet, n) }

// random draws n characters. A Config.Rand that ends or fails is continued by the machine's own randomness.
func (s *Server) random(from string, n int) string {
	b := make([]byte, n)
	s.randMu.Lock()
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		s.cfg.Log.Warn("random source failed", "err", err)
		s.cfg.Rand = rand.Reader
		rand.Read(b) // never fails
	}
	s.randMu.Unlock()
	for i := range b {
		b[i] = from[int(b[i])%len(from)]
	}
	return string(b)
}

// fresh makes a number of ten digits after prefix that is not taken yet.
func (s *Server) fresh(prefix string, taken func(string) bool) string {
	n, err := strconv.ParseInt(s.random(digits, 10), 10, 64)
	if err != nil {
		n = 0 // ten digits always parse
	}
	for ; ; n++ {
		if id := prefix + fmt.Sprintf("%010d", n%1e10); !taken(id) {
			return id
		}
	}
}
