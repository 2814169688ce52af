package wechatpay

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"xiaoka/sandbox/mishap"
)

// oddity is what Config.Mishaps has in store for the answer to one call.
type oddity struct {
	delay time.Duration
	close bool       // the connection is not kept
	stir  *rand.Rand // fields in another order and one more, signed as they are
	note  string
}

func (s *Server) oddity(at Point) oddity {
	r := s.cfg.Mishaps.Throw("wechatpay/" + string(at))
	if r == nil {
		return oddity{}
	}
	switch r.IntN(3) {
	case 0:
		return oddity{stir: r, note: "on purpose: fields in another order, and one that nobody announced"}
	case 1:
		return oddity{close: true, note: "on purpose: the connection is not kept"}
	}
	delay := s.cfg.Mishaps.Delay(r)
	return oddity{delay: delay, note: "on purpose: answered " + delay.String() + " late"}
}

// stirred is an answer as it goes into render; what is no JSON object stays.
func (o oddity) stirred(v any) any {
	if _, file := v.(stream); o.stir == nil || v == nil || file {
		return v
	}
	body, err := json.Marshal(v)
	if err != nil {
		return v // render says so
	}
	return json.RawMessage(mishap.JSON(o.stir, body))
}

func (o oddity) onto(rep *reply) {
	rep.delay += o.delay
	rep.note = o.note
	if o.close && !rep.cut {
		rep.header.Set("Connection", "close")
	}
}

// The longest that a notification is held back, so that a later one arrives before it, and that a good copy follows a
// probe; both scaled.
const (
	longestLate  = 3 * time.Second
	longestProbe = time.Second
)

// mishapOf throws the dice for the first copy of a notice. It returns how many copies go out at once, and false when the
// notice needs no more of them or ctx ended.
func (s *Server) mishapOf(ctx context.Context, n *notice) (copies int, goOn bool) {
	r := s.cfg.Mishaps.Throw("wechatpay/" + string(n.at))
	if r == nil {
		return 1, true
	}
	switch r.IntN(6) {
	case 0:
		n.note = "on purpose: sent twice at once"
		return 2, true
	case 1:
		n.note = "on purpose: sent twice, one after the other"
		_ = s.sendOnce(ctx, *n, 1)
	case 2:
		n.note = "on purpose: held back, so that later news may come first"
		return 1, sleep(ctx, s.scaled(time.Duration(r.Int64N(int64(longestLate)))))
	case 3:
		probe := *n
		probe.Signature, probe.note = SignTest, "on purpose: a probe with a wrong signature, the good copy follows"
		if s.sendOnce(ctx, probe, 1) {
			return 0, false // a receiver that does not verify has had its news
		}
		return 1, sleep(ctx, s.scaled(time.Duration(r.Int64N(int64(longestProbe)))))
	case 4:
		n.note, n.close = "on purpose: the connection is not kept", true
	default:
		n.note = "on purpose: fields in another order, and one that nobody announced"
		n.Plain, n.stir = mishap.JSON(r, n.Plain), r
	}
	return 1, true
}
