package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The programs in docs/integrating.md do what the page says, as they stand
// there: each is a new till that collects, sells and uploads twice.
func TestIntegrating(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the built binary")
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "integrating.md"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, "", "", 1)
	programs := regexp.MustCompile("(?s)```(python|javascript|go)\n(.*?)```").FindAllSubmatch(page, -1)
	if len(programs) != 3 {
		t.Fatalf("%d programs on the page", len(programs))
	}
	for i, p := range programs {
		language, source := string(p[1]), p[2]
		t.Run(language, func(t *testing.T) {
			file, command := map[string]string{"python": "till.py", "javascript": "till.mjs", "go": "till.go"}[language],
				map[string][]string{"python": {"python3"}, "javascript": {"node"}, "go": {"go", "run"}}[language]
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("%s is not on this machine", command[0])
			}
			m := h.newMember([]int{0, 1, 4}[i]) // number 2 has no openid, number 3 sees no cards
			m.verify()
			m.bind()
			m.pay(m.orderNo(5000))

			id := fmt.Sprintf("VENDOR%d", i)
			_, secret, _ := strings.Cut(strings.TrimSpace(h.run("terminal", "add", id, "--kind", "pos", "--location", "二号餐厅")), "secret: ")
			if _, err := base64.StdEncoding.DecodeString(secret); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), file)
			if err := os.WriteFile(path, source, 0o600); err != nil {
				t.Fatal(err)
			}
			chip := h.campus.Chip(m.Person).Peek()
			number := func(n int64) string { return strconv.FormatInt(n, 10) }
			args := append(command[1:], path, h.url, id, secret, m.Person.CardNo,
				number(int64(chip.LoadSeq)), number(int64(chip.SpendSeq)), number(int64(chip.BalanceFen)))
			cmd := exec.CommandContext(m.context(), command[0], args...)
			cmd.Env = append(os.Environ(), "GO111MODULE=off")
			out, err := cmd.CombinedOutput()
			want := fmt.Sprintf("claimed 5000, accepted 1, duplicates 1, acked 1, chip %d\n", int64(chip.BalanceFen)+5000-650)
			if err != nil || string(out) != want {
				t.Errorf("it says %q (%v), want %q", out, err, want)
			}
		})
	}
	h.proven()
}
