package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

func requestLost(f *fault) {
	h := f.holder(5000)
	_, err := h.cutOff("K01", cutLine{}).Claim(h.context(), "k"+h.CardNo, h.CardNo, ownPassword, h.chip.Peek())
	if !errors.Is(err, terminal.ErrNoAnswer) {
		f.t.Fatal(err)
	}
	h.owns(0, 5000, 0)
	h.collect("K01", "k", 5000)
	h.owns(5000, 0, 0)
}

func answerLost(f *fault) {
	h := f.holder(5000)
	_, err := h.cutOff("K01", cutLine{after: true}).Claim(h.context(), "k"+h.CardNo, h.CardNo, ownPassword, h.chip.Peek())
	if !errors.Is(err, terminal.ErrNoAnswer) {
		f.t.Fatal(err)
	}
	h.owns(0, 0, 5000)
	h.collect("K01", "another", 5000)
	h.owns(5000, 0, 0)
	h.holds(5000)
}

func pulledBeforeWrite(f *fault) {
	h := f.holder(5000)
	h.chip.TearAt(terminal.BeforeWrite)
	h.write(h.granted("K01", "k", 5000))
	_, err := h.ask("K02", "soon")
	h.refused(err, "claim_in_progress")
	h.owns(0, 0, 5000)
	h.awaitState("in_doubt")
	h.owns(0, 0, 5000) // time alone gives nothing back
	h.collect("K02", "later", 5000)
	h.owns(5000, 0, 0)
	h.holds(5000)
}

// awaitState waits until the holder's newest transfer is in a state.
func (h *holder) awaitState(state string) {
	h.t.Helper()
	month := time.Now().In(time.FixedZone("CST", 8*60*60)).Format("2006-01")
	h.await("the transfer is "+state, func() bool {
		all, err := h.terminal("K03").TransfersQuery(h.context(), h.CardNo, ownPassword, month)
		return err == nil && len(all) > 0 && all[0].State == state
	})
}

func pulledAfterWrite(f *fault) {
	h := f.holder(5000)
	h.chip.TearAt(terminal.AfterWrite)
	h.write(h.granted("K01", "k", 5000))
	h.holds(5000)
	h.owns(0, 0, 5000)
	_, err := h.ask("K02", "next") // at once: a write speaks for itself
	h.refused(err, "nothing_pending")
	h.owns(5000, 0, 0)
}

func powerLossBeforeConfirm(f *fault) {
	h := f.holder(5000)
	k := terminal.NewKiosk(h.terminal("K01"), nil)
	if err := k.PutIn(h.chip); err != nil {
		f.t.Fatal(err)
	}
	if _, err := k.EnterPIN(h.context(), ownPassword); err != nil {
		f.t.Fatal(err)
	}
	if _, err := k.Claim(h.context()); err != nil {
		f.t.Fatal(err)
	}
	if _, err := k.Write(); err != nil {
		f.t.Fatal(err)
	}
	k.PullOut()
	h.owns(0, 0, 5000)
	again := terminal.NewKiosk(h.terminal("K01"), k.Journal())
	if n, err := again.Replay(h.context()); n != 1 || err != nil {
		f.t.Errorf("replayed %d, %v", n, err)
	}
	h.owns(5000, 0, 0)
	h.holds(5000)
}

func confirmTwice(f *fault) {
	h := f.holder(5000)
	c := h.granted("K01", "k", 5000)
	after := h.write(c)
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() { h.confirmed("K01", c.ClaimID, after) })
	}
	both.Wait()
	h.confirmed("K01", c.ClaimID, after)
	h.owns(5000, 0, 0)
	_, err := h.terminal("K02").Confirm(h.context(), c.ClaimID, after)
	h.refused(err, "claim_not_found")
}

func confirmAfterResolution(f *fault) {
	h := f.holder(5000)
	c := h.granted("K01", "k", 5000)
	after := h.write(c)
	till := terminal.NewPOS(h.terminal("P01"), "风味窗口", terminal.Store{LastSeq: 100})
	till.SetOnline(false)
	if _, err := till.Swipe(h.context(), h.chip, 650); err != nil {
		f.t.Fatal(err)
	}
	till.SetOnline(true)
	if r, err := till.Upload(h.context()); err != nil || r.Accepted != 1 {
		f.t.Fatalf("%+v, %v", r, err)
	}
	h.owns(5000-650, 0, 0) // the purchase proved the load
	h.confirmed("K01", c.ClaimID, after)
	h.owns(5000-650, 0, 0)
	h.holds(5000 - 650)
}

// race has two ask at once; exactly one gets the money.
func (h *holder) race(first, second func() (terminal.Claim, error)) (won int, c terminal.Claim) {
	h.t.Helper()
	var both sync.WaitGroup
	var got [2]terminal.Claim
	var errs [2]error
	for i, ask := range []func() (terminal.Claim, error){first, second} {
		both.Go(func() { got[i], errs[i] = ask() })
	}
	both.Wait()
	switch {
	case errs[0] == nil && terminal.Code(errs[1]) == "claim_in_progress":
		return 0, got[0]
	case errs[1] == nil && terminal.Code(errs[0]) == "claim_in_progress":
		return 1, got[1]
	}
	h.t.Fatalf("%v and %v; want one and claim_in_progress", errs[0], errs[1])
	return 0, c
}

func twoTerminals(f *fault) {
	h := f.holder(2000)
	machines := []string{"K01", "K02"}
	won, c := h.race(func() (terminal.Claim, error) { return h.ask("K01", "k") }, func() (terminal.Claim, error) { return h.ask("K02", "k") })
	h.owns(0, 0, 2000)
	h.confirmed(machines[won], c.ClaimID, h.write(c))
	h.owns(2000, 0, 0)
}

func tillAgainstMachine(f *fault) {
	h := f.holder(2000)
	won, c := h.race(func() (terminal.Claim, error) { return h.ask("K01", "k") }, func() (terminal.Claim, error) {
		c, granted, err := h.terminal("P01").POSClaim(h.context(), "k"+h.CardNo, h.CardNo, h.chip.Peek())
		if err == nil && !granted {
			err = errors.New("nothing was pending")
		}
		return c, err
	})
	after := h.write(c)
	if won == 0 {
		h.confirmed("K01", c.ClaimID, after)
	} else if state, err := h.terminal("P01").POSConfirm(h.context(), c.ClaimID, after); err != nil || state != "claimed" {
		f.t.Errorf("confirm at the till: %q, %v", state, err)
	}
	h.owns(2000, 0, 0)
	h.holds(2000)
}

func refundWhileAuthorised(f *fault) {
	h := f.holder(2000)
	page := h.open("/h5/transfers")
	path := refundLink.FindString(page)
	token := csrfField.FindStringSubmatch(h.open(path))
	if path == "" || token == nil {
		f.t.Fatal("no refund is offered")
	}
	c := h.granted("K01", "k", 2000)
	if status, _, _ := h.submit(path, token[1]); status != http.StatusConflict {
		f.t.Errorf("a refund of authorised money answers %d, want 409", status)
	}
	h.owns(0, 0, 2000)
	if state, err := h.terminal("K01").Cancel(h.context(), c.ClaimID, h.chip.Peek(), "changed my mind"); err != nil || state != "released" {
		f.t.Fatalf("%q, %v", state, err)
	}
	if status, at, _ := h.submit(path, token[1]); status != http.StatusOK || at != "/h5/transfers" {
		f.t.Errorf("a refund of what waits answers %d at %s", status, at)
	}
	h.owns(0, 0, 0)
	_, err := h.ask("K01", "refunded")
	h.refused(err, "nothing_pending")
}

func lossWhileAuthorised(f *fault) {
	h := f.holder(5000, 2000)
	c := h.granted("K01", "k", 7000)
	late := h.callUp(h.orderNo(1000))
	if at, page := h.post("/h5/loss", map[string]string{"query_password": ownPassword}); !strings.Contains(page, "挂失已受理") {
		f.t.Fatalf("the report led to %s\n%s", at, page)
	}
	if _, err := f.campus.Pay.Pay(h.context(), late.PrepayID(), f.campus.OpenID(h.Person), wechatpay.PayOptions{Wait: true}); err != nil {
		f.t.Fatal(err)
	}
	h.owns(0, 1000, 7000)
	_, err := h.ask("K02", "k")
	h.refused(err, "claim_in_progress") // the machine that holds it may still be writing
	h.confirmed("K01", c.ClaimID, h.write(c))
	h.owns(7000, 1000, 0)
	_, err = h.ask("K02", "k2")
	h.refused(err, "card_lost")
	h.owns(7000, 1000, 0)
}

func crashBeforeAnswer(f *fault) {
	h := f.holder(5000)
	crash := cutLine{after: true, lost: func() {
		for len(f.replicas) > 0 {
			f.kill(f.replicas[0])
		}
	}}
	_, err := h.cutOff("K01", crash).Claim(h.context(), "k"+h.CardNo, h.CardNo, ownPassword, h.chip.Peek())
	if !errors.Is(err, terminal.ErrNoAnswer) {
		f.t.Fatal(err)
	}
	f.house.t = f.campusT
	f.start()
	f.house.t = f.t
	h.owns(0, 0, 5000)
	first := h.granted("K01", "k", 5000)
	second := h.granted("K01", "k", 5000)
	if first.ClaimID != second.ClaimID {
		f.t.Errorf("claims %s and %s under one key", first.ClaimID, second.ClaimID)
	}
	h.confirmed("K01", first.ClaimID, h.write(first))
	h.owns(5000, 0, 0)
	h.holds(5000)
}

func purseMaximum(f *fault) {
	h := f.holder()
	fill := 90000 - h.OpeningFen
	h.pay(h.orderNo(fill))
	h.collect("K01", "fill", fill)
	for _, fen := range []int64{5000, 20000, 70000} {
		h.pay(h.orderNo(fen))
	}
	h.collect("K01", "fits", 5000)
	h.owns(fill+5000, 90000, 0)
	_, err := h.ask("K01", "left")
	h.refused(err, "purse_full")
	if _, granted, err := h.terminal("P01").POSClaim(h.context(), "till"+h.CardNo, h.CardNo, h.chip.Peek()); granted || err != nil {
		f.t.Errorf("a till with a full purse: %v, %v; want 204", granted, err)
	}
	h.pay(h.orderNo(5000))
	h.collect("K02", "exact", 5000)
	h.holds(fill + 10000)
	h.owns(fill+10000, 90000, 0)
}

func notifiedManyTimes(f *fault) {
	h := f.holder()
	no := h.orderNo(2000)
	p := h.callUp(no)
	if err := f.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtNotify, Kind: wechatpay.FaultTwice, OutTradeNo: no}); err != nil {
		f.t.Fatal(err)
	}
	defer f.campus.Pay.ClearFaults()
	if _, err := f.campus.Pay.Pay(h.context(), p.PrepayID(), f.campus.OpenID(h.Person), wechatpay.PayOptions{Wait: true}); err != nil {
		f.t.Fatal(err)
	}
	for range 3 {
		if err := f.campus.Pay.ResendNotification(no); err != nil {
			f.t.Fatal(err)
		}
	}
	if err := f.campus.Pay.Quiet(h.context()); err != nil {
		f.t.Fatal(err)
	}
	h.owns(0, 2000, 0)
	h.collect("K01", "k", 2000)
	if err := f.campus.Pay.ResendNotification(no); err != nil {
		f.t.Fatal(err)
	}
	if err := f.campus.Pay.Quiet(h.context()); err != nil {
		f.t.Fatal(err)
	}
	h.owns(2000, 0, 0)
}

func anotherHoldersCard(f *fault) {
	rich, poor := f.holder(5000), f.holder()
	_, err := poor.ask("K01", "mine")
	poor.refused(err, "nothing_pending")
	key := "k" + rich.CardNo
	c := rich.granted("K01", "k", 5000)
	_, err = f.terminal("K01").Claim(poor.context(), key, poor.CardNo, ownPassword, poor.chip.Peek())
	poor.refused(err, "idempotency_key_reused")
	_, err = f.terminal("K01").Confirm(poor.context(), c.ClaimID, poor.chip.Peek())
	poor.refused(err, "chip_out_of_step")
	rich.owns(0, 0, 5000)
	poor.owns(0, 0, 0)
	rich.confirmed("K01", c.ClaimID, rich.write(c))
	rich.owns(5000, 0, 0)
}

func clockWrong(f *fault) {
	h := f.holder()
	chip := h.chip.Peek()
	record := func(seq, fen int64, at time.Time) terminal.Record {
		chip.SpendSeq++
		chip.BalanceFen -= fen
		return terminal.Record{Seq: seq, CardNo: h.CardNo, AmountFen: fen, Chip: chip, OccurredAt: at}
	}
	now := time.Now().Truncate(time.Second)
	batch := []terminal.Record{record(200, 20, now), record(201, 30, now.AddDate(-9, 0, 0)), record(202, 40, now)}
	batch[0], batch[2] = batch[2], batch[0]
	r, err := f.terminal("P02").Consumptions(h.context(), batch)
	if err != nil || r.Accepted != 3 || r.AckedSeq != 202 {
		f.t.Fatalf("%+v, %v", r, err)
	}
	h.owns(-90, 0, 0)
	far := f.terminal("K01")
	far.Now = func() time.Time { return now.AddDate(-9, 0, 0) }
	_, err = far.Lookup(h.context(), h.CardNo, ownPassword)
	h.refused(err, "stale_request") // a signature has a window; its answer says what time it is
}

func replayed(f *fault) {
	h := f.holder(2000)
	chip := h.chip.Peek()
	body := fmt.Appendf(nil, `{"card_no":%q,"pin":%q,"chip":{"load_seq":%d,"spend_seq":%d,"balance_fen":%d}}`,
		h.CardNo, ownPassword, chip.LoadSeq, chip.SpendSeq, chip.BalanceFen)
	req, err := f.terminal("K01").NewRequest(context.Background(), http.MethodPost, "/kiosk/v1/claims", body)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "k"+h.CardNo)
	for _, want := range []int{http.StatusCreated, http.StatusUnauthorized, http.StatusUnauthorized} {
		again := req.Clone(context.Background())
		again.Body = io.NopCloser(strings.NewReader(string(body)))
		res, err := http.DefaultClient.Do(again)
		if err != nil {
			f.t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			f.t.Errorf("answered %d, want %d", res.StatusCode, want)
		}
	}
	h.owns(0, 0, 2000)
	h.collect("K01", "afterwards", 2000)
}
