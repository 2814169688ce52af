package h5

import (
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

func charts(t *testing.T) *Charts {
	t.Helper()
	c, err := NewCharts("https://card.example.edu.cn", [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Whoever holds the address sees the bars, and nobody else anything.
func TestStatementPicture(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.moved[bound] = []ledger.Movement{{Kind: ledger.MovementConsumption, Amount: 650, At: w.now, Where: "风味窗口"}}
	c := charts(t)
	p := open(t, w, func(cfg *Config) { cfg.Charts = c })
	month := ledger.MonthOf(w.now)
	address := c.URL(bound, month, w.now)
	path := strings.TrimPrefix(address, "https://card.example.edu.cn")
	if address == path || strings.Contains(address, "20230001") {
		t.Errorf("the address is %s", address)
	}
	if address != c.URL(bound, month, w.now) {
		t.Error("a message sent again would have another picture")
	}
	for name, other := range map[string]string{
		"person": c.URL(bound+1, month, w.now), "month": c.URL(bound, month-1, w.now), "moment": c.URL(bound, month, w.now.Add(time.Second)),
	} {
		if other[:len(address)/2] == address[:len(address)/2] { // the nonce too
			t.Errorf("another %s has the same address", name)
		}
	}
	answer := p.get(path)
	picture, err := png.Decode(answer.Body)
	if err != nil || answer.Header.Get("Content-Type") != "image/png" || answer.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Fatalf("%v, %v", err, answer.Header)
	}
	if size := picture.Bounds().Size(); size.X != 2*size.Y {
		t.Errorf("the picture is %v", size)
	}
	green := 0
	for x := range picture.Bounds().Dx() {
		if r, g, _, _ := picture.At(x, chartFloor-2).RGBA(); r < g/2 {
			green++
		}
	}
	if green < 10 || green > chartWidth/28 {
		t.Errorf("%d columns are bars, for one day of thirty", green)
	}

	other, err := NewCharts("https://card.example.edu.cn", [32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	for name, refused := range map[string]func() *http.Response{
		"None":    func() *http.Response { return p.get("/h5/statement.png") },
		"NoToken": func() *http.Response { return p.get("/h5/statement.png?of=AAAA") },
		"Changed": func() *http.Response { return p.get(path[:len(path)-2] + "AA") },
		"OtherKey": func() *http.Response {
			return p.get("/h5/statement.png" + other.URL(bound, month, w.now)[len("https://card.example.edu.cn/h5/statement.png"):])
		},
		"Stranger": func() *http.Response {
			return p.get("/h5/statement.png?" + strings.SplitAfter(c.URL(99, month, w.now), "?")[1])
		},
		"NotBound": func() *http.Response {
			return p.get("/h5/statement.png?" + strings.SplitAfter(c.URL(verified, month, w.now), "?")[1])
		},
		"Ended": func() *http.Response {
			w.now = w.now.Add(chartLife)
			defer func() { w.now = w.now.Add(-chartLife) }()
			return p.get(path)
		},
	} {
		if status := refused().StatusCode; status != http.StatusNotFound {
			t.Errorf("%s: %d", name, status)
		}
	}
}

func BenchmarkStatementPicture(b *testing.B) {
	from := time.Date(2025, 11, 1, 0, 0, 0, 0, shanghai)
	s := ledger.NewStatement(0, from, from.AddDate(0, 1, 0), history(from))
	for b.Loop() {
		drawDays(s)
	}
}
