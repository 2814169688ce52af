package kiosk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/ledger"
)

// pins is query passwords: person 1 has 482913, person 2 the initial one.
type pins struct {
	mu     sync.Mutex
	asked  []int64
	wrong  int
	locked time.Time
}

func (p *pins) Verify(_ context.Context, personID int64, pin string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, personID)
	switch {
	case !p.locked.IsZero():
		return false, &ledger.PasswordLockedError{Until: p.locked}
	case personID == 1 && pin == "482913":
		return false, nil
	case personID == 2 && pin == "123456":
		return true, nil
	}
	p.wrong++
	return false, &ledger.PasswordWrongError{TriesLeft: ledger.PasswordTries - p.wrong}
}

// books is a store in memory: terminals and nonces as the real one keeps them,
// and of claims what one card needs.
type books struct {
	mu        sync.Mutex
	terminals map[string]ledger.Terminal
	nonces    map[string]bool
	holders   map[string]ledger.Holder
	transfers []ledger.Transfer
	claims    map[string]*ledger.Claim
	byKey     map[string]ledger.ClaimRequest
	asked     []ledger.ClaimRequest
	between   [2]time.Time
	reason    string
	sold      map[int64]ledger.Consumption
	batches   [][]ledger.Consumption
	listed    []string // cards lost, one a version
	fetched   []fetch
	audit     []ledger.AuditEntry
	failures  int
	refuse    error // of Authorise
	fail      error // of everything
}

// fetch is one question for the blacklist.
type fetch struct {
	terminal string
	since    int64
}

func newBooks(t testing.TB) *books {
	b := &books{sold: map[int64]ledger.Consumption{}, terminals: map[string]ledger.Terminal{}, nonces: map[string]bool{}, claims: map[string]*ledger.Claim{}, byKey: map[string]ledger.ClaimRequest{}}
	for id, kind := range map[string]ledger.TerminalKind{"K01": ledger.Kiosk, "K02": ledger.Kiosk, "P01": ledger.POS, "GONE": ledger.Kiosk} {
		sealed, err := kiosk.Seal(sealKey, id, secretOf(id))
		if err != nil {
			t.Fatal(err)
		}
		term := ledger.Terminal{ID: id, Kind: kind, SealedSecret: sealed}
		if id == "GONE" {
			term.DisabledAt = noon.Add(-time.Hour)
		}
		b.terminals[id] = term
	}
	holder := func(id int64, cardNo, name, no string, status ledger.CardStatus) ledger.Holder {
		return ledger.Holder{Person: ledger.Person{ID: id, Name: name, StudentNo: no}, CardID: id * 10, CardNo: cardNo, Status: status}
	}
	b.holders = map[string]ledger.Holder{
		"61000001": holder(1, "61000001", "张小明", "2023000001", ledger.CardNormal),
		"61000002": holder(2, "61000002", "Li Na", "2023000002", ledger.CardNormal),
		"61000003": holder(1, "61000003", "张小明", "2023000001", ledger.CardLost),
	}
	b.transfers = []ledger.Transfer{
		{ID: "T0", PersonID: 1, Title: "微信充值", Amount: 1000, State: ledger.TransferClaimed, CreatedAt: noon.Add(-27 * time.Hour), ClaimedAt: noon.Add(-24 * time.Hour), TerminalID: "K02"},
		{ID: "T1", PersonID: 1, Title: "微信充值", Amount: 5000, State: ledger.TransferPending, CreatedAt: noon.Add(-2 * time.Minute)},
		{ID: "T2", PersonID: 1, Title: "微信充值", Amount: 2000, State: ledger.TransferPending, CreatedAt: noon.Add(-time.Minute)},
		{ID: "T3", PersonID: 1, Title: "补助", Amount: 300, State: ledger.TransferInDoubt, CreatedAt: noon.Add(-time.Second), TerminalID: "K02"},
	}
	return b
}

func (b *books) Terminal(_ context.Context, id string) (ledger.Terminal, error) {
	if b.fail != nil {
		return ledger.Terminal{}, b.fail
	}
	t, ok := b.terminals[id]
	if !ok {
		return t, ledger.ErrNotFound
	}
	return t, nil
}

func (b *books) PINFailed(_ context.Context, id string, now time.Time) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.terminals[id]
	if now.Before(t.SuspendedUntil) {
		return time.Time{}, &ledger.SuspendedError{Until: t.SuspendedUntil}
	}
	if b.failures++; b.failures < ledger.SuspendAfter {
		return time.Time{}, nil
	}
	t.SuspendedUntil = now.Add(ledger.Suspension)
	b.terminals[id] = t
	return t.SuspendedUntil, nil
}

func (b *books) UseNonce(_ context.Context, terminalID, nonce string, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nonces[terminalID+" "+nonce] {
		return ledger.ErrNonceTaken
	}
	b.nonces[terminalID+" "+nonce] = true
	return nil
}

func (b *books) Holder(_ context.Context, cardNo string) (ledger.Holder, error) {
	h, ok := b.holders[cardNo]
	if !ok {
		return h, ledger.ErrCardNotFound
	}
	return h, nil
}

func (b *books) PendingTransfers(_ context.Context, personID int64, _ time.Time) (open []ledger.Transfer, _ error) {
	for _, t := range b.transfers {
		if t.PersonID == personID && t.State != ledger.TransferClaimed {
			open = append(open, t)
		}
	}
	return open, nil
}

func (b *books) TransfersBetween(_ context.Context, personID int64, from, to, _ time.Time) (found []ledger.Transfer, _ error) {
	b.between = [2]time.Time{from, to}
	for _, t := range b.transfers {
		if t.PersonID == personID && !t.CreatedAt.Before(from) && t.CreatedAt.Before(to) {
			found = append(found, t)
		}
	}
	return found, nil
}

func (b *books) Authorise(_ context.Context, r ledger.ClaimRequest) (ledger.Claim, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r)
	if b.refuse != nil {
		return ledger.Claim{}, b.refuse
	}
	name := r.TerminalID + " " + r.IdempotencyKey
	if first, ok := b.byKey[name]; ok {
		if !bytes.Equal(first.BodyHash, r.BodyHash) {
			return ledger.Claim{}, ledger.ErrIdempotencyReused
		}
		return *b.claims[name], nil
	}
	h, ok := b.holders[r.CardNo]
	switch {
	case !ok:
		return ledger.Claim{}, ledger.ErrCardNotFound
	case h.Status == ledger.CardLost:
		return ledger.Claim{}, ledger.ErrCardLost
	}
	var pending []ledger.Transfer
	for _, t := range b.transfers {
		if t.PersonID == h.Person.ID && t.State == ledger.TransferPending {
			pending = append(pending, t)
		}
	}
	if len(pending) == 0 {
		return ledger.Claim{}, ledger.ErrNothingPending
	}
	taken, sum := ledger.Select(pending, r.MaxBalance-r.Chip.Balance)
	if len(taken) == 0 {
		return ledger.Claim{}, ledger.ErrPurseFull
	}
	c := &ledger.Claim{ID: fmt.Sprintf("C%d", len(b.claims)+1), TerminalID: r.TerminalID, Amount: sum, Before: r.Chip,
		State: ledger.ClaimOpen, CreatedAt: r.Now, ExpiresAt: r.Now.Add(r.Expire), Transfers: taken}
	b.claims[name], b.byKey[name] = c, r
	return *c, nil
}

func (b *books) end(terminalID, claimID string, chip ledger.Chip, unwritten error, otherwise ledger.ClaimState) (ledger.Claim, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.claims {
		if c.ID != claimID || c.TerminalID != terminalID {
			continue
		}
		if c.State == ledger.ClaimOpen {
			switch c.Judge(chip) {
			case ledger.Written:
				c.State = ledger.ClaimClaimed
			case ledger.Unwritten:
				if unwritten != nil {
					return ledger.Claim{}, unwritten
				}
				c.State = otherwise
			default:
				return ledger.Claim{}, ledger.ErrChipOutOfStep
			}
		}
		return *c, nil
	}
	return ledger.Claim{}, ledger.ErrClaimNotFound
}

func (b *books) ConfirmClaim(_ context.Context, terminalID, claimID string, chip ledger.Chip, _ time.Time) (ledger.Claim, error) {
	return b.end(terminalID, claimID, chip, ledger.ErrChipOutOfStep, "")
}

func (b *books) CancelClaim(_ context.Context, terminalID, claimID string, chip ledger.Chip, reason string, _ time.Time) (ledger.Claim, error) {
	b.reason = reason
	return b.end(terminalID, claimID, chip, nil, ledger.ClaimReleased)
}

// IngestConsumptions tells duplicates and conflicts of one till apart by seq;
// nothing else of the books is played.
func (b *books) IngestConsumptions(_ context.Context, _ string, records []ledger.Consumption, _ time.Time) (done ledger.Ingested, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(records) > ledger.MaxBatch {
		return done, ledger.ErrBatchTooLarge
	}
	b.batches = append(b.batches, records)
	for _, r := range records {
		old, known := b.sold[r.Seq]
		known = known && r.Seq > 0
		switch _, held := b.holders[r.CardNo]; {
		case known && old == r:
			done.Duplicates++
			continue
		case known:
			r.Fault = ledger.RejectConflict
		case r.Fault == "" && !held:
			r.Fault = ledger.RejectCardNotFound
		}
		if r.Fault != "" {
			done.Rejected = append(done.Rejected, ledger.Rejection{Seq: r.Seq, Code: r.Fault})
		} else {
			done.Accepted++
		}
		b.sold[r.Seq] = r
		done.AckedSeq = max(done.AckedSeq, r.Seq)
	}
	return done, nil
}

func (b *books) Blacklist(_ context.Context, terminalID string, since int64, _ time.Time) (ledger.Blacklist, error) {
	b.fetched = append(b.fetched, fetch{terminalID, since})
	version := int64(len(b.listed))
	sum := sha256.Sum256([]byte(strings.Join(b.listed, "\n")))
	list := ledger.Blacklist{Version: version, Checksum: hex.EncodeToString(sum[:]), Full: since == 0 || since > version}
	if list.Full {
		since = 0
	}
	list.Add = b.listed[since:]
	return list, nil
}

func (b *books) Audit(_ context.Context, e ledger.AuditEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.audit = append(b.audit, e)
	return nil
}
