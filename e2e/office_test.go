package e2e

import (
	"net/http"
	"strings"
	"testing"

	"xiaoka/store/storetest"
)

// A claim goes into doubt; an operator sees it, an auditor whose it is, the
// holder that somebody looked, nobody else anything; and the gauges tell it.
func TestOffice(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries; -short does not build them")
	}
	t.Parallel()
	for name, databases := range map[string]func(t *testing.T) (database, redis string, replicas int){
		"sqlite":                 func(*testing.T) (string, string, int) { return "", "", 1 },
		"postgres, two replicas": func(t *testing.T) (string, string, int) { return storetest.PostgresURL(t), redisURL(t), 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database, redis, replicas := databases(t)
			h := newHouse(t, database, redis, 0)
			people := h.campus.People()
			h.env = append(h.env, "XIAOKA_OPERATORS="+people[1].UserID+","+people[2].UserID+":auditor", "XIAOKA_CLAIM_EXPIRE=1s")
			for range replicas {
				h.start()
			}
			testOffice(t, h)
		})
	}
}

func testOffice(t *testing.T, h *house) {
	holder, viewer, auditor := h.newMember(0), h.newMember(1), h.newMember(2)
	holder.verify()
	holder.bind()
	holder.pay(holder.orderNo(5000))
	if _, err := h.terminal("K01").Claim(h.context(), "never-confirmed", holder.CardNo, ownPassword, holder.cardState()); err != nil {
		t.Fatal(err)
	}
	h.run("ledger", "check")

	var page string
	h.await("the claim in doubt on the operators' page", func() bool {
		page = viewer.open("/office/")
		return strings.Contains(page, "等卡出现")
	})
	if strings.Contains(page, holder.CardNo) || strings.Contains(page, "/office/people/") || !strings.Contains(page, "K01") || !strings.Contains(page, "¥50.00") || !strings.Contains(page, "账平") {
		t.Errorf("the viewer's page:\n%s", page)
	}
	if status, page := holder.get("/office/"); status != http.StatusNotFound || strings.Contains(page, "K01") {
		t.Errorf("a member gets %d\n%s", status, page)
	}
	_, rest, found := strings.Cut(auditor.open("/office/"), `href="/office/people/`)
	id, _, _ := strings.Cut(rest, `"`)
	if !found {
		t.Fatal("the auditor is shown no way to the holder")
	}
	if status, _ := viewer.get("/office/people/" + id); status != http.StatusNotFound {
		t.Errorf("the viewer gets %d of a person's page", status)
	}
	if page := auditor.open("/office/people/" + id); !strings.Contains(page, holder.CardNo) || !strings.Contains(page, holder.Name) {
		t.Errorf("the auditor's page of the holder:\n%s", page)
	}
	if log := h.run("audit", "--card-no", holder.CardNo); !strings.Contains(log, "operator "+auditor.UserID) || !strings.Contains(log, "looked_up") {
		t.Errorf("the audit log:\n%s", log)
	}

	told := h.metrics(h.replicas[0])
	for _, want := range []string{"xiaoka_watch_up 1\n", "xiaoka_claims_in_doubt 1\n", "xiaoka_claims_held 0\n", "xiaoka_ledger_check_ok 1\n", "xiaoka_transfers_in_flight_fen 5000\n",
		"xiaoka_kiosk_suspensions_total 0\n", "xiaoka_codes_capped_total 0\n"} {
		if !strings.Contains(told, want) {
			t.Errorf("the metrics lack %q:\n%s", want, told)
		}
	}
}
