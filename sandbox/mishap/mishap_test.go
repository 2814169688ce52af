package mishap

import (
	"encoding/json"
	"encoding/xml"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestDice(t *testing.T) {
	t.Parallel()
	var none *Dice
	if none.Throw("x") != nil {
		t.Error("a nil Dice makes trouble")
	}
	record := func(between bool) (met []uint64) {
		d := New(0.3, 7)
		for range 1000 {
			if between {
				d.Throw("other")
			}
			var n uint64
			if r := d.Throw("message/send"); r != nil {
				n = r.Uint64()
			}
			met = append(met, n)
		}
		return met
	}
	first := record(false)
	if !reflect.DeepEqual(first, record(true)) {
		t.Error("the same seed goes another way when other calls come between")
	}
	n := 0
	for _, v := range first {
		if v != 0 {
			n++
		}
	}
	if n < 240 || n > 360 {
		t.Errorf("%d of 1000 went wrong, want about 300", n)
	}
	d := New(1, 1)
	if d.Throw("x") == nil {
		t.Error("a share of 1 spared a call")
	}
	d.SetShare(0)
	if d.Throw("x") != nil || d.Share() != 0 || d.Seed() != 1 {
		t.Error("a share of 0 did not")
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		if d := New(1, 1).Delay(r); d < time.Millisecond || d > 800*time.Millisecond {
			t.Fatal(d)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	const body = `{"errcode":0,"big":9007199254740993,"text":"a <b> 卡","amount":{"total":1,"currency":"CNY"},"list":[{"z":1,"a":2}]}`
	other := false
	for seed := range uint64(20) {
		got := JSON(rand.New(rand.NewPCG(seed, 1)), []byte(body))
		var want, now map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &want) != nil || json.Unmarshal(got, &now) != nil {
			t.Fatalf("%s", got)
		}
		if now[unannounced] == nil || len(now) != len(want)+1 || string(now["big"]) != "9007199254740993" || string(now["text"]) != `"a <b> 卡"` {
			t.Errorf("%s", got)
		}
		other = other || got[2] != 'e'
	}
	if !other {
		t.Error("the order never changed")
	}
	for _, same := range []string{``, `{`, `[{"a":1}]`, `"x"`, `null`} {
		if got := JSON(rand.New(rand.NewPCG(1, 1)), []byte(same)); string(got) != same {
			t.Errorf("%q became %q", same, got)
		}
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	const body = "<xml><A><![CDATA[<B>]]></A>\n<C><D>1</D><E/></C><F>2</F></xml>"
	other := false
	for seed := range uint64(20) {
		got := XML(rand.New(rand.NewPCG(seed, 1)), []byte(body))
		var now struct {
			A           string
			D           string   `xml:"C>D"`
			F           string   `xml:"F"`
			Unannounced []string `xml:"UnannouncedField"`
		}
		if err := xml.Unmarshal(got, &now); err != nil || now.A != "<B>" || now.D != "1" || now.F != "2" || len(now.Unannounced) != 1 {
			t.Errorf("%s: %v", got, err)
		}
		other = other || got[6] != 'A'
	}
	if !other {
		t.Error("the order never changed")
	}
	for _, same := range []string{``, `<xml>`, `<xml></xml>`, `hello`, `<xml><A>1</A>`} {
		if got := XML(rand.New(rand.NewPCG(1, 1)), []byte(same)); string(got) != same {
			t.Errorf("%q became %q", same, got)
		}
	}
}
