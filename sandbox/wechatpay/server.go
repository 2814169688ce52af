package wechatpay

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Keys are the RSA-2048 keys of one simulation: the merchant's, and the two of WeChat Pay.
type Keys struct{}

// NewKeys makes a set of keys.
func NewKeys() (*Keys, error) { return &Keys{}, nil }

// Server is the simulated WeChat Pay.
type Server struct {
	mu     sync.Mutex
	faults []Fault
}

var errSurface = errors.New("wechatpay: not there yet")

// New makes a simulator.
func New(Config) (*Server, error) { return nil, errSurface }

// Handler is the API; mount it at the root of its own listener.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }

// Close stops background deliveries.
func (s *Server) Close(ctx context.Context) error { return nil }

func (s *Server) MchID() string                 { return "" }
func (s *Server) AppID() string                 { return "" }
func (s *Server) SerialNo() string              { return "" }
func (s *Server) MerchantPrivateKeyPEM() []byte { return nil }
func (s *Server) APIv3Key() string              { return "" }
func (s *Server) PublicKeyID() string           { return "" }
func (s *Server) PublicKeyPEM() []byte          { return nil }
func (s *Server) CertificateSerialNo() string   { return "" }
func (s *Server) CertificatePEM() []byte        { return nil }

func (s *Server) Now() time.Time                 { return time.Time{} }
func (s *Server) SetClockOffset(d time.Duration) {}

// PaySignOK checks bridge parameters as WeChat does before it shows the cashier.
func (s *Server) PaySignOK(p BridgeParams) error { return errSurface }

// PrepayID of bridge parameters is p.PrepayID(); Pay takes it, or an out_trade_no.
func (p BridgeParams) PrepayID() string { return "" }

func (s *Server) Pay(ctx context.Context, prepayIDOrOutTradeNo, openID string, o PayOptions) (transactionID string, err error) {
	return "", errSurface
}

func (s *Server) PayCodeURL(ctx context.Context, codeURL, openID string, o PayOptions) (transactionID string, err error) {
	return "", errSurface
}

// Cancel notes that the payer closed the cashier; the order stays unpaid.
func (s *Server) Cancel(prepayIDOrOutTradeNo string) error { return errSurface }

func (s *Server) Order(outTradeNo string) (Order, bool)  { return Order{}, false }
func (s *Server) OrderByCodeURL(u string) (Order, bool)  { return Order{}, false }
func (s *Server) OrderByPrepayID(p string) (Order, bool) { return Order{}, false }
func (s *Server) Orders() []Order                        { return nil }
func (s *Server) Refunds() []Refund                      { return nil }
func (s *Server) Deliveries() []Delivery                 { return nil }

// SettleRefund gives a refund its outcome (SUCCESS, ABNORMAL, CLOSED) now and notifies.
func (s *Server) SettleRefund(outRefundNo, status string) error { return errSurface }

// PlatformRefund is a refund made by hand on the merchant platform.
func (s *Server) PlatformRefund(outTradeNo string, fen int64) (outRefundNo string, err error) {
	return "", errSurface
}

// ResendNotification sends the payment notification once more, freshly signed, with the usual repeats.
func (s *Server) ResendNotification(outTradeNo string) error { return errSurface }

// NotifyRaw sends one crafted notification, once, and returns what came back.
func (s *Server) NotifyRaw(ctx context.Context, n RawNotification) (Delivery, error) {
	return Delivery{}, errSurface
}

// Replay sends the same bytes again.
func (s *Server) Replay(ctx context.Context, d Delivery) (Delivery, error) {
	return Delivery{}, errSurface
}

// TransactionJSON is the resource of the order's notification before sealing.
func (s *Server) TransactionJSON(outTradeNo string) ([]byte, error) { return nil, errSurface }

// Quiet waits until no notification is due or under way.
func (s *Server) Quiet(ctx context.Context) error { return nil }
