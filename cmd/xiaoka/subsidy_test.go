package main

import (
	"strings"
	"testing"
)

func TestSubsidyImport(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	p.ok("people", "import", p.file("student_no,name,card_no\n1001,张一,C1\n1002,李二,C2\n1003,王三,C3\n"))
	file := p.file("\ufeffAmount,title,student_no,card_no,name\n" +
		"300,三月餐补,1001,,张一\n" +
		"12.50,,,C2,\n" +
		"0,x,1003,,\n" +
		"12.345,x,1003,,\n" +
		"1000.01,x,1003,,\n" +
		"5,x,1003,,王\n" +
		"5,x,1003,C1,\n" +
		"5,x,,,\n" +
		"5,x,9999,,\n" +
		"12.5,x,1002,,\n" +
		"5,x\n" +
		"5," + strings.Repeat("长", 31) + ",1003,,\n")
	wrong := []string{
		"line 4: amount is zero", "line 5: amount is not an amount in yuan", "line 6: amount is more than a card may hold, ¥1000.00", "line 7: name is not the one on record",
		"line 8: student_no and card_no belong to two people", "line 9: student_no and card_no are empty", "line 10: nobody has that", "line 11: the person stands on line 3 already",
		"line 12: 2 fields where the header has 5", "line 13: title must be",
	}
	imported := func(want string, args ...string) {
		t.Helper()
		code, out, err := p.run("", append([]string{"subsidy", "import", file, "--batch", "2026-03"}, args...)...)
		if code != exitFault || !strings.Contains(out, want) || strings.Count(err, "\n") != len(wrong) {
			t.Errorf("exit %d, %q, want %q\n%s", code, out, want, err)
		}
		for _, w := range wrong {

			if !strings.Contains(err, w) {
				t.Errorf("no %q in\n%s", w, err)
			}
		}
	}
	imported("batch 2026-03: 2 granted of ¥312.50, 0 granted before, 10 bad (dry run: nothing was changed)", "--dry-run")
	imported("batch 2026-03: 2 granted of ¥312.50, 0 granted before, 10 bad")
	imported("batch 2026-03: 0 granted of ¥0.00, 2 granted before, 10 bad")

	file = p.file("student_no,amount\n1001,301\n1002,12.5\n1003,1\n,\n , \n")
	wrong = []string{"line 2: this batch has granted ¥300.00 to the person before"}
	imported("1 granted of ¥1.00, 1 granted before, 1 bad")
	if out := p.ok("subsidy", "list"); !strings.Contains(out, "2026-03") || !strings.Contains(out, "¥313.50") {
		t.Errorf("subsidy list:\n%s", out)
	}
	if out := p.ok("transfers", "unclaimed", "--older-than", "0d"); !strings.Contains(out, "3 transfers of ¥313.50 wait for 3 holders") || !strings.Contains(out, "subsidy") {
		t.Errorf("unclaimed:\n%s", out)
	}
	p.ok("ledger", "check")
}

func TestSubsidyImport_Refused(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	for name, c := range map[string]struct {
		file, batch string
		code        int
		says        string
	}{
		"NoAmount":      {"student_no\n1\n", "b", exitFault, "the column amount is missing"},
		"NoHolder":      {"amount\n1\n", "b", exitFault, "student_no or card_no"},
		"UnknownColumn": {"student_no,amount,iban\n", "b", exitFault, `unknown column "iban"`},
		"Twice":         {"student_no,amount,amount\n", "b", exitFault, "stands twice"},
		"Empty":         {"", "b", exitFault, "header line"},
		"Batch":         {"student_no,amount\n", "a:b", exitUsage, "not the name of a batch"},
	} {
		if code, _, err := p.run("", "subsidy", "import", p.file(c.file), "--batch", c.batch); code != c.code || !strings.Contains(err, c.says) {
			t.Errorf("%s: exit %d, %s", name, code, err)
		}
	}
	if code, _, err := p.run("", "consumption", "reverse", "P01", "1", "--note", "x"); code != exitFault || !strings.Contains(err, "there is no database") {
		t.Errorf("reverse: exit %d, %s", code, err)
	}
	p.ok("migrate")
	if code, _, err := p.run("", "consumption", "reverse", "P01", "1", "--note", "x"); code != exitFault || !strings.Contains(err, "no purchase 1 of terminal P01 is booked") {
		t.Errorf("reverse: exit %d, %s", code, err)
	}
	if code, _, _ := p.run("", "consumption", "reverse", "P01", "1", "--note", "x", "--amount", "-1"); code != exitUsage {
		t.Errorf("a negative amount: exit %d", code)
	}
}
