package campus

import (
	"errors"
	"slices"
	"sync"
	"time"

	"xiaoka/sandbox/mail"
	"xiaoka/sandbox/sms"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

// Fault names a switch: one way in which the outside world goes wrong until it is switched off again. Finer ones are set
// at the simulators themselves.
type Fault string

// The switches, in the order of a panel.
const (
	WeComSlow     Fault = "wecom_slow"       // every call takes six seconds
	WeComDown     Fault = "wecom_down"       // every call fails
	WeComLimited  Fault = "wecom_limited"    // message/send is refused with 45009
	CallbackTwice Fault = "callback_twice"   // each callback is delivered twice at once
	PayDown       Fault = "pay_down"         // every call of the merchant fails
	NotifyLost    Fault = "notify_lost"      // no notification leaves
	NotifyTwice   Fault = "notify_twice"     // each in two copies at once
	NotifyLate    Fault = "notify_late"      // each half a minute late
	NotifyForged  Fault = "notify_signature" // each with a wrong signature
	BillWrong     Fault = "bill_wrong"       // a line of the trade bill is one fen off
	MailDown      Fault = "mail_down"        // mails are refused for now
	SMSRefused    Fault = "sms_refused"      // so are SMS
	ClockAhead    Fault = "clock_ahead"      // the simulators' clock is ten minutes fast
)

// AllFaults lists the switches.
var AllFaults = []Fault{WeComSlow, WeComDown, WeComLimited, CallbackTwice, PayDown, NotifyLost, NotifyTwice, NotifyLate, NotifyForged,
	BillWrong, MailDown, SMSRefused, ClockAhead}

// ErrNoFault means that there is no such switch.
var ErrNoFault = errors.New("campus: no such fault")

// switches are those that are on.
type switches struct {
	mu sync.Mutex
	on map[Fault]bool
}

// Switched reports which faults are on.
func (c *Campus) Switched() map[Fault]bool {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	all := map[Fault]bool{}
	for _, f := range AllFaults {
		all[f] = c.faults.on[f]
	}
	return all
}

// Switch turns a fault on or off. It replaces whatever was set at the simulators by hand.
func (c *Campus) Switch(f Fault, on bool) error {
	if !slices.Contains(AllFaults, f) {
		return ErrNoFault
	}
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	if c.faults.on == nil {
		c.faults.on = map[Fault]bool{}
	}
	c.faults.on[f] = on
	return c.apply(c.faults.on)
}

// RevokeTokens lets WeCom forget the access_token of every app, as it may at any time.
func (c *Campus) RevokeTokens() {
	for _, a := range c.WeCom.Apps() {
		c.WeCom.RevokeToken(a.AgentID)
	}
}

// apply sets the simulators as the switches stand.
func (c *Campus) apply(on map[Fault]bool) error {
	var talk wecom.Faults
	if on[WeComSlow] {
		talk.All.Delay = 6 * time.Second
	}
	talk.All.Down = on[WeComDown]
	if on[WeComLimited] {
		limited := talk.All
		limited.ErrCode = 45009
		talk.Endpoint = map[string]wecom.Fault{"message/send": limited}
	}
	if on[CallbackTwice] {
		talk.Repeat, talk.RepeatAtOnce = 1, true
	}
	c.WeCom.SetFaults(talk)

	c.Pay.ClearFaults()
	for f, strikes := range map[Fault][]wechatpay.Fault{
		PayDown:      {{Kind: wechatpay.FaultGateway}},
		NotifyLost:   {{Point: wechatpay.AtNotify, Kind: wechatpay.FaultLost}, {Point: wechatpay.AtRefundNotify, Kind: wechatpay.FaultLost}},
		NotifyTwice:  {{Point: wechatpay.AtNotify, Kind: wechatpay.FaultTwice}, {Point: wechatpay.AtRefundNotify, Kind: wechatpay.FaultTwice}},
		NotifyLate:   {{Point: wechatpay.AtNotify, Kind: wechatpay.FaultLate, Delay: 30 * time.Second}},
		NotifyForged: {{Point: wechatpay.AtNotify, Kind: wechatpay.FaultBadSignature}},
		BillWrong:    {{Point: wechatpay.AtTradeBill, Kind: wechatpay.FaultBillWrong}},
	} {
		for _, strike := range strikes {
			if !on[f] {
				continue
			}
			if err := c.Pay.Inject(strike); err != nil {
				return err
			}
		}
	}

	var letters mail.Faults
	if on[MailDown] {
		letters.Code = 421
	}
	c.Mail.SetFaults(letters)
	var texts sms.Faults
	if on[SMSRefused] {
		texts.Code = "FailedOperation.InsufficientBalanceInSmsPackage"
	}
	c.SMS.SetFaults(texts)

	ahead := time.Duration(0)
	if on[ClockAhead] {
		ahead = 10 * time.Minute
	}
	c.SetClockOffset(ahead)
	return nil
}
