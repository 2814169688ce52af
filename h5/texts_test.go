package h5

import (
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"xiaoka/ledger"
)

var (
	// A text is named in full wherever it is used.
	used    = regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)+)"`)
	notText = regexp.MustCompile(`\.(css|js|svg|html|xml)$`)
	failing = regexp.MustCompile(`Code: "([a-z_]+)"`)
	verbs   = regexp.MustCompile(`%[a-z]`)
)

// Every text is there in both languages, every text that is used exists, and
// none is there in vain.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{"error.internal": true, "error.internal.do": true}
	scan := func(source string) {
		for _, m := range used.FindAllStringSubmatch(source, -1) {
			if !notText.MatchString(m[1]) {
				needed[m[1]] = true
			}
		}
		for _, m := range failing.FindAllStringSubmatch(source, -1) {
			needed["error."+m[1]], needed["error."+m[1]+".do"] = true, true
		}
	}
	sources, _ := filepath.Glob("*.go")
	for _, file := range sources {
		if strings.HasPrefix(file, "texts") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		scan(string(source))
	}
	fs.WalkDir(files, "templates", func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			source, _ := files.ReadFile(file)
			scan(string(source))
		}
		return err
	})
	for code := range payStatus {
		needed["error."+code] = true
	}
	// Answers that only scripts get need no page.
	for _, code := range []string{"no_openid"} {
		delete(needed, "error."+code+".do")
	}
	for code := range nextStep {
		needed["error."+code] = true
	}
	if len(needed) < 100 {
		t.Fatalf("the scan found only %d texts", len(needed))
	}
	if n := len(generalTexts) + len(identityTexts) + len(moneyTexts); n != len(catalogue) {
		t.Errorf("%d texts of the subjects make %d: a key is in two", n, len(catalogue))
	}
	for key := range needed {
		if _, ok := catalogue[key]; !ok {
			t.Errorf("%q is used and not in the catalogue", key)
		}
	}
	for key, said := range catalogue {
		if !needed[key] {
			t.Errorf("%q is not used", key)
		}
		if said.zh == "" || said.en == "" {
			t.Errorf("%q lacks a language", key)
		}
		zh, en := verbs.FindAllString(said.zh, -1), verbs.FindAllString(said.en, -1)
		if strings.Join(zh, "") != strings.Join(en, "") {
			t.Errorf("%q takes %v in Chinese and %v in English", key, zh, en)
		}
		if strings.ContainsAny(said.zh+said.en, "!！") || strings.Contains(said.zh, "到账") {
			t.Errorf("%q shouts, or promises what has not arrived", key)
		}
		if strings.ContainsFunc(strings.ReplaceAll(said.en, "领取转账金额", ""), func(r rune) bool { return unicode.Is(unicode.Han, r) }) && key != "verify.unknown_do" {
			t.Errorf("%q has Chinese in its English", key)
		}
	}
}

// markup is a name that would do harm on a page or in an export.
const markup = `<script>alert(1)</script>"><b title="`

// manyMerchants is a month of five hundred purchases, each somewhere else.
func manyMerchants(w *world) {
	lateMonth(w, 500, "")
	for i := range w.moved[bound] {
		w.moved[bound][i].Where = strings.Repeat(`"`, 60) + strconv.Itoa(i)
	}
}

// waits gives the bound person a top-up to collect.
func waits(w *world) {
	w.transfers[bound] = []ledger.Transfer{{ID: "T1", Kind: "topup", Title: "微信充值", State: ledger.TransferPending, CreatedAt: w.now, Amount: 5000}}
}

// everyPage opens each page in its states and both languages.
func everyPage(t *testing.T, check func(name, page string)) {
	t.Helper()
	for _, lang := range []ledger.Lang{ledger.Chinese, ledger.English} {
		one := func(name string, id int64, path string, form url.Values, given ...func(*world)) {
			w := newWorld()
			if p := w.people[id]; p != nil {
				p.Lang = lang
			}
			for _, f := range given {
				f(w)
			}
			p := open(t, w)
			p.lang = string(lang)
			token := p.as(w, id)
			var answer *http.Response
			if form == nil {
				answer = p.get(path)
			} else {
				form.Set("csrf_token", token)
				answer = p.post(path, form)
			}
			if answer.StatusCode == http.StatusSeeOther {
				t.Fatalf("%s leads to %s", name, answer.Header.Get("Location"))
			}
			check(name+" "+string(lang), body(t, answer))
		}
		order := func(state ledger.OrderState, transfer ledger.TransferState) func(*world) {
			return func(w *world) {
				ordered(w, func(o *ledger.Order) { o.State, o.TransferID = state, "T1" })
				w.transfers[bound] = []ledger.Transfer{{ID: "T1", Title: "微信充值", State: transfer, CreatedAt: w.now, Amount: 5000}}
			}
		}
		one("home", bound, "/h5/", nil)
		one("home missing", bound, "/h5/", nil, func(w *world) {
			w.balances[bound] = ledger.Balance{Missing: 3, InFlight: 1, Status: ledger.CardFrozen, PasswordInitial: true}
		})
		one("verify", known, "/h5/verify", nil)
		one("verify sent", known, "/h5/verify?sent=email", nil, func(w *world) { w.awaited[codeKey(known, ledger.PurposeVerify)] = "482913" })
		one("verify wrong", known, "/h5/verify", url.Values{"code": {"1"}})
		one("verify stranger", 99, "/h5/verify", nil)
		one("bind", verified, "/h5/bind?done=verified", nil)
		one("bind wrong", verified, "/h5/bind", bindForm("", "a", "b", "c"))
		one("password", bound, "/h5/password", nil)
		one("password initial", initial, "/h5/password?done=bound", nil)
		one("password by code", bound, "/h5/password?with=code", nil)
		one("password locked", bound, "/h5/password", nil, func(w *world) { w.locked[bound] = w.now.AddDate(0, 0, 1) })
		one("topup", bound, "/h5/topup", nil)
		one("topup wrong", bound, "/h5/topup", url.Values{"amount_fen": {`"><script>alert(1)</script>`}})
		for _, state := range []ledger.OrderState{ledger.OrderCreated, ledger.OrderPaid, ledger.OrderClosed, ledger.OrderRefunded} {
			one("order "+string(state), bound, "/h5/topup/orders/"+no, nil, order(state, ledger.TransferPending))
		}
		for _, state := range []ledger.TransferState{ledger.TransferInFlight, ledger.TransferInDoubt, ledger.TransferClaimed, ledger.TransferRefunding, ledger.TransferRefunded} {
			one("order with transfer "+string(state), bound, "/h5/topup/orders/"+no, nil, order(ledger.OrderPaid, state))
			one("transfers "+string(state), bound, "/h5/transfers", nil, order(ledger.OrderPaid, state))
		}
		one("transfers pending", bound, "/h5/transfers", nil, waits)
		one("refund", bound, "/h5/transfers/T1/refund", nil, waits)
		one("refund refused", bound, "/h5/transfers/T1/refund", url.Values{}, waits, func(w *world) { w.refundErr = ledger.ErrRefundRefused })
		for _, state := range []ledger.TransferState{ledger.TransferInFlight, ledger.TransferInDoubt, ledger.TransferClaimed} {
			one("refund "+string(state), bound, "/h5/transfers/T1/refund", nil, waits, func(w *world) { w.transfers[bound][0].State = state })
		}
		one("transactions", bound, "/h5/transactions", nil, lived)
		one("transactions page", bound, "/h5/transactions?page=2", nil, lived)
		one("transactions filtered", bound, "/h5/transactions?kind=claim", nil, lived)
		one("transactions nothing like it", bound, "/h5/transactions?merchant=none", nil, lived)
		one("transactions beyond", bound, "/h5/transactions?page=9", nil, lived)
		one("transactions of many merchants", bound, "/h5/transactions", nil, manyMerchants)
		one("statement of many merchants", bound, "/h5/statement", nil, manyMerchants)
		one("transactions none", bound, "/h5/transactions?month=2024-01", nil)
		one("transactions to come", bound, "/h5/transactions", nil, lived, func(w *world) {
			w.balances[bound] = ledger.Balance{Missing: 3, InFlight: 1, Pending: 5, Old: 8000, OldDue: w.now, Short: 500}
			w.moved[bound] = append(w.moved[bound], ledger.Movement{Kind: ledger.MovementCorrection, Amount: -5, At: w.now},
				ledger.Movement{Kind: ledger.MovementMoved, Amount: 5, At: w.now},
				ledger.Movement{Kind: ledger.MovementClaim, Amount: 500, At: w.now, SpendSeq: 999, Late: true, Where: markup})
		})
		one("print", bound, "/h5/transactions/print", nil, lived)
		one("print much", bound, "/h5/transactions/print?month=2025-11&page=2", nil, func(w *world) { lateMonth(w, 1500, markup) })
		one("statement", bound, "/h5/statement", nil, lived, waits)
		one("statement of much", bound, "/h5/statement", nil, func(w *world) {
			for i := range 300 {
				w.moved[bound] = append(w.moved[bound], ledger.Movement{Kind: ledger.MovementConsumption, Amount: 99999999, Late: true, SpendSeq: int64(i),
					At: w.now.Add(-time.Duration(i) * time.Hour), Where: markup + strings.Repeat("很长的名字", i%20)})
			}
		})
		one("statement none", bound, "/h5/statement?month=2024-01", nil)
		one("month wrong", bound, "/h5/statement?month=x", nil)
		one("range wrong", bound, "/h5/transactions.csv?from=x", nil)
		one("transfers none", bound, "/h5/transfers", nil)
		lost := func(change func(*ledger.LossReport)) func(*world) {
			return func(w *world) {
				r, _ := w.ReportLoss(t.Context(), bound, w.now.Add(-9*time.Second))
				change(&r)
				w.losses[bound] = r
			}
		}
		still := func(*ledger.LossReport) {}
		locked := func(w *world) { w.locked[bound] = w.now.Add(time.Hour) }
		wrongPIN := url.Values{"query_password": {"000000"}, "code": {"482913"}}
		one("home lost", bound, "/h5/", nil, func(w *world) {
			b := w.balances[bound]
			b.Status = ledger.CardLost
			w.balances[bound] = b
		})
		one("loss", bound, "/h5/loss", nil)
		one("loss initial", initial, "/h5/loss", nil)
		one("loss wrong", bound, "/h5/loss", wrongPIN)
		one("loss locked", bound, "/h5/loss", nil, locked)
		one("loss frozen", bound, "/h5/loss", url.Values{"query_password": {"258036"}}, func(w *world) { w.lossErr = ledger.ErrCardFrozen })
		one("lost", bound, "/h5/loss", nil, lost(still))
		one("lost without terminals", bound, "/h5/loss", nil, lost(func(r *ledger.LossReport) { r.Terminals, r.Informed = 0, 0 }))
		one("lost long ago", bound, "/h5/loss", nil, lost(func(r *ledger.LossReport) { r.AcceptedAt, r.Informed = r.AcceptedAt.AddDate(-1, 0, 0), 44 }))
		one("cancel loss", bound, "/h5/loss/cancel", nil, lost(still))
		one("cancel loss sent", bound, "/h5/loss/cancel?sent=email", nil, lost(still), func(w *world) { w.awaited[codeKey(bound, ledger.PurposeCancelLoss)] = "482913" })
		one("cancel loss wrong", bound, "/h5/loss/cancel", wrongPIN, lost(still), func(w *world) { w.awaited[codeKey(bound, ledger.PurposeCancelLoss)] = "482913" })
		one("cancel loss locked", bound, "/h5/loss/cancel", nil, lost(still), locked)
		one("cancelled", bound, "/h5/loss/cancel", nil, lost(func(r *ledger.LossReport) { r.EndedAt = r.AcceptedAt.AddDate(0, 0, 1) }))
		one("never lost", bound, "/h5/loss/cancel", nil)
		one("unbind", bound, "/h5/unbind", nil)
		one("unbind wrong", bound, "/h5/unbind", wrongPIN)
		one("unbind locked", bound, "/h5/unbind", nil, locked)
		one("goodbye", bound, "/h5/goodbye", nil)
		one("verify stranger asked", 99, "/h5/verify?sent=email", nil, func(w *world) { w.numbers["visitor7"] = "1" })
		one("verify stranger wrong", 99, "/h5/verify", url.Values{"code": {"1"}}, func(w *world) { w.numbers["visitor7"] = "1" })
		one("verify stranger malformed", 99, "/h5/verify", url.Values{"channel": {"email"}, "student_no": {"?"}})
		one("settings", bound, "/h5/settings", nil, func(w *world) { w.audit[bound] = accesses(w.now) })
		one("settings wrong", bound, "/h5/settings", url.Values{"low_balance_yuan": {"many"}})
		one("settings unbound", verified, "/h5/settings", nil)
		one("settings stranger", 99, "/h5/settings", nil)
		one("error", bound, "/h5/nothing", nil)
	}
}

var (
	inline  = regexp.MustCompile(`(?i)<style|<script(?:\s+[^>]*)?>[^<]|<script>|\sstyle\s*=|\son[a-z]+\s*=|javascript:`)
	address = regexp.MustCompile(`(?i)(?:src|href|action|poster|data)="([^"]*)"`)
	anyKey  = regexp.MustCompile(`>(?:[a-z_]+\.)+[a-z_]+<`)
)

func TestPagesAreOurOwn(t *testing.T) {
	t.Parallel()
	everyPage(t, func(name, page string) {
		if found := inline.FindString(page); found != "" {
			t.Errorf("%s: %q would be inline", name, found)
		}
		for _, m := range address.FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(m[1], "/h5/") && !strings.HasPrefix(m[1], "/guide/?lang=") && !strings.HasPrefix(m[1], "#i-") {
				t.Errorf("%s: leads to %q", name, m[1])
			}
		}
		if len(page) > 60<<10 {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		if found := anyKey.FindString(page); found != "" {
			t.Errorf("%s: shows the key %s", name, found)
		}
		if strings.Contains(page, "%!") || strings.Contains(page, "ZgotmplZ") {
			t.Errorf("%s: a text and its values do not fit:\n%s", name, page)
		}
		if !strings.Contains(page, `<html lang="zh-CN">`) && !strings.Contains(page, `<html lang="en">`) {
			t.Errorf("%s: no language", name)
		}
	})
}

// Each link of a page leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ordered(w)
	p := open(t, w)
	p.as(w, bound)
	links := map[string]bool{}
	everyPage(t, func(_, page string) {
		for _, m := range address.FindAllStringSubmatch(page, -1) {
			if strings.HasPrefix(m[1], "/h5/") {
				links[strings.ReplaceAll(m[1], "&amp;", "&")] = true
			}
		}
	})
	if len(links) < 10 {
		t.Fatalf("only %d links", len(links))
	}
	waits(w)
	for link := range links {
		if link == "/h5/nothing" {
			continue
		}
		if answer := p.get(link); answer.StatusCode >= 400 {
			t.Errorf("%s: %d", link, answer.StatusCode)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ordered(w)
	p := open(t, w)
	p.as(w, bound)
	for _, path := range []string{"/h5/", "/h5/nothing", "/h5/topup/orders/" + no + "/status", "/h5/topup/orders/" + no + "/qr.png", "/h5/static/none.css"} {
		h := p.get(path).Header
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s %q", path, name, h.Get(name))
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	p := open(t, newWorld())
	page := wantPage(t, p.get("/h5/nothing"), 404)
	found := regexp.MustCompile(`/h5/static/[a-z]+\.[0-9a-f]{12}\.(css|js|svg)`).FindAllString(page, -1)
	if len(found) < 3 {
		t.Fatalf("assets %v", found)
	}
	for _, path := range found {
		answer := p.get(path)
		wantPage(t, answer, 200)
		if answer.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %s", path, answer.Header.Get("Cache-Control"))
		}
	}
	for _, path := range []string{"/h5/static/app.css", "/h5/static/", "/h5/static/..%2fh5.go"} {
		if status := p.get(path).StatusCode; status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}
