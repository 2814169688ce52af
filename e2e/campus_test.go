package e2e

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/terminal"
	"xiaoka/store/storetest"
)

var (
	campusSeeds = flag.Int("campus.seeds", 1, "how many random campuses are played against the built product")
	campusSteps = flag.Int("campus.steps", 40, "what each holder does in one")
	campusSeed  = flag.Uint64("campus.seed", 0, "play this one seed only")
)

// TestCampus plays holders at machines, tills and phones at random while the
// product is killed again and again. Whoever gets no answer asks again under
// the same key. In the end each chip, each payment and each refund says what
// the books must hold, to the fen.
func TestCampus(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries; -short does not build them")
	}
	t.Parallel()
	play := func(t *testing.T, replicas int, databases func(t *testing.T) (database, redis string)) {
		for i := range *campusSeeds {
			seed := uint64(i + 1)
			if *campusSeed != 0 {
				seed = *campusSeed
			}
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("again, though the kills fall elsewhere: scripts/with-services go test ./e2e -run TestCampus -campus.seed=%d -campus.steps=%d", seed, *campusSteps)
					}
				})
				database, redis := databases(t)
				h := newHouse(t, database, redis, replicas, func(h *house) {
					h.people = 6
					h.env = []string{"XIAOKA_CLAIM_EXPIRE=2s", "XIAOKA_TOPUP_MAX=1000"}
				})
				newStorm(t, h, seed).blow()
			})
			if *campusSeed != 0 {
				break
			}
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		play(t, 1, func(*testing.T) (string, string) { return "", "" })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		play(t, 2, func(t *testing.T) (string, string) { return storetest.PostgresURL(t), redisURL(t) })
	})
}

// storm is one campus while the product dies and comes back.
type storm struct {
	*house
	rng     *rand.Rand
	players []*player
	tills   []*stormTill
}

// stormTill keeps what it sold, as a till's own store does.
type stormTill struct {
	id   string
	mu   sync.Mutex
	sold []terminal.Record
	sent map[int64]bool
}

// player is a holder; each acts on one's own, one thing after the other.
type player struct {
	*holder
	*storm
	rng     *rand.Rand
	token   string           // of one's forms
	paid    map[string]int64 // at WeChat Pay, by order
	loaded  int64            // onto the chip
	spent   int64
	journal []visit // writes whose confirm has not been answered
	lost    bool
	n       int

	replaced     bool  // has another card; loaded and spent are of this one
	moved        int64 // held by the old one in the end
	loadedBefore int64 // onto the old one
}

// visit is a write that a terminal has still to tell of.
type visit struct {
	at, claimID string
	after       terminal.ChipState
}

func newStorm(t *testing.T, h *house, seed uint64) *storm {
	s := &storm{house: h, rng: rand.New(rand.NewPCG(seed, 11))}
	for _, id := range []string{"P01", "P02"} {
		s.tills = append(s.tills, &stormTill{id: id, sent: map[int64]bool{}})
	}
	for i := range 6 {
		m := h.newMember(i)
		if m.Quirk != "" {
			continue
		}
		m.verify()
		m.bind()
		p := &player{holder: &holder{member: m, chip: h.campus.Chip(m.Person)}, storm: s, rng: rand.New(rand.NewPCG(seed, uint64(i))), paid: map[string]int64{}}
		p.token = csrfField.FindStringSubmatch(m.open("/h5/topup"))[1]
		s.players = append(s.players, p)
	}
	return s
}

// blow lets everybody act, kills replicas meanwhile, and compares in the end.
func (s *storm) blow() {
	t := s.house.t
	t.Helper()
	var all sync.WaitGroup
	failures := make(chan error, len(s.players))
	for i, p := range s.players {
		all.Go(func() {
			for step := range *campusSteps {
				err := p.act()
				if err == nil && i == 0 && step == *campusSteps*3/4 {
					err = p.lose()
				}
				if err == nil && i == 1 && step >= *campusSteps/2 && !p.replaced {
					err = p.replace()
				}
				if err != nil {
					failures <- fmt.Errorf("%s: %w", p.StudentNo, err)
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	kills := 0
	for over := false; !over; {
		select {
		case <-done:
			over = true
		case <-time.After(time.Duration(200+s.rng.IntN(1500)) * time.Millisecond):
			s.mu.Lock()
			victims := slices.Clone(s.replicas)
			s.mu.Unlock()
			if len(victims) > 1 && s.rng.IntN(2) == 0 {
				victims = victims[:1]
			}
			for _, r := range victims {
				s.kill(r)
				kills++
			}
			for range victims {
				s.start()
			}
		}
	}
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	if t.Failed() {
		return
	}
	s.calm()
	t.Logf("%d kills", kills)
}

// calm ends every doubt and compares the books with what is real.
func (s *storm) calm() {
	t := s.house.t
	t.Helper()
	back := map[string]int64{}
	for _, p := range s.players {
		for no := range p.paid {
			if p.status(no) != "created" {
				continue
			}
			if err := s.campus.Pay.ResendNotification(no); err != nil {
				t.Fatal(err)
			}
			s.await("the payment "+no+" is settled", func() bool { return p.status(no) != "created" })
		}
	}
	for _, p := range s.players {
		if err := errors.Join(p.replay(), p.upload(s.tills[0], false), p.upload(s.tills[1], false)); err != nil {
			t.Fatal(err)
		}
	}
	s.moveRest()
	for _, p := range s.players {
		s.await("the card's doubts are settled", func() bool {
			c, err := p.ask("K01", fmt.Sprintf("calm-%d-", time.Now().UnixNano()))
			if err == nil {
				err = p.confirm(visit{"K01", c.ClaimID, p.load(c)})
			}
			code := terminal.Code(err)
			return code == "nothing_pending" || code == "purse_full" || p.lost && code == "card_lost"
		})
	}
	for _, r := range s.campus.Pay.Refunds() {
		back[r.OutTradeNo] += r.RefundFen
	}
	for _, p := range s.players {
		p.compare(back)
	}
	s.proven()
}

// compare holds the books of a holder against chip, payments and refunds.
func (p *player) compare(back map[string]int64) {
	t := p.house.t
	t.Helper()
	all, err := p.all()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	var amounts []int64
	for _, tr := range all {
		sums[tr.State] += tr.AmountFen
		amounts = append(amounts, tr.AmountFen)
	}
	paid := slices.Collect(maps.Values(p.paid))
	if p.moved > 0 {
		paid = append(paid, p.moved)
	}
	slices.Sort(paid)
	slices.Sort(amounts)
	if !slices.Equal(amounts, paid) {
		t.Errorf("%s: the transfers are of %v, paid were %v", p.StudentNo, amounts, paid)
	}
	returned := int64(0)
	for no, fen := range p.paid {
		if returned += back[no]; back[no] > fen {
			t.Errorf("%s: %d of %d fen of %s went back", p.StudentNo, back[no], fen, no)
		}
	}
	if onWay := sums["refunding"] + sums["refunded"]; returned > onWay || returned < sums["refunded"] {
		t.Errorf("%s: %d fen went back, the books say %d, %d on the way", p.StudentNo, returned, sums["refunded"], sums["refunding"])
	}
	chip := p.chip.Peek().BalanceFen
	books, pending, inFlight := p.member.balance()
	if want := p.OpeningFen + p.loaded - p.spent; chip != want || books != want || inFlight != 0 || pending != sums["pending"] || sums["claimed"] != p.loadedBefore+p.loaded {
		t.Errorf("%s: chip %d, books %d, want %d; in flight %d; pending %d of %d; claimed %d, loaded %d", p.StudentNo,
			chip, books, want, inFlight, pending, sums["pending"], sums["claimed"], p.loadedBefore+p.loaded)
	}
}

// all are the player's transfers of this month.
func (p *player) all() ([]terminal.Transfer, error) {
	month := time.Now().In(time.FixedZone("CST", 8*60*60)).Format("2006-01")
	return p.terminal("K01").TransfersQuery(p.context(), p.CardNo, ownPassword, month)
}
