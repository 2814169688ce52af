package office

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	used  = regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)+)"`)
	verbs = regexp.MustCompile(`%[a-z]`)
)

// families are the keys that are put together from a word of the program.
var families = []string{"state.", "tile.name.", "title.", "message.", "kind.", "job.", "queue.", "class.", "case.", "how.", "event.", "card.", "transfer."}

// Every text that is used exists in both languages, and none in vain.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	names, _ := filepath.Glob("*.go")
	for _, name := range names {
		if name != "texts.go" && !strings.HasSuffix(name, "_test.go") {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	fs.WalkDir(files, "templates", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			source, _ := files.ReadFile(name)
			sources.Write(source)
		}
		return err
	})
	needed := map[string]bool{}
	for _, m := range used.FindAllStringSubmatch(sources.String(), -1) {
		if ext := filepath.Ext(m[1]); ext != ".css" && ext != ".svg" && ext != ".html" {
			needed[m[1]] = true
			if catalogue[m[1]] == (said{}) {
				t.Errorf("%q is used and not in the catalogue", m[1])
			}
		}
	}
	for _, class := range classes {
		if catalogue["class."+class] == (said{}) {
			t.Errorf("the class %q has no name", class)
		}
	}
	for key, text := range catalogue {
		if !needed[key] && !slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) }) {
			t.Errorf("%q is not used", key)
		}
		if text.zh == "" || text.en == "" {
			t.Errorf("%q lacks a language", key)
		}
		if fmt.Sprint(verbs.FindAllString(text.zh, -1)) != fmt.Sprint(verbs.FindAllString(text.en, -1)) {
			t.Errorf("%q takes other values in the other language", key)
		}
		if strings.ContainsAny(text.zh+text.en, "!！") || strings.Contains(text.zh, "到账") || strings.ContainsFunc(text.en, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%q shouts, promises, or is Chinese in English", key)
		}
	}
}
