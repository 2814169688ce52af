package h5

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/skip2/go-qrcode"

	"xiaoka/ledger"
)

// What the page of an order shows; also the values of data-stage that
// order.js reads.
const (
	stageWaiting   = "waiting"   // unpaid, payable
	stageEnding    = "ending"    // unpaid, past its time; WeChat Pay has the last word
	stagePaid      = "paid"      // to be collected
	stageWriting   = "writing"   // at a terminal
	stageChecking  = "checking"  // in doubt
	stageClaimed   = "claimed"   // on the card
	stageClosed    = "closed"    // nothing was credited
	stageRefunding = "refunding" // on its way back
	stageRefunded  = "refunded"  // went back
)

type orderView struct {
	ledger.Order
	Stage    string
	Transfer ledger.Transfer // once paid
}

// order shows one order of the person's own and lets it be paid. What the
// phone reports about the payment is only a hint: the state is the ledger's.
func (v *visit) order() error {
	order, err := v.ownOrder()
	if err != nil {
		return err
	}
	data, err := v.stageOf(order)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "order", v.t("order.title"), data)
}

// stageOf tells how far an order has come, and its money.
func (v *visit) stageOf(order ledger.Order) (orderView, error) {
	at := orderView{Order: order, Stage: stageWaiting}
	switch order.State {
	case ledger.OrderPaid:
		var err error
		if at.Transfer, err = v.transferOf(order); err != nil {
			return at, err
		}
		switch at.Transfer.State {
		case ledger.TransferInFlight:
			at.Stage = stageWriting
		case ledger.TransferInDoubt:
			at.Stage = stageChecking
		case ledger.TransferClaimed:
			at.Stage = stageClaimed
		case ledger.TransferRefunding:
			at.Stage = stageRefunding
		case ledger.TransferRefunded:
			at.Stage = stageRefunded
		default:
			at.Stage = stagePaid
		}
	case ledger.OrderClosed:
		at.Stage = stageClosed
	case ledger.OrderRefunded:
		at.Stage = stageRefunded
	default:
		if !v.now.Before(order.ExpiresAt) {
			at.Stage = stageEnding
		}
	}
	return at, nil
}

// ownOrder finds the order among the person's own; another's and none are the
// same ErrNotFound.
func (v *visit) ownOrder() (ledger.Order, error) {
	no, err := v.pathID("no")
	if err != nil {
		return ledger.Order{}, err
	}
	return v.Store.Order(v.ctx(), v.person.ID, no)
}

// transferOf finds where the money of a paid order is now; zero for an order
// so old that it is no longer among the latest.
func (v *visit) transferOf(order ledger.Order) (ledger.Transfer, error) {
	latest, err := v.latestTransfers()
	if err != nil {
		return ledger.Transfer{}, err
	}
	for _, t := range latest {
		if t.ID == order.TransferID {
			return t, nil
		}
	}
	return ledger.Transfer{}, nil
}

// orderStatus is what the page polls. With ask=1, when the payer says they have
// paid, and for an order past its time, it has WeChat Pay asked as well.
func (v *visit) orderStatus() error {
	order, err := v.ownOrder()
	if err != nil {
		return err
	}
	ended := !v.now.Before(order.ExpiresAt)
	if order.State == ledger.OrderCreated && (ended || v.r.URL.Query().Get("ask") == "1") {
		if order, err = v.ask(order); err != nil {
			return err
		}
	}
	at, err := v.stageOf(order)
	if err != nil {
		return err
	}
	return v.answer(struct {
		State  ledger.OrderState `json:"state"`
		Amount ledger.Fen        `json:"amount_fen"`
		Stage  string            `json:"stage"` // what the page would show
	}{order.State, order.Amount, at.Stage})
}

// ask has WeChat Pay asked and reads the order again. Without an answer the
// order is as it was; the periodic job asks too.
func (v *visit) ask(order ledger.Order) (ledger.Order, error) {
	ctx, cancel := context.WithTimeout(v.ctx(), 4*time.Second)
	defer cancel()
	if err := v.Payments.Ask(ctx, order); err != nil {
		v.Log.InfoContext(ctx, "WeChat Pay not asked", "order", order.OutTradeNo, "error", err)
	}
	return v.ownOrder()
}

// orderPay gives the page what it needs to pay by one channel. Asking for the
// other channel closes the first at WeChat Pay.
func (v *visit) orderPay() error {
	order, err := v.ownOrder()
	if err != nil {
		return err
	}
	switch ledger.PayChannel(v.r.URL.Query().Get("channel")) {
	case ledger.JSAPI:
		callUp, err := v.callUp(order)
		if err != nil {
			return payFailure(err)
		}
		return v.answer(callUp)
	case ledger.Native:
		codeURL, err := v.Payments.QR(v.ctx(), order)
		if err != nil {
			return payFailure(err)
		}
		return v.answer(struct {
			CodeURL string `json:"code_url"`
		}{codeURL})
	}
	return &failure{Status: http.StatusBadRequest, Code: "bad_request"}
}

// callUp finds the payer's openid, on record or at WeCom.
func (v *visit) callUp(order ledger.Order) (CallUp, error) {
	openID := v.person.OpenID
	if openID == "" {
		var err error
		openID, err = v.Members.OpenID(v.ctx(), v.session.UserID)
		if err != nil && !errors.Is(err, ErrNoOpenID) {
			err = &failure{Status: http.StatusBadGateway, Code: "wecom_unreachable", Err: err}
		}
		if err != nil {
			return CallUp{}, err
		}
		if err := v.Store.SetOpenID(v.ctx(), v.person.ID, openID); err != nil {
			return CallUp{}, err
		}
	}
	return v.Payments.CallUp(v.ctx(), order, openID)
}

// orderQR is the Native code as a picture.
func (v *visit) orderQR() error {
	order, err := v.ownOrder()
	if err != nil {
		return err
	}
	codeURL, err := v.Payments.QR(v.ctx(), order)
	if err != nil {
		return payFailure(err)
	}
	picture, err := qrcode.Encode(codeURL, qrcode.Medium, 480)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "image/png")
	v.w.Write(picture) // an error means that the browser went away
	return nil
}

// payStatus has the statuses of the refusals a payer can be told about.
var payStatus = map[string]int{
	"already_paid":        http.StatusConflict,
	"order_closed":        http.StatusConflict,
	"payment_in_progress": http.StatusConflict,
	"no_openid":           http.StatusConflict,
	"try_later":           http.StatusServiceUnavailable,
	"payment_refused":     http.StatusBadGateway,
}

// payFailure lets through what the page can act on.
func payFailure(err error) error {
	var coded interface{ Code() string }
	switch {
	case errors.Is(err, ErrNoOpenID):
		return &failure{Status: payStatus["no_openid"], Code: "no_openid", Err: err}
	case errors.As(err, &coded) && payStatus[coded.Code()] != 0:
		return &failure{Status: payStatus[coded.Code()], Code: coded.Code(), Err: err}
	}
	return err
}
