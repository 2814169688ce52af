package h5

import (
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"xiaoka/ledger"
)

// world is everything around the pages, in memory: the store, WeCom, WeChat
// Pay and identity. Its zero parts are filled by newWorld.
type world struct {
	mu        sync.Mutex
	now       time.Time
	people    map[int64]*ledger.Person
	sessions  map[string]ledger.Session
	states    map[string]stateEntry
	balances  map[int64]ledger.Balance
	transfers map[int64][]ledger.Transfer
	orders    map[string]*ledger.Order
	awaited   map[string]string         // person and purpose → the code
	channels  map[string]ledger.Channel // … and how it was sent
	issued    map[int64]time.Time
	passwords map[int64]string // "" or none = the initial one
	tries     map[int64]int
	locked    map[int64]time.Time

	oauthCodes map[string]string // code → userid, "" = no member
	noOpenID   bool
	payError   error
	sendError  error
	asked      int
	passwordOK int // tries that were right

	refunds   []string // ids of transfers
	refundErr error

	spent    map[int64][]ledger.SpentAfterLoss
	losses   map[int64]ledger.LossReport
	muted    map[ledger.EventKind]bool
	audit    map[int64][]ledger.AuditEntry
	moved    map[int64][]ledger.Movement // on the card, since its opening
	accepted []ledger.LossReport         // told to LossCards
	lossErr  error

	numbers  map[string]string // userid → number given
	asks     []string          // numbers for which a code was asked
	tooOften time.Duration

	log strings.Builder
}

type stateEntry struct {
	value string
	until time.Time
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Four people, one a step: bound, verified, known, and bound with the initial
// password.
const (
	bound    = 1
	verified = 2
	known    = 3
	initial  = 4
)

func newWorld() *world {
	now := time.Date(2025, 11, 22, 12, 8, 0, 0, shanghai)
	early := now.AddDate(0, -2, 0)
	w := &world{
		now: now,
		people: map[int64]*ledger.Person{
			bound: {ID: bound, StudentNo: "20230001", Name: "张小明", Email: "zhangxm@example.edu.cn", Phone: "13800138000", UserID: "20230001",
				VerifiedAt: early, BoundAt: early, CardID: 11, CardNo: "6217000123450001"},
			verified: {ID: verified, StudentNo: "20230002", Name: "李 雷", Email: "lilei@example.edu.cn", UserID: "20230002",
				VerifiedAt: early, CardID: 12, CardNo: "6217000123450002"},
			known: {ID: known, StudentNo: "20230003", Name: "韩梅梅", Email: "hanmm@example.edu.cn", Phone: "13900139000", UserID: "20230003",
				CardID: 13, CardNo: "6217000123450003"},
			initial: {ID: initial, StudentNo: "20230004", Name: "Jim Green", Email: "jim@example.edu.cn", UserID: "20230004",
				VerifiedAt: early, BoundAt: early, CardID: 14, CardNo: "6217000123450004"},
		},
		sessions: map[string]ledger.Session{}, states: map[string]stateEntry{},
		balances: map[int64]ledger.Balance{}, transfers: map[int64][]ledger.Transfer{}, orders: map[string]*ledger.Order{},
		awaited: map[string]string{}, channels: map[string]ledger.Channel{}, issued: map[int64]time.Time{}, passwords: map[int64]string{bound: "258036", verified: "", known: ""},
		tries: map[int64]int{}, locked: map[int64]time.Time{},
		losses: map[int64]ledger.LossReport{}, muted: map[ledger.EventKind]bool{}, audit: map[int64][]ledger.AuditEntry{}, moved: map[int64][]ledger.Movement{}, numbers: map[string]string{},
		oauthCodes: map[string]string{"good": "20230001", "outsider": "", "linked": "wwother/20230001", "stranger": "visitor7"},
	}
	for id, p := range w.people {
		w.balances[id] = ledger.Balance{CardNo: p.CardNo, Status: ledger.CardNormal, Books: 9400, AsOf: now, PasswordInitial: w.passwords[id] == ""}
	}
	return w
}

func (w *world) config() Config {
	return Config{
		PublicURL: "https://card.example.edu.cn", OAuthURL: "https://open.weixin.qq.com", CorpID: "wwcorp", AgentID: 1000002,
		Amounts: []ledger.Fen{1000, 2000, 5000, 10000, 20000}, Min: 100, Max: 50000, MaxBalance: 100000, Expire: 15 * time.Minute,
		RequireOwnPassword: true, Location: shanghai,
		Store: w, States: w, Members: w, Codes: fakeCodes{w}, Passwords: fakePasswords{w}, Payments: w,
		Newcomers: fakeNewcomers{w}, LossCards: w,
		Now: func() time.Time { return w.now }, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(&lockedWriter{w: w}, nil)),
	}
}

type lockedWriter struct{ w *world }

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(b)
}
