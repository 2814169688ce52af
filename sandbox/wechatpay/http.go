package wechatpay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// call is one authenticated request.
type call struct {
	*http.Request
	body  []byte
	fault Fault
}

// reply is what goes back, before and after a Fault has had its way with it.
type reply struct {
	status int
	header http.Header
	body   []byte
	cut    bool          // close the connection instead
	delay  time.Duration // before the first byte
	drip   time.Duration // before every byte
	note   string        // of a mishap
}

// stream is a file sent as it is, the one kind of answer without a signature.
type stream struct {
	contentType string
	content     []byte
}

// Handler is the API. Signatures cover the raw request line, so it must see the address that the client signed: mount
// it at the root of its own listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern string
		point   Point
		run     func(*Server, *call) (any, error)
	}{
		{"POST /v3/pay/transactions/jsapi", AtJSAPI, (*Server).placeJSAPI},
		{"POST /v3/pay/transactions/native", AtNative, (*Server).placeNative},
		{"GET /v3/pay/transactions/out-trade-no/{out_trade_no}", AtQuery, (*Server).queryByNumber},
		{"GET /v3/pay/transactions/id/{transaction_id}", AtQuery, (*Server).queryByID},
		{"POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close", AtClose, (*Server).closeOrder},
		{"POST /v3/refund/domestic/refunds", AtRefund, (*Server).createRefund},
		{"GET /v3/refund/domestic/refunds/{out_refund_no}", AtRefundQuery, (*Server).queryRefund},
		{"GET /v3/certificates", AtCertificates, (*Server).certificates},
		{"GET /v3/bill/tradebill", AtTradeBill, (*Server).tradeBill},
		{"GET /v3/bill/fundflowbill", AtFundFlowBill, (*Server).fundFlowBill},
		{"GET /v3/billdownload/file", AtBillDownload, (*Server).downloadBill},
		{"/", "", (*Server).nothingHere},
	} {
		mux.HandleFunc(route.pattern, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, route.point, route.run)
		})
	}
	return mux
}

func (s *Server) nothingHere(*call) (any, error) {
	e := fail("RESOURCE_NOT_EXISTS", "请求的资源不存在")
	e.unsigned = true
	return nil, e
}

// maxBody is far above any legal request.
const maxBody = 1 << 20

func (s *Server) serve(w http.ResponseWriter, r *http.Request, at Point, run func(*Server, *call) (any, error)) {
	began, at0 := time.Now(), s.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "body too large or cut off", http.StatusBadRequest)
		return
	}
	rep := s.answer(&call{Request: r, body: body}, at, run)
	s.trace(Exchange{
		At: at0, Took: time.Since(began), Method: r.Method, URL: r.RequestURI, Status: rep.status,
		RequestHeader: r.Header.Clone(), Request: string(body),
		ResponseHeader: rep.header, Response: readable(rep.body), Note: rep.note,
	})
	if !sleep(r.Context(), rep.delay) || rep.cut {
		panic(http.ErrAbortHandler) // net/http's way to close a connection without an answer
	}
	rep.write(w, r)
}

// answer authenticates, lets the due fault strike, and signs.
func (s *Server) answer(c *call, at Point, run func(*Server, *call) (any, error)) reply {
	by, serialErr := s.answerSigner(c.Request)
	err := s.authenticate(c.Request, c.body)
	if err == nil {
		err = cmp.Or(serialErr, s.checkHeaders(c.Request))
	}
	if err != nil {
		return s.render(nil, err, by, Fault{})
	}
	c.fault = s.strike(at, s.numberOf(c))
	if rep, struck := s.instead(c.fault, by); struck {
		return rep
	}
	var odd oddity
	if c.fault.Kind == "" {
		odd = s.oddity(at)
	}
	if err := s.hurried(at); err != nil {
		return s.render(nil, err, by, Fault{})
	}
	v, err := run(s, c)
	s.count(at, err)
	if err == nil && c.fault.Kind == FaultPaidFirst {
		if order, ok := s.Order(s.numberOf(c)); ok {
			if _, err := s.Pay(c.Context(), order.OutTradeNo, order.OpenID, PayOptions{Wait: true}); err != nil {
				s.cfg.Log.Warn("paid_first did not pay", "err", err)
			}
		}
	}
	if err == nil {
		v = odd.stirred(v)
	}
	rep := s.render(v, err, by, c.fault)
	odd.onto(&rep)
	return rep
}

// instead answers for the faults that keep a call from being executed.
func (s *Server) instead(f Fault, by Signer) (reply, bool) {
	switch f.Kind {
	case FaultError, FaultForged:
		code := f.Code
		if code == "" {
			code = "SYSTEM_ERROR"
		}
		e := fail(code, "模拟的错误")
		if f.Status != 0 {
			e.status = f.Status
		}
		e.unsigned = f.Kind == FaultForged
		rep := s.render(nil, e, by, Fault{})
		rep.delay = f.Delay
		return rep, true
	case FaultGateway:
		page := []byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>")
		return reply{status: http.StatusBadGateway, header: http.Header{"Content-Type": {"text/html"}}, body: page}, true
	case FaultReset:
		return reply{cut: true, delay: f.Delay}, true
	case FaultHuge:
		return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: bytes.Repeat([]byte(" "), 64<<20)}, true
	case FaultRedirect:
		return reply{status: http.StatusFound, header: http.Header{"Location": {f.Location}}}, true
	}
	return reply{}, false
}

// render makes the signed answer: v as JSON, 204 for a nil v, or the error's own body.
func (s *Server) render(v any, err error, by Signer, f Fault) reply {
	rep := reply{status: http.StatusOK, header: http.Header{}}
	how, skew := SignGood, time.Duration(0)
	switch f.Kind {
	case FaultBadSignature, FaultSignTest, FaultUnknownSerial, FaultUnsigned:
		how = Signature(f.Kind)
	case FaultStale:
		skew = -staleBy
	case FaultFuture:
		skew = staleBy
	case FaultLost:
		rep.cut, rep.delay = true, f.Delay
	case FaultSlow:
		rep.delay = f.Delay
	case FaultDrip:
		rep.drip = f.Delay
	}
	contentType := "application/json; charset=utf-8"
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			s.cfg.Log.Error("call failed", "err", err)
			e = fail("SYSTEM_ERROR", "系统错误")
		}
		rep.status = e.status
		if e.unsigned || s.cfg.Unconfirmed.UnsignedErrors {
			how = SignNone
		}
		v = errorBody{Code: e.code, Message: e.message, Detail: e.detail}
	}
	switch v := v.(type) {
	case nil:
		rep.status, contentType = http.StatusNoContent, ""
	case stream:
		rep.body, contentType, how = v.content, v.contentType, SignNone
	default:
		body, err := json.Marshal(v)
		if err != nil {
			s.cfg.Log.Error("answer does not marshal", "err", err)
			return reply{cut: true}
		}
		rep.body = body
	}
	signed, err := s.signedHeader(by, how, skew, rep.body)
	if err != nil {
		s.cfg.Log.Error("answer cannot be signed", "err", err)
		return reply{cut: true}
	}
	rep.header = signed
	if contentType != "" {
		rep.header.Set("Content-Type", contentType)
	}
	rep.header.Set("Request-ID", "08"+s.random(hexadecimal, 30))
	return rep
}

type errorBody struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Detail  *errorDetail `json:"detail,omitempty"`
}

// staleBy is one second beyond the window in which a merchant accepts a signature.
const staleBy = 301 * time.Second

func (rep reply) write(w http.ResponseWriter, r *http.Request) {
	for name, values := range rep.header {
		w.Header()[name] = values
	}
	if rep.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	}
	w.WriteHeader(rep.status)
	if rep.drip == 0 {
		w.Write(rep.body) // a client that is gone needs no answer
		return
	}
	flush := http.NewResponseController(w)
	for i := range rep.body {
		if !sleep(r.Context(), rep.drip) {
			return
		}
		w.Write(rep.body[i : i+1])
		flush.Flush()
	}
}

// numberOf finds the out_trade_no that a call is about, for faults that strike one order only; empty if none.
func (s *Server) numberOf(c *call) string {
	if n := c.PathValue("out_trade_no"); n != "" {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.paid[c.PathValue("transaction_id")]; o != nil {
		return o.OutTradeNo
	}
	if r := s.refunds[c.PathValue("out_refund_no")]; r != nil {
		return r.OutTradeNo
	}
	var named struct {
		OutTradeNo    string `json:"out_trade_no"`
		TransactionID string `json:"transaction_id"`
	}
	if json.Unmarshal(c.body, &named) != nil {
		return "" // the call itself will say what is wrong with its body
	}
	if o := s.paid[named.TransactionID]; o != nil {
		return o.OutTradeNo
	}
	return named.OutTradeNo
}

func (s *Server) trace(e Exchange) {
	if s.cfg.Trace != nil {
		s.cfg.Trace(e)
	}
}

// readable keeps files and floods out of an inspector.
func readable(body []byte) string {
	const most = 64 << 10
	if len(body) > most {
		body = body[:most]
	}
	return string(bytes.ToValidUTF8(body, []byte("·")))
}
