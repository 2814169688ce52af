package wechatpay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
)

// parse reads the i-th notification received as the SDK does.
func (m *merchant) parse(i int) (*notify.Request, payments.Transaction, error) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.got[i].Clone(m.t.Context())
	r.Body = io.NopCloser(bytes.NewReader(m.bodies[i]))
	var told payments.Transaction
	envelope, err := m.verifier.ParseNotifyRequest(m.t.Context(), r, &told)
	return envelope, told, err
}

// TestNotifyRepeats runs the whole 24 hours at a millionth of their length.
func TestNotifyRepeats(t *testing.T) {
	t.Parallel()
	var total time.Duration
	for _, wait := range schedule {
		total += wait
	}
	if total != 24*time.Hour+4*time.Minute {
		t.Errorf("schedule lasts %v", total)
	}
	m := newMerchant(t, Config{TimeScale: 0.000001})
	m.answer(http.StatusInternalServerError)
	m.paidOrder("REPEAT0001")
	m.quiet()
	if m.received() != 16 {
		t.Fatalf("%d copies, want 16", m.received())
	}
	nonces, ids := map[string]bool{}, map[string]bool{}
	for i := range m.received() {
		envelope, told, err := m.parse(i)
		if err != nil {
			t.Fatal(err)
		}
		if *told.OutTradeNo != "REPEAT0001" {
			t.Errorf("copy %d is about %s", i, *told.OutTradeNo)
		}
		ids[envelope.ID] = true
		nonces[m.got[i].Header.Get("Wechatpay-Nonce")] = true
	}
	if len(nonces) != 16 || len(ids) != 1 {
		t.Errorf("%d nonces and %d ids, want 16 and 1", len(nonces), len(ids))
	}
	for i, d := range m.Deliveries() {
		if d.Copy != i+1 || d.Status != 500 || d.OK() || d.OutTradeNo != "REPEAT0001" || d.EventType != "TRANSACTION.SUCCESS" {
			t.Errorf("delivery %d: %+v", i, d)
		}
	}
}

func TestNotifyStopsWhenTaken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204} {
		m := newMerchant(t, Config{TimeScale: 0.000001})
		m.receiveWith(func(w http.ResponseWriter, i int) {
			if i < 2 {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.WriteHeader(status)
		})
		m.paidOrder("TAKEN0001")
		m.quiet()
		if d := m.Deliveries(); len(d) != 3 || !d[2].OK() || d[2].Status != status {
			t.Errorf("%d copies: %+v", len(d), d)
		}
	}
}

func TestNotifyRedirectIsNotTaken(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{TimeScale: 0.000001})
	m.answer(http.StatusFound)
	m.paidOrder("REDIRECT01")
	m.quiet()
	if m.received() != 16 {
		t.Errorf("%d copies, want 16", m.received())
	}
}

func TestNotifyTimeout(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{NotifyTimeout: 10 * time.Millisecond, TimeScale: 0.000001})
	release := make(chan struct{})
	m.receiveWith(func(http.ResponseWriter, int) { <-release })
	m.paidOrder("TIMEOUT001")
	close(release)
	m.quiet()
	if d := m.Deliveries()[0]; d.Status != 0 || d.Err == "" {
		t.Errorf("%+v", d)
	}
}

func TestCloseEndsNotifications(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{TimeScale: 1})
	m.answer(http.StatusInternalServerError)
	m.paidOrder("CLOSING001") // its next copy is 15 s away
	waiting, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := m.Quiet(waiting); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("quiet with a repeat to come: %v", err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.order("CLOSED0001")
	m.mustPay("CLOSED0001")
	if m.received() != 1 {
		t.Errorf("%d notifications, want the one before Close", m.received())
	}
}

// TestNotifyFaults injects each fault once; the receiver takes only what verifies, so the copy after it must be good.
func TestNotifyFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault  Fault
		copies int    // received in all
		wrong  string // part of the error on the first
	}{
		{Fault{Kind: FaultLost}, 0, ""},
		{Fault{Kind: FaultTwice}, 2, ""},
		{Fault{Kind: FaultLate, Delay: 20 * time.Millisecond}, 1, ""},
		{Fault{Kind: FaultBadSignature}, 2, "verif"},
		{Fault{Kind: FaultSignTest}, 2, "verif"},
		{Fault{Kind: FaultUnknownSerial}, 2, "does not match serial"},
		{Fault{Kind: FaultUnsigned}, 2, "Wechatpay-"},
		{Fault{Kind: FaultStale}, 2, "expires"},
		{Fault{Kind: FaultFuture}, 2, "expires"},
		{Fault{Kind: FaultWrongKey}, 2, "decrypt"},
	} {
		t.Run(string(tc.fault.Kind), func(t *testing.T) {
			t.Parallel()
			m := newMerchant(t, Config{})
			m.receiveWith(func(w http.ResponseWriter, i int) {
				if _, _, err := m.parse(i); err != nil {
					w.WriteHeader(http.StatusUnauthorized)
				}
			})
			tc.fault.Point, tc.fault.Times = AtNotify, 1
			if err := m.Inject(tc.fault); err != nil {
				t.Fatal(err)
			}
			m.paidOrder("FAULT00001")
			m.quiet()
			if m.received() != tc.copies {
				t.Fatalf("%d copies, want %d", m.received(), tc.copies)
			}
			for i := range m.received() {
				_, _, err := m.parse(i)
				switch {
				case i == 0 && tc.wrong != "":
					if err == nil || !strings.Contains(err.Error(), tc.wrong) {
						t.Errorf("first copy: %v, want %q", err, tc.wrong)
					}
				case err != nil:
					t.Errorf("copy %d: %v", i+1, err)
				}
			}
			if tc.fault.Kind == FaultSignTest && !strings.HasPrefix(m.got[0].Header.Get("Wechatpay-Signature"), "WECHATPAY/SIGNTEST/") {
				t.Error("probe without its mark")
			}
			if len(m.Faults()) != 0 {
				t.Errorf("faults left: %v", m.Faults())
			}
		})
	}
}

// TestNotifyTwiceIsConcurrent holds the first copy until the second is there too.
func TestNotifyTwiceIsConcurrent(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	var both sync.WaitGroup
	both.Add(2)
	m.receiveWith(func(http.ResponseWriter, int) {
		both.Done()
		both.Wait()
	})
	if err := m.Inject(Fault{Point: AtNotify, Kind: FaultTwice}); err != nil {
		t.Fatal(err)
	}
	m.paidOrder("TWICE00001")
	m.quiet()
	if d := m.Deliveries(); len(d) != 2 || !d[0].OK() || !d[1].OK() || d[0].ID != d[1].ID {
		t.Errorf("%d copies, the first %d %s", len(d), d[0].Status, d[0].Err)
	}
}

func TestNotifyAltered(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	var f Fault
	fromControl := `{"point":"notify","kind":"alter","times":1,"alter":{"amount.total":5001,"mchid":"1900000002","trade_state":"CLOSED","attach":null}}`
	if err := json.Unmarshal([]byte(fromControl), &f); err != nil {
		t.Fatal(err)
	}
	if err := m.Inject(f); err != nil {
		t.Fatal(err)
	}
	m.paidOrder("ALTER00001")
	_, told, err := m.parse(0)
	if err != nil {
		t.Fatal(err)
	}
	if *told.Amount.Total != 5001 || *told.Mchid != "1900000002" || *told.TradeState != "CLOSED" || told.Attach != nil || *told.Amount.PayerTotal != 5000 {
		t.Errorf("%v", told)
	}
}

func TestNotifyByTurns(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{NotifyWith: ByTurns})
	m.paidOrder("TURN000001")
	m.paidOrder("TURN000002")
	a, b := m.got[0].Header.Get("Wechatpay-Serial"), m.got[1].Header.Get("Wechatpay-Serial")
	if a == b || a != m.CertificateSerialNo() || b != m.PublicKeyID() {
		t.Errorf("signed by %s and %s", a, b)
	}
}

func TestResendAndReplay(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.paidOrder("RESEND0001")
	if err := m.ResendNotification("RESEND0001"); err != nil {
		t.Fatal(err)
	}
	m.quiet()
	if _, err := m.Replay(t.Context(), m.Deliveries()[0]); err != nil {
		t.Fatal(err)
	}
	if m.received() != 3 {
		t.Fatalf("%d notifications, want 3", m.received())
	}
	if bytes.Equal(m.bodies[0], m.bodies[1]) || !bytes.Equal(m.bodies[0], m.bodies[2]) ||
		m.got[0].Header.Get("Wechatpay-Signature") != m.got[2].Header.Get("Wechatpay-Signature") {
		t.Error("a resent copy must be signed anew, a replayed one must be the same bytes")
	}
	m.order("RESEND0002")
	if err := m.ResendNotification("RESEND0002"); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("resend for an unpaid order: %v", err)
	}
}

func TestNotifyRaw(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(*RawNotification)
		wrong string // part of the SDK's error; empty = it parses
	}{
		{"Good", func(*RawNotification) {}, ""},
		{"ByCertificate", func(n *RawNotification) { n.SignedBy = ByCertificate }, "does not match serial"},
		{"BadSignature", func(n *RawNotification) { n.Signature = SignBad }, "verif"},
		{"Stale", func(n *RawNotification) { n.Skew = -301 * time.Second }, "expires"},
		{"AlmostStale", func(n *RawNotification) { n.Skew = -290 * time.Second }, ""},
		{"MissingHeader", func(n *RawNotification) { n.OmitHeader = "Wechatpay-Nonce" }, "Wechatpay-Nonce"},
		{"OtherKey", func(n *RawNotification) { n.APIv3Key = strings.Repeat("k", 32) }, "decrypt"},
		{"OtherAAD", func(n *RawNotification) { n.ClaimAAD = "refund" }, "decrypt"},
		{"OtherNonce", func(n *RawNotification) { n.ClaimNonce = "abcdefghijkl" }, "decrypt"},
		{"BrokenTag", func(n *RawNotification) { n.BreakTag = true }, "decrypt"},
		{"OtherAlgorithm", func(n *RawNotification) { n.Algorithm = "AES_CBC" }, "algorithm"},
		{"TrailingByte", func(n *RawNotification) { n.AfterSigned = []byte(" ") }, "verif"},
		{"NotJSON", func(n *RawNotification) { n.Envelope = []byte("<xml/>") }, "parse request body"},
		{"OtherEvent", func(n *RawNotification) { n.EventType = "COUPON.USE" }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newMerchant(t, Config{})
			m.paidOrder("RAW0000001")
			plain, err := m.TransactionJSON("RAW0000001")
			if err != nil {
				t.Fatal(err)
			}
			n := RawNotification{Plain: plain}
			tc.spoil(&n)
			d, err := m.NotifyRaw(t.Context(), n)
			if err != nil || d.Status != 204 || d.OutTradeNo != "RAW0000001" {
				t.Fatalf("%+v %v", d, err)
			}
			_, told, err := m.parse(1)
			switch {
			case tc.wrong == "" && (err != nil || *told.OutTradeNo != "RAW0000001"):
				t.Errorf("%v %v", told, err)
			case tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)):
				t.Errorf("%v, want %q", err, tc.wrong)
			}
		})
	}
}

func TestNotifyRawShapes(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	if _, err := m.NotifyRaw(t.Context(), RawNotification{Plain: []byte(`{"out_trade_no":"UNKNOWN001"}`)}); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("nowhere to send: %v", err)
	}
	n := RawNotification{URL: m.notifyURL(), NoResource: true}
	if _, err := m.NotifyRaw(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	n = RawNotification{URL: m.notifyURL(), Plain: []byte("no JSON"), ClaimNonce: "short"}
	if _, err := m.NotifyRaw(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	var bare, short envelope
	if err := json.Unmarshal(m.bodies[0], &bare); err != nil || bare.Resource != nil || bare.EventType != "TRANSACTION.SUCCESS" {
		t.Errorf("%s %v", m.bodies[0], err)
	}
	if err := json.Unmarshal(m.bodies[1], &short); err != nil || short.Resource.Nonce != "short" {
		t.Errorf("%s %v", m.bodies[1], err)
	}
}
