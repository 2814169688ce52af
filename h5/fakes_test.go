package h5

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"xiaoka/ledger"
)

func (w *world) person(id int64) (ledger.Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, ok := w.people[id]; ok {
		return *p, nil
	}
	return ledger.Person{}, ledger.ErrNotFound
}

func (w *world) PersonByID(_ context.Context, id int64) (ledger.Person, error) { return w.person(id) }

func (w *world) PersonByUserID(_ context.Context, userID string) (ledger.Person, error) {
	for _, id := range slices.Sorted(maps.Keys(w.people)) {
		if w.people[id].UserID == userID {
			return w.person(id)
		}
	}
	return ledger.Person{}, ledger.ErrNotFound
}

func (w *world) change(id int64, f func(*ledger.Person)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.people[id]
	if !ok {
		return ledger.ErrNotFound
	}
	f(p)
	return nil
}

func (w *world) SetLang(_ context.Context, id int64, lang ledger.Lang) error {
	return w.change(id, func(p *ledger.Person) { p.Lang = lang })
}
func (w *world) SetOpenID(_ context.Context, id int64, openID string) error {
	return w.change(id, func(p *ledger.Person) { p.OpenID = openID })
}
func (w *world) SetMessageStyle(_ context.Context, id int64, s ledger.MessageStyle) error {
	return w.change(id, func(p *ledger.Person) { p.MessageStyle = s })
}
func (w *world) MarkVerified(_ context.Context, id int64, at time.Time) error {
	return w.change(id, func(p *ledger.Person) { p.VerifiedAt = at })
}
func (w *world) BindCard(_ context.Context, id int64, at time.Time) error {
	return w.change(id, func(p *ledger.Person) { p.BoundAt = at })
}

func (w *world) PasswordState(_ context.Context, id int64, _ time.Time) (bool, time.Time, error) {
	return w.passwords[id] == "", w.locked[id], nil
}

func (w *world) CodeAwaited(_ context.Context, id int64, p ledger.Purpose, now time.Time) (sent ledger.Channel, wait time.Duration, err error) {
	if key := codeKey(id, p); w.awaited[key] != "" {
		sent = cmp.Or(w.channels[key], ledger.Email)
	}
	return sent, max(0, w.issued[id].Add(time.Minute).Sub(now)), nil
}

func (w *world) Balance(_ context.Context, id int64, _ time.Time) (ledger.Balance, error) {
	return w.balances[id], nil
}

func (w *world) Transfers(_ context.Context, id int64, limit int, _ time.Time) ([]ledger.Transfer, error) {
	all := w.transfers[id]
	return all[:min(limit, len(all))], nil
}

func (w *world) Statement(ctx context.Context, id int64, m ledger.Month, now time.Time) (ledger.Statement, error) {
	s, err := w.StatementBetween(ctx, id, m.Start(shanghai), (m + 1).Start(shanghai))
	if now = now.In(shanghai); err == nil && ledger.MonthOf(now) == m {
		s.BeforeTo = now.AddDate(0, -1, 0)
		s.Before = ledger.NewStatement(opened, (m - 1).Start(shanghai), s.BeforeTo, w.moved[id]).Spent
	}
	return s, err
}

// opened is what the fake cards were opened with.
const opened = 5000

func (w *world) StatementBetween(_ context.Context, id int64, from, to time.Time) (ledger.Statement, error) {
	if w.people[id] == nil {
		return ledger.Statement{}, ledger.ErrNotFound
	}
	before := (ledger.MonthOf(from) - 1).Start(shanghai)
	s := ledger.NewStatement(opened, from, to, w.moved[id])
	s.Old = w.balances[id].Old - w.balances[id].Short
	s.Before = ledger.NewStatement(opened, before, ledger.MonthOf(from).Start(shanghai), w.moved[id]).Spent
	for _, t := range w.transfers[id] {
		switch in := !t.CreatedAt.Before(from) && t.CreatedAt.Before(to); {
		case in && t.Kind == ledger.KindSubsidy:
			s.Granted += t.Amount
		case in && t.Kind == ledger.KindCorrection:
			s.Reversed += t.Amount
		case in && t.Kind == ledger.KindTopUp:
			s.Paid += t.Amount
			if t.State == ledger.TransferRefunded || t.State == ledger.TransferRefunding {
				s.Returned += t.Amount
			}
		}
	}
	return s, nil
}

func (w *world) Order(_ context.Context, id int64, no string) (ledger.Order, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.orders[no]; ok && o.PersonID == id {
		return *o, nil
	}
	return ledger.Order{}, notThere(no)
}

func (w *world) BeginRefund(_ context.Context, id int64, transferID string, _ time.Time) (ledger.Refund, error) {
	for i, t := range w.transfers[id] {
		switch {
		case t.ID != transferID:
			continue
		case w.refundErr != nil:
			return ledger.Refund{}, w.refundErr
		case t.State != ledger.TransferPending || t.Kind != "topup":
			return ledger.Refund{}, fmt.Errorf("%w: by its state", ledger.ErrRefundRefused)
		}
		w.transfers[id][i].State = ledger.TransferRefunding
		w.refunds = append(w.refunds, transferID)
		return ledger.Refund{TransferID: transferID, Amount: t.Amount, State: ledger.RefundWanted}, nil
	}
	return ledger.Refund{}, notThere(transferID)
}

// notThere is what PostgreSQL says to a key it has no row for: of bytes that
// are no text it complains.
func notThere(key string) error {
	if strings.ContainsRune(key, 0) || !utf8.ValidString(key) {
		return errors.New("invalid byte sequence for encoding UTF8")
	}
	return ledger.ErrNotFound
}

func (w *world) CreateSession(_ context.Context, s ledger.Session) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[string(s.TokenHash)] = s
	return nil
}

func (w *world) Session(_ context.Context, hash []byte, now time.Time) (ledger.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sessions[string(hash)]
	if !ok || !now.Before(s.ExpiresAt) {
		return ledger.Session{}, ledger.ErrNotFound
	}
	return s, nil
}

func (w *world) EndSession(_ context.Context, hash []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, string(hash))
	return nil
}

func (w *world) EndSessions(_ context.Context, id int64, except []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.sessions, func(hash string, s ledger.Session) bool { return s.PersonID == id && hash != string(except) })
	return nil
}

func (w *world) Put(_ context.Context, key, value string, ttl time.Duration) error {
	w.states[key] = stateEntry{value, w.now.Add(ttl)}
	return nil
}

func (w *world) Take(_ context.Context, key string) (string, error) {
	s, ok := w.states[key]
	delete(w.states, key)
	if !ok || !w.now.Before(s.until) {
		return "", ledger.ErrNotFound
	}
	return s.value, nil
}

func (w *world) UserInfo(_ context.Context, code string) (string, error) {
	if code == "down" {
		return "", errors.New("no answer")
	}
	userID, ok := w.oauthCodes[code]
	if !ok {
		return "", ErrOAuthCode
	}
	if userID == "" {
		return "", ErrNotMember
	}
	delete(w.oauthCodes, code)
	return userID, nil
}

func (w *world) OpenID(context.Context, string) (string, error) {
	if w.noOpenID {
		return "", ErrNoOpenID
	}
	return "oXiaoMing", nil
}

func (w *world) Create(_ context.Context, p ledger.Person, amount ledger.Fen, expire time.Duration) (ledger.Order, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := ledger.Order{OutTradeNo: "XK20251122ABCDEFGHIJKLMNOP", PersonID: p.ID, CardID: p.CardID, Amount: amount,
		State: ledger.OrderCreated, CreatedAt: w.now, ExpiresAt: w.now.Add(expire)}
	w.orders[o.OutTradeNo] = &o
	return o, nil
}

func (w *world) CallUp(_ context.Context, o ledger.Order, openID string) (CallUp, error) {
	if w.payError != nil {
		return CallUp{}, w.payError
	}
	return CallUp{AppID: "wwcorp", TimeStamp: "1763784480", NonceStr: "n", Package: "prepay_id=" + openID, SignType: "RSA", PaySign: "s"}, nil
}

func (w *world) QR(_ context.Context, o ledger.Order) (string, error) {
	return "weixin://wxpay/bizpayurl?pr=" + o.OutTradeNo, w.payError
}

func (w *world) Ask(_ context.Context, o ledger.Order) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	w.orders[o.OutTradeNo].State = ledger.OrderPaid
	return nil
}

func (w *world) ReportLoss(ctx context.Context, id int64, now time.Time) (ledger.LossReport, error) {
	if w.lossErr != nil {
		return ledger.LossReport{}, w.lossErr
	}
	w.losses[id] = ledger.LossReport{Receipt: "GS20251122-7K2MQ4XA", CardNo: w.people[id].CardNo, AcceptedAt: now, Version: 7, Terminals: 44, Informed: 41}
	return w.losses[id], nil
}

func (w *world) CancelLoss(_ context.Context, id int64, now time.Time) (ledger.LossReport, error) {
	r, ok := w.losses[id]
	if !ok || !r.EndedAt.IsZero() {
		return r, ledger.ErrNotLost
	}
	r.EndedAt = now
	w.losses[id] = r
	return r, nil
}

func (w *world) LossState(_ context.Context, id int64) (ledger.LossReport, error) {
	if r, ok := w.losses[id]; ok {
		return r, nil
	}
	return ledger.LossReport{}, ledger.ErrNotFound
}

func (w *world) SpentAfterLoss(_ context.Context, id int64, receipt string) ([]ledger.SpentAfterLoss, error) {
	if w.losses[id].Receipt != receipt {
		return nil, nil
	}
	return w.spent[id], nil
}

func (w *world) Accepted(_ context.Context, p ledger.Person, r ledger.LossReport) {
	w.accepted = append(w.accepted, r)
}

func (w *world) Unbind(ctx context.Context, id int64, _ time.Time) error {
	if err := w.EndSessions(ctx, id, nil); err != nil {
		return err
	}
	return w.change(id, func(p *ledger.Person) { p.BoundAt = time.Time{} })
}

func (w *world) AuditOf(_ context.Context, id int64, limit int) ([]ledger.AuditEntry, error) {
	return w.audit[id][:min(limit, len(w.audit[id]))], nil
}

func (w *world) PushSettings(context.Context, int64) (all []ledger.PushSetting, err error) {
	for _, k := range ledger.Mutable() {
		all = append(all, ledger.PushSetting{Kind: k, On: !w.muted[k]})
	}
	return all, nil
}

func (w *world) SetPush(_ context.Context, _ int64, kind ledger.EventKind, on bool) error {
	w.muted[kind] = !on
	return nil
}

func (w *world) SetLowBalance(_ context.Context, id int64, f ledger.Fen) error {
	return w.change(id, func(p *ledger.Person) { p.LowBalance = f })
}

// payRefusal is an error as pay makes them.
type payRefusal string

func (e payRefusal) Error() string { return string(e) }
func (e payRefusal) Code() string  { return string(e) }
