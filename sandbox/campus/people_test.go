package campus

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestMakePeople(t *testing.T) {
	t.Parallel()
	people := MakePeople(3000)
	if got := people[0]; got.Name != "张小卡" || got.OpeningFen != 1250 || got.Type != "student" {
		t.Errorf("the first is %+v, not the demo student", got)
	}
	seen := map[string]bool{}
	for i, p := range people {
		for _, v := range []string{p.Name, p.StudentNo, p.CardNo, p.Phone, p.Email} {
			if v == "" || seen[v] {
				t.Fatalf("person %d: %q is empty or somebody else's", i, v)
			}
			seen[v] = true
		}
		if !strings.HasSuffix(p.Email, ".example") {
			t.Errorf("%s could be somebody's address", p.Email)
		}
	}
	if !reflect.DeepEqual(people[:50], MakePeople(50)) {
		t.Error("a smaller campus has other people")
	}
	if people[2].member("ww1").OpenID != "" || !people[3].member("ww1").WeChatOnly {
		t.Error("nobody with an unusual phone")
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	people := MakePeople(20)
	var b bytes.Buffer
	if err := WriteCSV(&b, people); err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(b.String(), "\n")
	if first != "student_no,name,card_no,email,phone,type,department,wecom_userid,query_password,opening_balance" {
		t.Errorf("header %s", first)
	}
	second, _, _ := strings.Cut(rest, "\n")
	if want := "2025533001,张小卡,80010001,2025533001@xiaoka.example,19900001000,student,信息科学与技术学院,2025533001,,12.50"; second != want {
		t.Errorf("got  %s\nwant %s", second, want)
	}
	back, err := ReadCSV(&b)
	if err != nil || !reflect.DeepEqual(back, people) {
		t.Errorf("read back otherwise: %v", err)
	}
	for name, file := range map[string]string{
		"Columns": "name\n张\n",
		"Amount":  first + "\n1,a,2,,,student,,1,,12.5\n",
		"Empty":   "",
	} {
		if _, err := ReadCSV(strings.NewReader(file)); err == nil {
			t.Errorf("%s: read without complaint", name)
		}
	}
}
