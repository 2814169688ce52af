package ledger_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xiaoka/ledger"
)

func TestParseYuan(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]ledger.Fen{"0": 0, "12": 1200, "12.3": 1230, "12.30": 1230, "0.01": 1, "10000000": 1_000_000_000, "007": 700, "0000000000000000000000050": 5000} {
		if got, err := ledger.ParseYuan(in); err != nil || got != want {
			t.Errorf("ParseYuan(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", ".", "1.", ".5", "-1", "+1", "1e2", "1.234", "1,000", "１２", "NaN", " 1", "1 ", "99999999999999999999x", "99999999999999999999.999"} {
		if got, err := ledger.ParseYuan(in); !errors.Is(err, ledger.ErrAmount) || errors.Is(err, ledger.ErrTooMuch) {
			t.Errorf("ParseYuan(%q) = %d, %v; want no amount", in, got, err)
		}
	}
	for _, in := range []string{"10000000.01", "10000001", "99999999999", "9223372036854775808", "18446744073709551617", "99999999999999999999.99", "1" + strings.Repeat("0", 2000)} {
		if got, err := ledger.ParseYuan(in); got != 0 || !errors.Is(err, ledger.ErrTooMuch) || !errors.Is(err, ledger.ErrAmount) {
			t.Errorf("ParseYuan(%q) = %d, %v; want too much", in, got, err)
		}
	}
}

func TestFen_String(t *testing.T) {
	t.Parallel()
	for fen, want := range map[ledger.Fen]string{0: "¥0.00", 5: "¥0.05", 1230: "¥12.30", -650: "−¥6.50", math.MaxInt64: "¥92233720368547758.07", math.MinInt64: "−¥92233720368547758.08"} {
		if got := fen.String(); got != want {
			t.Errorf("Fen(%d) = %s, want %s", int64(fen), got, want)
		}
	}
}

func TestFen_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fen := ledger.Fen(rapid.Int64Range(0, int64(ledger.MaxAmount)).Draw(t, "fen"))
		if got, err := ledger.ParseYuan(fen.Yuan()); err != nil || got != fen {
			t.Fatalf("%d → %s → %d, %v", fen, fen.Yuan(), got, err)
		}
	})
}

func TestFen_Add(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b, sum ledger.Fen
		ok        bool
	}{{1, 2, 3, true}, {math.MaxInt64, 1, 0, false}, {math.MinInt64, -1, 0, false}, {math.MaxInt64, -1, math.MaxInt64 - 1, true}} {
		if sum, ok := c.a.Add(c.b); sum != c.sum || ok != c.ok {
			t.Errorf("%d + %d = %d, %v", c.a, c.b, sum, ok)
		}
	}
}

// The resolution table of the campus-card reference, 4.3: a claim of 5000
// given for load_seq 7, spend_seq 41, 1250 fen.
func TestClaim_Judge(t *testing.T) {
	t.Parallel()
	c := ledger.Claim{Amount: 5000, Before: ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}}
	for name, row := range map[string]struct {
		chip ledger.Chip
		want ledger.Evidence
	}{
		"Unchanged":                    {ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}, ledger.Unwritten},
		"UnchangedAndSpent":            {ledger.Chip{LoadSeq: 7, SpendSeq: 43, Balance: 600}, ledger.Unwritten},
		"UnchangedLowerWithoutSpend":   {ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1249}, ledger.Impossible},
		"UnchangedHigher":              {ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 1251}, ledger.Impossible},
		"SpentNothingAway":             {ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 1250}, ledger.Unwritten},
		"Written":                      {ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 6250}, ledger.Written},
		"WrittenAndSpent":              {ledger.Chip{LoadSeq: 8, SpendSeq: 42, Balance: 5600}, ledger.Written},
		"WrittenLowerWithoutSpend":     {ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 6249}, ledger.Impossible},
		"WrittenHigher":                {ledger.Chip{LoadSeq: 8, SpendSeq: 42, Balance: 6251}, ledger.Impossible},
		"TwoLoads":                     {ledger.Chip{LoadSeq: 9, SpendSeq: 41, Balance: 6250}, ledger.Impossible},
		"LoadsBack":                    {ledger.Chip{LoadSeq: 6, SpendSeq: 41, Balance: 1250}, ledger.Impossible},
		"SpendsBack":                   {ledger.Chip{LoadSeq: 8, SpendSeq: 40, Balance: 6250}, ledger.Impossible},
		"NegativeBalance":              {ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: -1}, ledger.Impossible},
		"WrittenBalanceWithOldCounter": {ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 6250}, ledger.Impossible},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.Judge(row.chip); got != row.want {
				t.Errorf("Judge(%+v) = %v, want %v", row.chip, got, row.want)
			}
		})
	}
	held := c
	held.HeldAt = time.Unix(1, 0)
	if got := held.Judge(c.Before); got != ledger.Impossible {
		t.Errorf("a held claim and an unchanged chip: %v", got)
	}
	if got := held.Judge(c.Expected()); got != ledger.Written {
		t.Errorf("a held claim and a written chip: %v", got)
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	waiting := []ledger.Transfer{{ID: "a", Amount: 5000}, {ID: "b", Amount: 20000}, {ID: "c", Amount: 70000}, {ID: "d", Amount: 100}}
	for _, c := range []struct {
		room ledger.Fen
		want string
		sum  ledger.Fen
	}{{10000, "ad", 5100}, {4999, "d", 100}, {95100, "abcd", 95100}, {0, "", 0}, {-1, "", 0}} {
		taken, sum := ledger.Select(waiting, c.room)
		ids := ""
		for _, t := range taken {
			ids += t.ID
		}
		if ids != c.want || sum != c.sum {
			t.Errorf("room for %v: took %q of %v; want %q of %v", c.room, ids, sum, c.want, c.sum)
		}
	}
}

func TestEventKind_Security(t *testing.T) {
	t.Parallel()
	for _, k := range ledger.Mutable() {
		if k.Security() {
			t.Errorf("%s can be switched off and cannot", k)
		}
	}
	if !ledger.EventLoss.Security() {
		t.Error("a loss can be kept from its holder")
	}
}
