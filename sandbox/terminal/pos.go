package terminal

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// What a till can refuse.
var (
	ErrBlacklisted = errors.New("terminal: card is reported lost")
	ErrStoreFull   = errors.New("terminal: too many sales wait for upload")
)

// POS is a till. A swipe claims what is pending, if the till is online, and then sells; it sells offline just the same.
// Sales are numbered from 1 without a gap and kept until the server has acknowledged them. It is safe for concurrent
// use, one swipe at a time.
type POS struct {
	client   *Client
	merchant string

	uploading sync.Mutex

	mu      sync.Mutex
	online  bool
	store   Store
	lost    map[string]bool
	version int64
	etag    string
}

// Store is what a till must not forget when its power goes. The zero value is a new till's.
type Store struct {
	LastSeq  int64    `json:"last_seq"`
	Queue    []Record `json:"queue"`    // sales not acknowledged, oldest first
	Confirms []Entry  `json:"confirms"` // loads written and not acknowledged

	// By card number, the sale whose write got no answer, without a Seq yet: the chip tells at the card's next swipe.
	Torn map[string]Record `json:"torn,omitempty"`
}

// mostQueued is what a till stores before it refuses to sell.
const mostQueued = 100_000

// Swipe is what the till's display tells.
type Swipe struct {
	Record      Record
	ClaimedFen  int64 // loaded onto the chip by this swipe
	ClaimErr    error // why nothing was loaded although the till asked; the sale went on without it
	UploadErr   error // why the sale still waits in the queue of an online till
	BalanceLeft int64 // fen
}

// NewPOS makes a till of one merchant with what an earlier one of the same terminal left behind. It starts online.
func NewPOS(c *Client, merchant string, s Store) *POS {
	return &POS{client: c, merchant: merchant, online: true, store: s.clone(), lost: map[string]bool{}}
}

// Store returns a copy of what the till remembers.
func (p *POS) Store() Store {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.store.clone()
}

func (s Store) clone() Store {
	s.Queue, s.Confirms = slices.Clone(s.Queue), slices.Clone(s.Confirms)
	s.Torn = maps.Clone(s.Torn)
	return s
}

// SetOnline plugs the network in or out.
func (p *POS) SetOnline(online bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.online = online
}

// Online reports whether the network is plugged in.
func (p *POS) Online() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.online
}

// Swipe holds a card at the till and sells for amountFen. It returns ErrBlacklisted, ErrStoreFull, ErrInUse,
// ErrInsufficient or ErrAmount without a sale. After ErrTorn the till cannot know; the same card swiped again for the
// same amount finishes that sale, and is charged at most once.
func (p *POS) Swipe(ctx context.Context, c *Chip, amountFen int64) (Swipe, error) {
	if err := c.PutIn(); err != nil {
		return Swipe{}, err
	}
	defer c.PullOut()
	swipe, err := p.sell(ctx, c, amountFen)
	if err != nil {
		return swipe, err
	}
	if p.Online() {
		_, swipe.UploadErr = p.Upload(ctx)
	}
	return swipe, nil
}

func (p *POS) sell(ctx context.Context, c *Chip, amountFen int64) (Swipe, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.lost[c.CardNo()]:
		return Swipe{}, ErrBlacklisted
	case len(p.store.Queue) >= mostQueued:
		return Swipe{}, ErrStoreFull
	}
	if swipe, finished := p.finish(c, amountFen); finished {
		return swipe, nil
	}
	var swipe Swipe
	if p.online {
		swipe.ClaimedFen, swipe.ClaimErr = p.autoClaim(ctx, c)
		switch {
		case Code(swipe.ClaimErr) == "card_lost":
			return swipe, ErrBlacklisted
		case errors.Is(swipe.ClaimErr, ErrTorn), errors.Is(swipe.ClaimErr, ErrNoCard):
			return swipe, swipe.ClaimErr
		}
	}
	before, err := c.Read()
	if err != nil {
		return swipe, err
	}
	now := time.Now
	if p.client.Now != nil {
		now = p.client.Now
	}
	sale := Record{CardNo: c.CardNo(), AmountFen: amountFen, OccurredAt: now().Truncate(time.Second), Merchant: p.merchant}
	sale.Chip, err = c.Spend(amountFen)
	if errors.Is(err, ErrTorn) {
		sale.Chip = before
		sale.Chip.SpendSeq++
		sale.Chip.BalanceFen -= amountFen
		if p.store.Torn == nil {
			p.store.Torn = map[string]Record{}
		}
		p.store.Torn[sale.CardNo] = sale
	}
	if err != nil {
		return swipe, err
	}
	swipe.Record, swipe.BalanceLeft = p.book(sale), sale.Chip.BalanceFen
	return swipe, nil
}

// book numbers a sale and keeps it for upload. It needs p.mu.
func (p *POS) book(sale Record) Record {
	p.store.LastSeq++
	sale.Seq = p.store.LastSeq
	p.store.Queue = append(p.store.Queue, sale)
	return sale
}

// finish lets a card tell whether its torn sale was written, which is booked then. It reports whether that was the sale
// that is asked for now. A chip whose counter went on past it tells nothing: the books list that purchase as missing.
// It needs p.mu.
func (p *POS) finish(c *Chip, amountFen int64) (Swipe, bool) {
	sale, torn := p.store.Torn[c.CardNo()]
	now, err := c.Read()
	if !torn || err != nil {
		return Swipe{}, false
	}
	delete(p.store.Torn, c.CardNo())
	if now.SpendSeq != sale.Chip.SpendSeq {
		return Swipe{}, false
	}
	sale = p.book(sale)
	return Swipe{Record: sale, BalanceLeft: now.BalanceFen}, sale.AmountFen == amountFen
}

// autoClaim loads what is pending. A confirm that gets no answer waits for Upload. It needs p.mu.
func (p *POS) autoClaim(ctx context.Context, c *Chip) (int64, error) {
	before, err := c.Read()
	if err != nil {
		return 0, err
	}
	key, err := p.client.nonce()
	if err != nil {
		return 0, err
	}
	claim, pending, err := p.client.POSClaim(ctx, key, c.CardNo(), before)
	if err != nil || !pending {
		return 0, err
	}
	after, err := c.WriteLoad(claim.AmountFen, claim.Expected)
	if errors.Is(err, ErrOutOfStep) {
		// The chip said no and is still here: the one case in which giving back is allowed.
		_, cancelErr := p.client.POSCancel(ctx, claim.ClaimID, before, "chip refused the load")
		return 0, errors.Join(err, cancelErr)
	}
	if err != nil {
		return 0, err
	}
	p.store.Confirms = append(p.store.Confirms, Entry{Key: key, CardNo: c.CardNo(), Before: before, Phase: PhaseWritten, Claim: claim, After: after})
	return claim.AmountFen, p.confirmAll(ctx)
}

// confirmAll needs p.mu.
func (p *POS) confirmAll(ctx context.Context) error {
	var failed error
	p.store.Confirms = slices.DeleteFunc(p.store.Confirms, func(e Entry) bool {
		_, err := p.client.POSConfirm(ctx, e.Claim.ClaimID, e.After)
		if err != nil {
			failed = err
		}
		return err == nil
	})
	return failed
}

// mostRecords is how many records one upload may carry.
const mostRecords = 1000

// Upload confirms outstanding loads and sends the queue until it is empty or the server stops acknowledging. It returns
// the counts over all batches and the last acked_seq.
func (p *POS) Upload(ctx context.Context) (Receipt, error) {
	p.uploading.Lock()
	defer p.uploading.Unlock()
	p.mu.Lock()
	err := p.confirmAll(ctx)
	p.mu.Unlock()
	if err != nil {
		return Receipt{}, err
	}
	var total Receipt
	for {
		batch := p.oldest(mostRecords)
		if len(batch) == 0 {
			return total, nil
		}
		r, err := p.client.Consumptions(ctx, batch)
		if err != nil {
			return total, err
		}
		total.Accepted += r.Accepted
		total.Duplicates += r.Duplicates
		total.Rejected = append(total.Rejected, r.Rejected...)
		total.AckedSeq = r.AckedSeq
		if r.AckedSeq < batch[0].Seq {
			return total, nil
		}
		p.forget(r.AckedSeq)
	}
}

func (p *POS) oldest(n int) []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.store.Queue[:min(n, len(p.store.Queue))])
}

func (p *POS) forget(ackedSeq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store.Queue = slices.DeleteFunc(p.store.Queue, func(r Record) bool { return r.Seq <= ackedSeq })
}

// RefreshBlacklist fetches what changed on the list of lost cards and returns its version.
func (p *POS) RefreshBlacklist(ctx context.Context) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, err := p.client.POSBlacklist(ctx, p.version, p.etag)
	if err != nil {
		return p.version, err
	}
	if b.NotModified {
		return p.version, nil
	}
	if b.Full {
		clear(p.lost)
	}
	for _, no := range b.Add {
		p.lost[no] = true
	}
	for _, no := range b.Remove {
		delete(p.lost, no)
	}
	p.version, p.etag = b.Version, b.ETag
	return p.version, nil
}
