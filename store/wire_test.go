package store_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

var wireEvery = flag.Int("wire.every", 4, "cut at every n-th message boundary; 1 = at all")

// wire stands between the store and PostgreSQL. It counts the messages that
// the store sends and cuts the line at one of them: before PostgreSQL gets it,
// or after, so that its answer is lost.
type wire struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	sent  int // since it was armed
	cutAt int // 0 = never
	after bool
}

func newWire(t *testing.T, database string) (w *wire, through string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	w = &wire{server: u.Host}
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.listener.Close() })
	go func() {
		for {
			c, err := w.listener.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
	u.Host = w.listener.Addr().String()
	return w, u.String()
}

func (w *wire) arm(cutAt int, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent, w.cutAt, w.after = 0, cutAt, after
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

// next counts a message and says what becomes of it.
func (w *wire) next() (cut, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent++
	return w.sent == w.cutAt, w.after
}

// carry forwards one connection, message by message.
func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	var answers sync.WaitGroup
	var lose sync.Once
	lost := make(chan struct{})
	answers.Go(func() {
		defer client.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := server.Read(b)
			select {
			case <-lost: // read, and never delivered
			default:
				if _, bad := client.Write(b[:n]); bad != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	defer answers.Wait()
	defer server.Close()
	head := 4 // the first message has no type
	for {
		message := make([]byte, head)
		if _, err := io.ReadFull(client, message); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(message[head-4:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		cut, after := w.next()
		if cut && !after {
			return
		}
		if cut {
			lose.Do(func() { close(lost) })
		}
		if _, err := server.Write(append(message, body...)); err != nil {
			return
		}
		if cut {
			time.Sleep(10 * time.Millisecond) // PostgreSQL acts on it
			return
		}
		head = 5
	}
}

// wired is one act on money: what must be there before, the act, and what the
// holder then has. again are errors that a repeat may meet, for then the first
// one went through.
type wired struct {
	name                     string
	before                   func(t *testing.T, s *store.Store, p ledger.Person, no string) any
	act                      func(s *store.Store, p ledger.Person, no string, made any) error
	again                    error
	books, pending, inFlight ledger.Fen
}

var wireChip = ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: 1250}

func wirePaid(t *testing.T, s *store.Store, p ledger.Person, no string) any {
	topUp(t, s, p, no, 5000)
	list, err := s.PendingTransfers(context.Background(), p.ID, noon)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].ID
}

func wireClaim(t *testing.T, s *store.Store, p ledger.Person, no string) any {
	topUp(t, s, p, no, 5000)
	c, err := s.Authorise(context.Background(), request(p, no, wireChip))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wireRefund(t *testing.T, s *store.Store, p ledger.Person, no string) any {
	r, err := s.BeginRefund(context.Background(), p.ID, wirePaid(t, s, p, no).(string), noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wireSold(t *testing.T, s *store.Store, p ledger.Person, _ string) any {
	till(t, s, "T"+p.StudentNo)
	if _, err := s.IngestConsumptions(context.Background(), "T"+p.StudentNo, []ledger.Consumption{sold(p, 1, 650, 7, 41, 600)}, noon); err != nil {
		t.Fatal(err)
	}
	return nil
}

var wiredActs = []wired{
	{"settle a payment", func(t *testing.T, s *store.Store, p ledger.Person, no string) any {
		order(t, s, p, no, 5000)
		return nil
	},
		func(s *store.Store, _ ledger.Person, no string, _ any) error {
			_, err := s.SettleTopUp(context.Background(), payment(no, 5000), noon)
			return err
		}, nil, 1250, 5000, 0},
	{"authorise", wirePaid, func(s *store.Store, p ledger.Person, no string, _ any) error {
		_, err := s.Authorise(context.Background(), request(p, no, wireChip))
		return err
	}, nil, 1250, 0, 5000},
	{"confirm", wireClaim, func(s *store.Store, _ ledger.Person, _ string, made any) error {
		c := made.(ledger.Claim)
		_, err := s.ConfirmClaim(context.Background(), "K01", c.ID, c.Expected(), noon)
		return err
	}, nil, 6250, 0, 0},
	{"cancel", wireClaim, func(s *store.Store, _ ledger.Person, _ string, made any) error {
		_, err := s.CancelClaim(context.Background(), "K01", made.(ledger.Claim).ID, wireChip, "no", noon)
		return err
	}, nil, 1250, 5000, 0},
	{"see a written chip elsewhere", wireClaim, func(s *store.Store, p ledger.Person, no string, made any) error {
		r := request(p, no+"b", made.(ledger.Claim).Expected())
		r.TerminalID = "K02"
		_, err := s.Authorise(context.Background(), r)
		if errors.Is(err, ledger.ErrNothingPending) {
			err = nil
		}
		return err
	}, nil, 6250, 0, 0},
	{"see an unwritten chip later", wireClaim, func(s *store.Store, p ledger.Person, no string, _ any) error {
		r := request(p, no+"b", wireChip)
		r.TerminalID, r.Now = "K02", noon.Add(time.Hour)
		_, err := s.Authorise(context.Background(), r)
		return err
	}, nil, 1250, 0, 5000},
	{"take purchases", func(t *testing.T, s *store.Store, p ledger.Person, _ string) any {
		till(t, s, "T"+p.StudentNo)
		return nil
	},
		func(s *store.Store, p ledger.Person, _ string, _ any) error {
			got, err := s.IngestConsumptions(context.Background(), "T"+p.StudentNo, []ledger.Consumption{sold(p, 1, 650, 7, 41, 600)}, noon)
			if err == nil && got.Accepted+got.Duplicates != 1 {
				err = fmt.Errorf("%+v", got)
			}
			return err
		}, nil, 600, 0, 0},
	{"begin a refund", wirePaid, func(s *store.Store, p ledger.Person, _ string, made any) error {
		_, err := s.BeginRefund(context.Background(), p.ID, made.(string), noon)
		return err
	}, ledger.ErrRefundRefused, 1250, 0, 0},
	{"finish a refund", wireRefund, func(s *store.Store, _ ledger.Person, _ string, made any) error {
		_, err := s.SettleRefund(context.Background(), word(made.(ledger.Refund), "SUCCESS"), noon)
		return err
	}, nil, 1250, 0, 0},
	{"drop a refund", wireRefund, func(s *store.Store, _ ledger.Person, _ string, made any) error {
		_, err := s.SettleRefund(context.Background(), word(made.(ledger.Refund), "CLOSED"), noon)
		return err
	}, nil, 1250, 5000, 0},
	{"report a loss", wirePaid, func(s *store.Store, p ledger.Person, _ string, _ any) error {
		_, err := s.ReportLoss(context.Background(), p.ID, noon)
		return err
	}, nil, 1250, 5000, 0},
	{"grant a subsidy", func(*testing.T, *store.Store, ledger.Person, string) any { return nil }, func(s *store.Store, p ledger.Person, _ string, _ any) error {
		_, err := s.GrantSubsidy(context.Background(), ledger.Subsidy{Batch: "b", StudentNo: p.StudentNo, Title: "补助", Amount: 300}, noon, false)
		return err
	}, nil, 1250, 300, 0},
	{"correct a purchase", wireSold, func(s *store.Store, p ledger.Person, _ string, _ any) error {
		_, err := s.CorrectPurchase(context.Background(), ledger.Correction{TerminalID: "T" + p.StudentNo, Seq: 1}, noon)
		return err
	}, ledger.ErrCorrected, 600, 650, 0},
}

// TestStore_WireCut cuts the line to PostgreSQL inside each act on money and
// has the act repeated: it happened once, whatever was cut. A message that is
// cut after it was sent may be the commit.
func TestStore_WireCut(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL; -short runs without")
	}
	t.Parallel()
	database := storetest.PostgresURL(t)
	s, err := store.Open(context.Background(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w, through := newWire(t, database)
	n, cuts := 0, 0
	// play runs an act with the line cut at one message, and again without.
	play := func(t *testing.T, a wired, cutAt int, after bool) (messages int) {
		t.Helper()
		n++
		p := campus(t, s, 500+n)
		no := fmt.Sprintf("XKW%d", n)
		made := a.before(t, s, p, no)
		victim, err := store.Open(context.Background(), through, store.Options{MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer victim.Close()
		if err := victim.Ping(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.arm(cutAt, after)
		failed := a.act(victim, p, no, made)
		messages = w.count()
		w.arm(0, false)
		for try := 0; failed != nil; try++ {
			if failed = a.act(victim, p, no, made); errors.Is(failed, a.again) && a.again != nil {
				failed = nil
			}
			if try > 3 {
				t.Fatalf("cut at %d, after %v: repeated in vain: %v", cutAt, after, failed)
			}
		}
		balance(t, s, p, a.books, a.pending, a.inFlight)
		return messages
	}
	every := *wireEvery
	if underRace {
		every *= 5
	}
	for i, a := range wiredActs {
		t.Run(a.name, func(t *testing.T) {
			messages := play(t, a, 0, false)
			if messages == 0 {
				t.Fatal("the act sent nothing")
			}
			for cutAt := 1 + i%every; cutAt <= messages; cutAt += every {
				play(t, a, cutAt, false)
				play(t, a, cutAt, true)
				cuts += 2
			}
			play(t, a, messages, true) // the commit's answer is lost
		})
	}
	proven(t, s)
	t.Logf("%d cuts in %d acts", cuts, len(wiredActs))
}
