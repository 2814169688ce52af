package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

// insist repeats a call until it is answered.
func insist(what string, call func() error) error {
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = call(); !errors.Is(err, terminal.ErrNoAnswer) {
			return err
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (p *player) act() error {
	machine := []string{"K01", "K02", "K03"}[p.rng.IntN(3)]
	till := p.tills[p.rng.IntN(len(p.tills))]
	switch p.rng.IntN(10) {
	case 0, 1:
		return p.topUp()
	case 2, 3, 4:
		return p.visit(machine)
	case 5, 6:
		return errors.Join(p.visit(till.id), p.spend(till))
	case 7:
		return p.spend(till)
	case 8:
		return p.upload(till, p.rng.IntN(3) == 0)
	}
	if p.rng.IntN(2) == 0 {
		return p.refund()
	}
	return p.replay()
}

// page asks for a page, or posts a form, until there is an answer.
func (p *player) page(path string, form map[string]string) (status int, at, body string, err error) {
	err = insist(path, func() error {
		var res *http.Response
		var err error
		if form == nil {
			res, err = p.phone.Get(p.url + path)
		} else {
			fields := map[string][]string{"csrf_token": {p.token}}
			for k, v := range form {
				fields[k] = []string{v}
			}
			res, err = p.phone.PostForm(p.url+path, fields)
		}
		if err != nil {
			return fmt.Errorf("%w: %w", terminal.ErrNoAnswer, err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 500 {
			return fmt.Errorf("%w: %d, %w", terminal.ErrNoAnswer, res.StatusCode, err)
		}
		status, at, body = res.StatusCode, res.Request.URL.Path, string(raw)
		return nil
	})
	return status, at, body, err
}

// topUp orders and pays; the notification may be lost or come twice.
func (p *player) topUp() error {
	if p.lost {
		return nil
	}
	fen := []int64{1000, 2000, 5000, 20000}[p.rng.IntN(4)]
	_, at, body, err := p.page("/h5/topup", map[string]string{"amount_fen": fmt.Sprint(fen)})
	no, ok := strings.CutPrefix(at, "/h5/topup/orders/")
	if err != nil || !ok {
		return fmt.Errorf("order: led to %q, %w\n%s", at, err, body)
	}
	status, _, body, err := p.page("/h5/topup/orders/"+no+"/pay?channel=jsapi", nil)
	var params wechatpay.BridgeParams
	jsonErr := json.Unmarshal([]byte(body), &params)
	if err != nil || status != http.StatusOK || jsonErr != nil {
		return fmt.Errorf("pay: %d %s, %w", status, body, errors.Join(err, jsonErr))
	}
	fault := []wechatpay.Kind{wechatpay.FaultLost, wechatpay.FaultTwice, "", ""}[p.rng.IntN(4)]
	if fault != "" {
		if err := p.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtNotify, Kind: fault, OutTradeNo: no, Times: 1}); err != nil {
			return err
		}
	}
	_, err = p.campus.Pay.Pay(p.context(), params.PrepayID(), p.campus.OpenID(p.Person), wechatpay.PayOptions{})
	if err == nil {
		p.paid[no] = fen
	}
	return err
}

// visit claims at a machine or a till, and goes wrong at any point.
func (p *player) visit(at string) error {
	p.n++
	key := fmt.Sprintf("k%d-%s", p.n, p.CardNo)
	chip := p.chip.Peek()
	giveUp := p.rng.IntN(6) == 0
	var c terminal.Claim
	granted := false
	ask := func() (err error) {
		c, granted, err = p.claimAt(at, key, chip)
		return err
	}
	var err error
	if giveUp {
		err = ask()
	} else {
		err = insist("claim", ask)
	}
	switch code := terminal.Code(err); {
	case code == "nothing_pending" || code == "purse_full" || code == "claim_in_progress":
		return nil
	case code == "card_lost" && p.lost, giveUp && errors.Is(err, terminal.ErrNoAnswer), err == nil && !granted:
		return nil
	case err != nil:
		return fmt.Errorf("claim at %s: %w", at, err)
	}
	if p.lost {
		return fmt.Errorf("%s gave money to a lost card", at)
	}
	if most := p.allPaid() + p.moved - p.loadedBefore - p.loaded; c.AmountFen <= 0 || c.AmountFen > most || c.Expected != (terminal.Expected{LoadSeq: chip.LoadSeq + 1, BalanceFen: chip.BalanceFen + c.AmountFen}) {
		return fmt.Errorf("%s granted %+v to the chip %+v; at most %d fen can be waiting", at, c, chip, most)
	}
	switch p.rng.IntN(8) {
	case 0: // pulled out before the write
		return nil
	case 1: // pulled out after the write; nobody saw
		p.load(c)
		return nil
	case 2: // given back
		state, err := p.end(at, "cancel", c.ClaimID, chip)
		if err == nil && state != "released" {
			err = fmt.Errorf("a cancel at %s says %s", at, state)
		}
		return err
	case 3: // the power goes before the confirm
		p.journal = append(p.journal, visit{at, c.ClaimID, p.load(c)})
		return nil
	}
	return p.confirm(visit{at, c.ClaimID, p.load(c)})
}

func (p *player) allPaid() (fen int64) {
	for _, f := range p.paid {
		fen += f
	}
	return fen
}

func (p *player) claimAt(at, key string, chip terminal.ChipState) (terminal.Claim, bool, error) {
	if at[0] == 'P' {
		return p.terminal(at).POSClaim(p.context(), key, p.CardNo, chip)
	}
	c, err := p.terminal(at).Claim(p.context(), key, p.CardNo, ownPassword, chip)
	return c, err == nil, err
}

// load writes the chip.
func (p *player) load(c terminal.Claim) terminal.ChipState {
	p.loaded += c.AmountFen
	return p.write(c)
}

func (p *player) end(at, act, claimID string, chip terminal.ChipState) (state string, err error) {
	err = insist(act, func() (err error) {
		c := p.terminal(at)
		switch {
		case act == "confirm" && at[0] == 'P':
			state, err = c.POSConfirm(p.context(), claimID, chip)
		case act == "confirm":
			state, err = c.Confirm(p.context(), claimID, chip)
		case at[0] == 'P':
			state, err = c.POSCancel(p.context(), claimID, chip, "changed my mind")
		default:
			state, err = c.Cancel(p.context(), claimID, chip, "changed my mind")
		}
		return err
	})
	return state, err
}

func (p *player) confirm(v visit) error {
	state, err := p.end(v.at, "confirm", v.claimID, v.after)
	if err == nil && state != "claimed" {
		err = fmt.Errorf("a confirm at %s says %s", v.at, state)
	}
	return err
}

// replay has a machine tell what it wrote before its power went.
func (p *player) replay() error {
	for len(p.journal) > 0 {
		v := p.journal[0]
		p.journal = p.journal[1:]
		if err := p.confirm(v); err != nil {
			return err
		}
	}
	return nil
}

// spend buys at a till.
func (p *player) spend(k *stormTill) error {
	fen := 1 + p.rng.Int64N(2000)
	if fen > p.chip.Peek().BalanceFen {
		return nil
	}
	if err := p.chip.PutIn(); err != nil {
		return err
	}
	defer p.chip.PullOut()
	after, err := p.chip.Spend(fen)
	if err != nil {
		return err
	}
	p.spent += fen
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sold = append(k.sold, terminal.Record{Seq: int64(len(k.sold) + 1), CardNo: p.CardNo, AmountFen: fen, Chip: after, OccurredAt: time.Now().Truncate(time.Second)})
	return nil
}

// upload sends records of a till: all that are new, or any in any order.
func (p *player) upload(k *stormTill, shuffled bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var batch []terminal.Record
	for _, r := range k.sold {
		if shuffled && p.rng.IntN(2) == 0 || !shuffled && !k.sent[r.Seq] {
			batch = append(batch, r)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	p.rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	var got terminal.Receipt
	err := insist("upload", func() (err error) {
		got, err = p.terminal(k.id).Consumptions(p.context(), batch)
		return err
	})
	if err == nil && (len(got.Rejected) > 0 || got.Accepted+got.Duplicates != len(batch)) {
		err = fmt.Errorf("an upload of %d at %s: %+v", len(batch), k.id, got)
	}
	for _, r := range batch {
		k.sent[r.Seq] = true
	}
	return err
}

// refund wants one of the transfers on the page back.
func (p *player) refund() error {
	_, _, body, err := p.page("/h5/transfers", nil)
	links := refundLink.FindAllString(body, -1)
	if err != nil || len(links) == 0 {
		return err
	}
	status, _, body, err := p.page(links[p.rng.IntN(len(links))], map[string]string{})
	if err == nil && status != http.StatusOK && status != http.StatusConflict {
		err = fmt.Errorf("a refund answers %d\n%s", status, body)
	}
	return err
}

func (p *player) lose() error {
	status, _, body, err := p.page("/h5/loss", map[string]string{"query_password": ownPassword})
	p.lost = true
	if err == nil && (status != http.StatusOK || !strings.Contains(body, "挂失")) {
		err = fmt.Errorf("a loss report answers %d\n%s", status, body)
	}
	return err
}
