package handlers

import (
	"cmp"
	"context"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// fakeStore holds people and what they own.
type fakeStore struct {
	people    map[string]ledger.Person
	balances  map[int64]ledger.Balance
	transfers map[int64][]ledger.Transfer
	movements map[int64][]ledger.Movement
	initial   map[int64]bool
	muted     map[ledger.EventKind]bool
	left      []string
	returned  ledger.Fen
	granted   ledger.Fen
	lost      map[int64]ledger.LossReport
	err       error
}

func newStore() *fakeStore {
	s := &fakeStore{
		people: map[string]ledger.Person{}, balances: map[int64]ledger.Balance{}, transfers: map[int64][]ledger.Transfer{},
		movements: map[int64][]ledger.Movement{}, initial: map[int64]bool{}, muted: map[ledger.EventKind]bool{},
		lost: map[int64]ledger.LossReport{},
	}
	fresh := ledger.Person{ID: 1, UserID: "fresh", Name: "张三", Email: "zhangsan@example.edu.cn", CardID: 11, CardNo: "60001234"}
	s.add(fresh)
	verified := fresh
	verified.ID, verified.UserID, verified.VerifiedAt = 2, "verified", noon.AddDate(0, -2, 0)
	s.add(verified)
	bound := verified
	bound.ID, bound.UserID, bound.BoundAt = 3, "bound", noon.AddDate(0, -2, 0)
	s.add(bound)
	initial := bound
	initial.ID, initial.UserID = 4, "initial"
	s.add(initial)
	s.initial[4] = true
	english := bound
	english.ID, english.UserID, english.Lang = 5, "english", ledger.English
	s.add(english)
	bare := fresh
	bare.ID, bare.UserID, bare.Email = 6, "bare", ""
	s.add(bare)
	weixin := bound
	weixin.ID, weixin.UserID, weixin.MessageStyle = 7, "weixin", ledger.StyleTextCard
	s.add(weixin)
	for _, id := range []int64{3, 4, 5, 7} {
		s.balances[id] = ledger.Balance{
			CardNo: "60001234", Status: ledger.CardNormal, Books: 9400, Pending: 7000, AsOf: noon.Add(-time.Hour), Missing: 1,
			Last: &ledger.Movement{Kind: "claim", Amount: 5000, At: noon.Add(-time.Hour), Where: "二号餐厅"},
		}
		s.movements[id] = []ledger.Movement{{Kind: "claim", Amount: 5000, At: noon.Add(-time.Hour), Where: "二号餐厅"}}
		s.transfers[id] = []ledger.Transfer{
			{ID: "T3", Kind: "topup", Title: "微信充值", Amount: 5000, State: ledger.TransferPending, CreatedAt: noon.Add(-time.Minute)},
			{ID: "T2", Kind: "topup", Title: "微信充值", Amount: 2000, State: ledger.TransferPending, CreatedAt: noon.Add(-30 * time.Hour)},
			{ID: "T1", Kind: "topup", Title: "微信充值", Amount: 5000, State: ledger.TransferClaimed, CreatedAt: noon.Add(-50 * time.Hour)},
		}
	}
	return s
}

func (s *fakeStore) add(p ledger.Person) { s.people[p.UserID] = p }

func (s *fakeStore) PersonByUserID(_ context.Context, userID string) (ledger.Person, error) {
	p, ok := s.people[userID]
	switch {
	case s.err != nil:
		return ledger.Person{}, s.err
	case !ok:
		return ledger.Person{}, ledger.ErrNotFound
	}
	return p, nil
}

func (s *fakeStore) PersonByID(_ context.Context, id int64) (ledger.Person, error) {
	for _, p := range s.people {
		if p.ID == id {
			return p, s.err
		}
	}
	return ledger.Person{}, ledger.ErrNotFound
}

func (s *fakeStore) change(id int64, f func(*ledger.Person)) error {
	p, err := s.PersonByID(context.Background(), id)
	if err == nil {
		f(&p)
		s.add(p)
	}
	return err
}

func (s *fakeStore) PersonByStudentNo(_ context.Context, no string) (ledger.Person, error) {
	for _, p := range s.people {
		if no != "" && p.StudentNo == no {
			return p, s.err
		}
	}
	return ledger.Person{}, cmp.Or(s.err, ledger.ErrNotFound)
}

func (s *fakeStore) LinkMember(_ context.Context, id int64, userID string, at time.Time) error {
	p, err := s.PersonByID(context.Background(), id)
	if _, taken := s.people[userID]; err == nil && (taken || p.Verified()) {
		return ledger.ErrConflict
	}
	delete(s.people, p.UserID)
	p.UserID, p.VerifiedAt = userID, at
	s.add(p)
	return err
}

func (s *fakeStore) MemberLeft(_ context.Context, userID string, _ time.Time) error {
	s.left = append(s.left, userID)
	return nil
}

func (s *fakeStore) LossState(_ context.Context, id int64) (ledger.LossReport, error) {
	if r, ok := s.lost[id]; ok {
		return r, s.err
	}
	return ledger.LossReport{}, cmp.Or(s.err, ledger.ErrNotFound)
}

func (s *fakeStore) SetPush(_ context.Context, _ int64, kind ledger.EventKind, on bool) error {
	s.muted[kind] = !on
	return s.err
}

func (s *fakeStore) SetLang(_ context.Context, id int64, lang ledger.Lang) error {
	return s.change(id, func(p *ledger.Person) { p.Lang = lang })
}

func (s *fakeStore) MarkVerified(_ context.Context, id int64, at time.Time) error {
	return s.change(id, func(p *ledger.Person) { p.VerifiedAt = at })
}

func (s *fakeStore) PasswordState(_ context.Context, id int64, _ time.Time) (bool, time.Time, error) {
	return s.initial[id], time.Time{}, nil
}

func (s *fakeStore) PushWanted(_ context.Context, _ int64, kind ledger.EventKind) (bool, error) {
	return !s.muted[kind], nil
}

func (s *fakeStore) PushSettings(_ context.Context, _ int64) (out []ledger.PushSetting, _ error) {
	for _, k := range ledger.Mutable() {
		out = append(out, ledger.PushSetting{Kind: k, On: !s.muted[k]})
	}
	return out, s.err
}

func (s *fakeStore) SetMessageStyle(_ context.Context, id int64, style ledger.MessageStyle) error {
	return s.change(id, func(p *ledger.Person) { p.MessageStyle = style })
}

func (s *fakeStore) SetLowBalance(_ context.Context, id int64, threshold ledger.Fen) error {
	return s.change(id, func(p *ledger.Person) { p.LowBalance = threshold })
}

func (s *fakeStore) Balance(_ context.Context, id int64, _ time.Time) (ledger.Balance, error) {
	b, ok := s.balances[id]
	if !ok {
		return b, ledger.ErrNotFound
	}
	return b, nil
}

func (s *fakeStore) PendingTransfers(_ context.Context, id int64, _ time.Time) ([]ledger.Transfer, error) {
	var out []ledger.Transfer
	for _, t := range s.transfers[id] {
		switch t.State {
		case ledger.TransferPending, ledger.TransferInFlight, ledger.TransferInDoubt:
			out = append([]ledger.Transfer{t}, out...)
		}
	}
	return out, nil
}

func (s *fakeStore) Transfers(_ context.Context, id int64, limit int, _ time.Time) ([]ledger.Transfer, error) {
	return s.transfers[id][:min(limit, len(s.transfers[id]))], nil
}

func (s *fakeStore) Movements(_ context.Context, id int64, limit int) ([]ledger.Movement, error) {
	return s.movements[id][:min(limit, len(s.movements[id]))], nil
}

func (s *fakeStore) Statement(_ context.Context, id int64, month ledger.Month, now time.Time) (ledger.Statement, error) {
	if _, ok := s.balances[id]; !ok {
		return ledger.Statement{}, ledger.ErrNotFound
	}
	from, before := month.Start(noon.Location()), time.Time{}
	if ledger.MonthOf(now.In(noon.Location())) == month {
		before = noon.AddDate(0, -1, 0)
	}
	return ledger.Statement{BeforeTo: before, Movements: s.movements[id], From: from, To: (month + 1).Start(noon.Location()), Claimed: 20000, Claims: 4, Paid: 25000, Returned: s.returned, Granted: s.granted, Spent: 48650, Purchases: 61, Before: 51200,
		Days:      make([]ledger.DaySpent, 22),
		Merchants: []ledger.Share{{Name: "二号餐厅 面点", Spent: 20000, Purchases: 30}}}, s.err
}

func (s *fakeStore) StatementBetween(_ context.Context, id int64, from, to time.Time) (ledger.Statement, error) {
	if _, ok := s.balances[id]; !ok {
		return ledger.Statement{}, ledger.ErrNotFound
	}
	var within []ledger.Movement
	for _, m := range s.movements[id] {
		if !m.At.Before(from) && m.At.Before(to) {
			within = append(within, m)
		}
	}
	return ledger.NewStatement(0, from, to, within), s.err
}

// fakeCodes knows one good code; verdict, when set, is what Check says.
type fakeCodes struct {
	store   *fakeStore
	good    string
	sent    []ledger.Channel
	tried   []string
	sendErr error
	verdict error
}

func (f *fakeCodes) Addresses(p ledger.Person) (list []identity.Address) {
	if p.Email != "" {
		list = append(list, identity.Address{Channel: ledger.Email, Masked: identity.MaskEmail(p.Email)})
	}
	if p.Phone != "" {
		list = append(list, identity.Address{Channel: ledger.Phone, Masked: identity.MaskPhone(p.Phone)})
	}
	return list
}

func (f *fakeCodes) Send(_ context.Context, p ledger.Person, ch ledger.Channel, _ ledger.Purpose) (string, error) {
	if f.sendErr != nil {
		return "", f.sendErr
	}
	f.sent = append(f.sent, ch)
	if ch == ledger.Phone {
		return identity.MaskPhone(p.Phone), nil
	}
	return identity.MaskEmail(p.Email), nil
}

func (f *fakeCodes) Check(_ context.Context, _ int64, purpose ledger.Purpose, code string) error {
	f.tried = append(f.tried, string(purpose)+" "+code)
	switch {
	case f.verdict != nil:
		return f.verdict
	case len(f.sent) == 0:
		return ledger.ErrNoCode
	case code != f.good:
		return &ledger.CodeWrongError{TriesLeft: 4}
	}
	f.sent = nil
	return nil
}

// fakePace remembers every key for ever.
type fakePace struct {
	met   map[string]bool
	notes map[string]string
	wait  time.Duration
	err   error
}

func (f *fakePace) First(_ context.Context, key string, _ time.Duration) (bool, error) {
	if f.met[key] || f.err != nil {
		return false, f.err
	}
	if f.met == nil {
		f.met = map[string]bool{}
	}
	f.met[key] = true
	return true, nil
}

func (f *fakePace) Take(_ context.Context, _ string, _ int, _ time.Duration) (time.Duration, error) {
	return f.wait, f.err
}

func (f *fakePace) Note(_ context.Context, key, word string, _ time.Duration) error {
	if f.notes == nil {
		f.notes = map[string]string{}
	}
	f.notes[key] = word
	return f.err
}

func (f *fakePace) Noted(_ context.Context, key string) (string, error) { return f.notes[key], f.err }
