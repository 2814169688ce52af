package e2e

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

var (
	refundLink = regexp.MustCompile(`/h5/transfers/[0-9A-Za-z]+/refund`)
	shownPart  = regexp.MustCompile(`(?s)<main>.*</main>`)
	reference  = regexp.MustCompile(`编号 [^<]+`)
)

// submit posts a form with a token of another page and returns the status,
// the address it led to and what that shows.
func (m *member) submit(path, token string) (status int, at, body string) {
	m.t.Helper()
	res, err := m.phone.PostForm(m.url+path, url.Values{"csrf_token": {token}})
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, res.Request.URL.Path, string(raw)
}

// A member takes a top-up back before collecting it: the money is with the
// payer again, nobody else can do it, and no machine gives it out.
func TestRefundFromThePage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, stranger := h.newMember(0), h.newMember(1)
		for _, who := range []*member{m, stranger} {
			who.verify()
			who.bind()
		}
		no := m.orderNo(2000)
		m.pay(no)
		m.told(campus.CardID, "¥20.00", "待领取")
		path := refundLink.FindString(m.open("/h5/transfers"))
		if path == "" {
			t.Fatal("no refund is offered")
		}

		status, another := stranger.get(path)
		none, nobodys := stranger.get("/h5/transfers/ABCDEFGHIJKLMNOPQRSTUVWXYZ/refund")
		if status != http.StatusNotFound || none != http.StatusNotFound || plainPart(another) != plainPart(nobodys) {
			t.Errorf("somebody else's transfer: %d, none: %d, or the pages differ:\n%s\n%s", status, none, another, nobodys)
		}
		token := csrfField.FindStringSubmatch(stranger.open("/h5/settings"))[1]
		if status, _, _ := stranger.submit(path, token); status != http.StatusNotFound {
			t.Errorf("a stranger's refund: %d", status)
		}
		if status, _, _ := m.submit(path, token); status != http.StatusForbidden {
			t.Errorf("a refund with the token of another: %d", status)
		}

		page := m.open(path)
		if !strings.Contains(page, "¥20.00") || !strings.Contains(page, "不能撤销") {
			t.Errorf("the page does not say what a refund means:\n%s", page)
		}
		token = csrfField.FindStringSubmatch(page)[1]
		// WeChat Pay is out of reach, so that the state between can be seen.
		if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtRefund, Kind: wechatpay.FaultReset}); err != nil {
			t.Fatal(err)
		}
		status, at, page := m.submit(path, token)
		if status != http.StatusOK || at != "/h5/transfers" || !strings.Contains(page, "退款中") || refundLink.MatchString(page) {
			t.Errorf("after the refund: %d %s\n%s", status, at, page)
		}
		if page := m.open("/h5/topup/orders/" + no); !strings.Contains(page, "退款中") {
			t.Errorf("the order's page does not say so:\n%s", page)
		}
		if status, at, _ := m.submit(path, token); status != http.StatusOK || at != "/h5/transfers" {
			t.Errorf("asking twice: %d %s", status, at)
		}
		nothingToCollect(m)

		h.campus.Pay.ClearFaults()
		h.awaitLong("the refund", 2*time.Minute, func() bool { return strings.Contains(m.open("/h5/transfers"), "已原路退款") })
		m.told(campus.CardID, "已原路退款", "¥20.00")
		all := h.campus.Pay.Refunds()
		if len(all) != 1 || all[0].Status != "SUCCESS" || all[0].OutTradeNo != no || all[0].RefundFen != 2000 {
			t.Errorf("refunds at WeChat Pay: %+v", all)
		}
		if got := m.status(no); got != "refunded" {
			t.Errorf("the order is %s", got)
		}
		if page := m.open("/h5/topup/orders/" + no); !strings.Contains(page, "已原路退款") {
			t.Errorf("the order's page does not say so:\n%s", page)
		}
		nothingToCollect(m)
		if got := m.count(campus.CardID, "已原路退款", "¥20.00"); got != 1 {
			t.Errorf("%d pushes for one refund", got)
		}
		h.proven()
	})
}

// plainPart is what a page shows, without its reference.
func plainPart(page string) string {
	return reference.ReplaceAllString(shownPart.FindString(page), "")
}

// nothingToCollect puts the card into a machine, which finds no money.
func nothingToCollect(m *member) {
	m.t.Helper()
	chip := m.campus.Chip(m.Person)
	before := chip.Peek()
	k := terminal.NewKiosk(m.terminal("K01"), nil)
	if err := k.PutIn(chip); err != nil {
		m.t.Fatal(err)
	}
	defer k.PullOut()
	account, err := k.EnterPIN(m.context(), ownPassword)
	if err != nil {
		m.t.Fatal(err)
	}
	if account.PendingFen != 0 {
		m.t.Errorf("the machine shows %d fen to collect", account.PendingFen)
	}
	_, err = k.Collect(m.context())
	var refused *terminal.Error
	if !errors.As(err, &refused) || refused.Code != "nothing_pending" {
		m.t.Errorf("collecting: %v, want nothing_pending", err)
	}
	if after := chip.Peek(); after.BalanceFen != before.BalanceFen {
		m.t.Errorf("the chip went from %d to %d fen", before.BalanceFen, after.BalanceFen)
	}
}
