package h5

import (
	"strings"
	"testing"

	"xiaoka/ledger"
)

// The list's filter, the file and the paper name each kind in the same words.
func TestMovementWords(t *testing.T) {
	t.Parallel()
	for _, lang := range []ledger.Lang{ledger.Chinese, ledger.English} {
		w := newWorld()
		w.people[bound].Lang = lang
		for i, kind := range movementKinds {
			w.moved[bound] = append(w.moved[bound], ledger.Movement{Kind: kind, Amount: 650, At: w.now, SpendSeq: int64(i)})
		}
		p := open(t, w)
		p.as(w, bound)
		list, file, paper := body(t, p.get("/h5/transactions")), body(t, p.get("/h5/transactions.csv")), body(t, p.get("/h5/transactions/print"))
		for kind, words := range ledger.MovementWords {
			name := words.ZH
			if lang == ledger.English {
				name = words.EN
			}
			if !strings.Contains(list, `<option value="`+kind+`">`+name+"<") || !strings.Contains(file, ","+name+",") || !strings.Contains(paper, "<td>"+name+"<") {
				t.Errorf("%s is not %q everywhere in %q", kind, name, lang)
			}
		}
	}
}
