package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is the dependency rule of the house: what each package may import of
// ours. A package is named by its folder; its sub-packages keep to the same
// rule unless they stand here themselves.
var allowed = map[string][]string{
	"ledger":             {},
	"config":             {},
	"cards":              {},
	"identity":           {"ledger"},
	"bot":                {"cards"},
	"pay":                {"ledger"},
	"kiosk":              {"ledger", "identity"},
	"guide":              {"ledger"},
	"h5":                 {"ledger", "identity"},
	"office":             {"ledger", "identity"},
	"handlers":           {"bot", "cards", "identity", "ledger"},
	"handlers/intent":    {},
	"store":              {"ledger"},
	"store/storetest":    {"store"},
	"sandbox":            {"sandbox"},
	"e2e":                {},
	"cmd/xiaoka-sandbox": {"sandbox"},
	"cmd/xiaoka":         {"ledger", "config", "cards", "identity", "bot", "pay", "kiosk", "h5", "guide", "office", "handlers", "store"},
}

// only names the one package that may import a library.
var only = map[string][]string{
	"gorm.io/":                             {"store"},
	"github.com/glebarez/sqlite":           {"store"},
	"github.com/jackc/pgx":                 {"store"},
	"github.com/riverqueue/":               {"store"},
	"github.com/pressly/goose":             {"store"},
	"github.com/wechatpay-apiv3/":          {"pay"},
	"github.com/silenceper/wechat":         {"bot"},
	"github.com/go-resty/resty":            {"bot"},
	"github.com/tencentcloud/":             {"identity"},
	"github.com/wneessen/go-mail":          {"identity"},
	"github.com/alicebob/miniredis":        {"cmd/xiaoka"},
	"github.com/alecthomas/kong":           {"cmd/xiaoka", "cmd/xiaoka-sandbox"},
	"github.com/prometheus/client_golang/": {"cmd/xiaoka"},
}

func TestDependencyRule(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "xiaoka/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], "xiaoka/")
		rule, ok := ruleOf(name)
		if !ok {
			t.Errorf("%s has no place in the dependency rule", name)
			continue
		}
		for _, imported := range words[1:] {
			if ours, isOurs := strings.CutPrefix(imported, "xiaoka/"); isOurs {
				if !slices.ContainsFunc(append(rule, name), func(a string) bool { return within(ours, a) }) {
					t.Errorf("%s must not import %s", name, ours)
				}
				continue
			}
			for library, users := range only {
				if strings.HasPrefix(imported, library) && !slices.ContainsFunc(users, func(u string) bool { return within(name, u) }) {
					t.Errorf("%s must not import %s: only %s may", name, imported, strings.Join(users, " and "))
				}
			}
		}
	}
}

// ruleOf finds the rule of a package or of the folder it is in.
func ruleOf(name string) ([]string, bool) {
	for {
		if rule, ok := allowed[name]; ok {
			return slices.Clone(rule), true
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return nil, false
		}
		name = name[:i]
	}
}

func within(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }
