package wechatpay

import "time"

// pace counts the calls of one second.
type pace struct {
	second time.Time
	n      int
}

// Limits a second and merchant: of refund calls, of those that fail, and of fund flow bills.
// https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score-no-confirm/create.html
const (
	goodRefundsLimit = 150
	badRefundsLimit  = 6
	fundBillsLimit   = 3
)

// hurried refuses a call in a second that has had its share, if Config.RateLimits says so.
func (s *Server) hurried(at Point) error {
	if !s.cfg.RateLimits {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	past := map[Point]bool{
		AtRefund:       s.counted("good") >= goodRefundsLimit || s.counted("bad") >= badRefundsLimit,
		AtFundFlowBill: s.counted("bills") >= fundBillsLimit,
	}
	if past[at] {
		return fail("FREQUENCY_LIMITED", "频率超限，请降低请求接口频率")
	}
	return nil
}

// count notes how a call went that was not hurried.
func (s *Server) count(at Point, err error) {
	name := map[Point]string{AtRefund: "good", AtFundFlowBill: "bills"}[at]
	if at == AtRefund && err != nil {
		name = "bad"
	}
	if name == "" || !s.cfg.RateLimits {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paces[name] = pace{second: s.now().Truncate(time.Second), n: s.counted(name) + 1}
}

// counted needs s.mu.
func (s *Server) counted(name string) int {
	if p := s.paces[name]; p.second.Equal(s.now().Truncate(time.Second)) {
		return p.n
	}
	return 0
}
