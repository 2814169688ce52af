package wecom

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"xiaoka/sandbox/mishap"
)

// deliveries is how often a callback is posted at most: once and three repeats.
const deliveries = 4

// callback is one push to an app, before encryption.
type callback struct {
	app    App
	userID string
	name   string // text, or the event's name
	msgID  string // of messages
	xml    string
	// pressed is the ID of the message whose card was pressed: what update_button and update_template_card change.
	pressed string
}

// parcel is a callback encrypted and signed, ready to post.
type parcel struct {
	address string
	body    []byte
	close   bool   // the connection is not kept
	note    string // of a mishap
}

// deliver posts a callback until the app answers 200, at most four times, plus the repeats that Faults asks for, and puts
// the passive reply into the conversation.
func (s *Server) deliver(ctx context.Context, cb callback) (Delivery, error) {
	d := Delivery{MsgID: cb.msgID}
	f := s.Faults()
	switch {
	case f.Lose:
		s.log(Event{Time: s.cfg.Now(), Kind: "callback", AgentID: cb.app.AgentID, UserID: cb.userID, Name: cb.name, Request: cb.xml, Problem: "lost on purpose"})
		return d, fmt.Errorf("%w: lost on purpose", ErrCallback)
	case cb.app.Callback == "":
		return d, ErrNoCallback
	}
	var odd callbackOddity
	if !f.ofCallbacks() {
		odd = s.callbackOddity(&cb, &f)
	}
	pack := func() (parcel, error) {
		p, err := s.pack(cb, f)
		p.close, p.note = odd.close, odd.note
		if odd.stir != nil {
			p.body = mishap.XML(odd.stir, p.body)
		}
		return p, err
	}
	first, err := pack()
	if err != nil {
		return d, err
	}
	next := func() (parcel, error) {
		if s.cfg.Strict.SameEnvelope {
			return first, nil
		}
		return pack()
	}

	extra := make([]Attempt, f.Repeat)
	var wg sync.WaitGroup
	repeat := func(i int) {
		if p, err := next(); err == nil {
			extra[i] = s.post(ctx, cb, p, i+2)
		} else {
			extra[i] = Attempt{Problem: err.Error()}
		}
	}
	if f.RepeatAtOnce {
		for i := range extra {
			wg.Go(func() { repeat(i) })
		}
	}
	acknowledged := false
	for n := 1; n <= deliveries && !acknowledged && ctx.Err() == nil; n++ {
		p := first
		if n > 1 {
			if pause(ctx, s.cfg.RetryPause) != nil {
				break
			}
			if p, err = next(); err != nil {
				return d, err
			}
		}
		a := s.post(ctx, cb, p, n)
		d.Attempts = append(d.Attempts, a)
		acknowledged = a.Status == http.StatusOK
	}
	if !f.RepeatAtOnce {
		for i := range extra {
			repeat(i)
		}
	}
	wg.Wait()
	d.Attempts = append(d.Attempts, extra...)
	s.showReply(cb, d.Attempts)
	if !acknowledged {
		return d, fmt.Errorf("%w after %d attempts", ErrCallback, len(d.Attempts))
	}
	return d, nil
}

// pack encrypts and signs.
func (s *Server) pack(cb callback, f Faults) (parcel, error) {
	k, err := newSeal(cb.app.Token, cb.app.EncodingAESKey)
	if err != nil {
		return parcel{}, err
	}
	random, err := s.randomHex(8)
	if err != nil {
		return parcel{}, err
	}
	receiver := s.cfg.CorpID
	if f.Receiver != "" {
		receiver = f.Receiver
	}
	encrypted, err := k.encrypt([]byte(random), []byte(cb.xml), receiver)
	if err != nil {
		return parcel{}, err
	}
	address, err := s.signedURL(cb.app, encrypted, f, nil)
	body := fmt.Sprintf("<xml><ToUserName><![CDATA[%s]]></ToUserName><Encrypt><![CDATA[%s]]></Encrypt><AgentID><![CDATA[%d]]></AgentID></xml>",
		s.cfg.CorpID, encrypted, cb.app.AgentID)
	return parcel{address: address, body: []byte(body)}, err
}

// signedURL adds msg_signature, timestamp, nonce and extra to the app's callback address.
func (s *Server) signedURL(app App, encrypted string, f Faults, extra url.Values) (string, error) {
	k, err := newSeal(app.Token, app.EncodingAESKey)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(app.Callback)
	if err != nil {
		return "", fmt.Errorf("wecom: callback address: %w", err)
	}
	b, err := s.random(4)
	if err != nil {
		return "", err
	}
	nonce := strconv.FormatUint(uint64(b[0])<<24|uint64(b[1])<<16|uint64(b[2])<<8|uint64(b[3]), 10)
	timestamp := strconv.FormatInt(s.cfg.Now().Add(-f.Age).Unix(), 10)
	signature := k.sign(timestamp, nonce, encrypted)
	if f.BadSignature {
		signature = k.sign(timestamp, nonce, encrypted+"tampered")
	}
	q := u.Query()
	q.Set("msg_signature", signature)
	q.Set("timestamp", timestamp)
	q.Set("nonce", nonce)
	for name := range extra {
		q.Set(name, extra.Get(name))
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// post delivers a parcel once. Only HTTP 200 with the whole answer inside the time limit is an acknowledgement.
func (s *Server) post(ctx context.Context, cb callback, p parcel, n int) Attempt {
	began, start := s.cfg.Now(), time.Now()
	s.mu.Lock()
	s.stats.Callbacks++
	s.mu.Unlock()
	var a Attempt
	status, body, err := s.exchange(ctx, http.MethodPost, p, s.cfg.CallbackTimeout)
	switch {
	case err != nil:
		a.Problem = err.Error()
	case status != http.StatusOK:
		a.Status, a.Problem = status, fmt.Sprintf("HTTP %d", status)
	default:
		a.Status = status
		a.Reply, err = s.openReply(cb, body)
		if err != nil {
			a.Problem = "the reply was not understood: " + err.Error()
		}
	}
	a.Duration = time.Since(start)
	s.log(Event{
		Time: began, Kind: "callback", AgentID: cb.app.AgentID, UserID: cb.userID, Name: cb.name, Status: a.Status, Attempt: n,
		Duration: a.Duration, Request: cb.xml, Response: a.Reply, Problem: a.Problem,
		Note: p.note,
	})
	return a
}

// exchange makes one HTTP request within limit and returns status and body. Errors do not name the address.
func (s *Server) exchange(ctx context.Context, method string, p parcel, limit time.Duration) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.address, bytes.NewReader(p.body))
	if err != nil {
		return 0, nil, errors.New("the callback address is not a URL")
	}
	req.Close = p.close
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "text/xml")
	}
	req.Header.Set("User-Agent", "Mozilla/4.0")
	res, err := s.client.Do(req)
	var body []byte
	if err == nil {
		defer res.Body.Close()
		body, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return 0, nil, fmt.Errorf("no answer within %v", limit)
	case err != nil:
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // *url.Error, which repeats the address
		}
		return 0, nil, err
	}
	return res.StatusCode, body, nil
}

// openReply verifies and decrypts a passive reply; an empty body is none.
func (s *Server) openReply(cb callback, body []byte) (string, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return "", nil
	}
	var sealed struct {
		XMLName   xml.Name `xml:"xml"`
		Encrypt   string   `xml:"Encrypt"`
		Signature string   `xml:"MsgSignature"`
		TimeStamp string   `xml:"TimeStamp"`
		Nonce     string   `xml:"Nonce"`
	}
	if err := xml.Unmarshal(body, &sealed); err != nil {
		return "", errors.New("neither empty nor an encrypted package")
	}
	k, err := newSeal(cb.app.Token, cb.app.EncodingAESKey)
	if err != nil {
		return "", err
	}
	if !k.signed(sealed.Signature, sealed.TimeStamp, sealed.Nonce, sealed.Encrypt) {
		return "", errors.New("its MsgSignature is wrong")
	}
	plain, err := k.decrypt(sealed.Encrypt, s.cfg.CorpID)
	return string(plain), err
}

// VerifyURL does what the console does when an administrator saves the callback: GET with an echostr, and within a second
// exactly its plaintext back, https://developer.work.weixin.qq.com/document/path/90930.
func (s *Server) VerifyURL(ctx context.Context, agentID int) error {
	s.mu.Lock()
	app, ok := s.apps[agentID]
	s.mu.Unlock()
	switch {
	case !ok:
		return ErrNoApp
	case app.Callback == "":
		return ErrNoCallback
	}
	began, start := s.cfg.Now(), time.Now()
	want, status, err := s.verify(ctx, app)
	event := Event{Time: began, Kind: "callback", AgentID: agentID, Name: "verify", Status: status, Duration: time.Since(start), Request: want}
	if err != nil {
		event.Problem = err.Error()
		err = fmt.Errorf("%w: %w", ErrVerify, err)
	}
	s.log(event)
	return err
}

func (s *Server) verify(ctx context.Context, app App) (want string, status int, err error) {
	k, err := newSeal(app.Token, app.EncodingAESKey)
	if err != nil {
		return "", 0, err
	}
	digits, err := s.random(19)
	if err != nil {
		return "", 0, err
	}
	for i, b := range digits {
		digits[i] = '0' + b%10
	}
	random, err := s.randomHex(8)
	if err != nil {
		return "", 0, err
	}
	echo, err := k.encrypt([]byte(random), digits, s.cfg.CorpID)
	if err != nil {
		return "", 0, err
	}
	address, err := s.signedURL(app, echo, s.Faults(), url.Values{"echostr": {echo}})
	if err != nil {
		return "", 0, err
	}
	want = string(digits)
	status, body, err := s.exchange(ctx, http.MethodGet, parcel{address: address}, s.cfg.VerifyTimeout)
	switch {
	case err != nil:
		return want, 0, err
	case status != http.StatusOK:
		return want, status, fmt.Errorf("HTTP %d", status)
	case string(body) == want:
		return want, status, nil
	case strings.Contains(string(body), want):
		return want, status, errors.New("the answer has bytes around the plaintext")
	}
	return want, status, errors.New("the answer is not the plaintext")
}
