package guide

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

var school = Config{Office: Words{"受理中心", "Card office"}, Phone: "021-5555 0100", Machines: []Words{{"二号餐厅", "Canteen 2"}, {"图书馆一楼", ""}}}

func open(t *testing.T, cfg Config) *http.ServeMux {
	t.Helper()
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	g.Routes(mux)
	return mux
}

func get(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var (
	anyKey  = regexp.MustCompile(`"([a-z]+(?:\.[a-z]+)*)"`)
	address = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	inline  = regexp.MustCompile(`(?i)<style|<script|\sstyle\s*=|\son[a-z]+\s*=|javascript:|https?://`)
	size    = regexp.MustCompile(`src="([^"]+\.webp[^"]*)" alt="[^"]+" width="(\d+)" height="(\d+)"`)
)

// Every text is there in both languages, and none is there in vain. One that
// is missing fails New's pages.
func TestCatalogue(t *testing.T) {
	page, err := files.ReadFile("guide.html")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range anyKey.FindAllStringSubmatch(string(page), -1) {
		used[m[1]], used["alt."+m[1]] = true, true
	}
	for key, said := range catalogue {
		han := strings.ContainsFunc(said.Zh, func(r rune) bool { return unicode.Is(unicode.Han, r) })
		if said.Zh == "" || said.En == "" || !han && key != "other" {
			t.Errorf("%q lacks a language", key)
		}
		if strings.ContainsAny(said.Zh+said.En, "!！") || strings.Contains(said.Zh, "到账") {
			t.Errorf("%q shouts, or promises what has not arrived", key)
		}
		if !used[key] {
			t.Errorf("%q is not used", key)
		}
	}
}

func TestPage(t *testing.T) {
	h := open(t, school)
	for lang, words := range map[string][]string{
		"zh-CN": {"学工号", "二号餐厅", "图书馆一楼", "受理中心", "021-5555 0100", "已付款，待领取", "领取转账金额"},
		"en":    {"student or staff number", "Canteen 2", "图书馆一楼", "Card office", "Paid, waiting to be collected"},
	} {
		for _, path := range []string{"/", "/guide/"} {
			w := get(h, path, "Accept-Language", lang)
			page := w.Body.String()
			if w.Code != 200 || !strings.Contains(page, `<html lang="`+lang+`">`) || w.Header().Get("Set-Cookie") != "" {
				t.Fatalf("%s in %s: %d %v", path, lang, w.Code, w.Header())
			}
			for _, word := range words {
				if !strings.Contains(page, word) {
					t.Errorf("%s in %s does not say %q", path, lang, word)
				}
			}
			if len(page) > 60<<10 {
				t.Errorf("%s has %d bytes", path, len(page))
			}
			if found := inline.FindString(page); found != "" {
				t.Errorf("%s holds %q", path, found)
			}
			for _, m := range address.FindAllStringSubmatch(page, -1) {
				to := strings.ReplaceAll(m[1], "&amp;", "&")
				if id, ok := strings.CutPrefix(to, "#"); ok {
					if !strings.Contains(page, `id="`+id+`"`) {
						t.Errorf("nothing at %s", to)
					}
				} else if got := get(h, to); got.Code != 200 {
					t.Errorf("%s: %d", to, got.Code)
				}
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("policy %q", csp)
			}
		}
	}
}

// The page names the size of each picture, so that nothing jumps.
func TestPictures(t *testing.T) {
	h := open(t, school)
	total := 0
	for _, lang := range languages {
		found := size.FindAllStringSubmatch(get(h, "/", "Accept-Language", lang).Body.String(), -1)
		if len(found) < 8 {
			t.Fatalf("%d pictures", len(found))
		}
		for _, m := range found {
			w := get(h, m[1])
			b := w.Body.Bytes()
			total += len(b)
			if len(b) < 30 || string(b[8:16]) != "WEBPVP8X" || w.Header().Get("Content-Type") != "image/webp" {
				t.Fatalf("%s is no WebP with a canvas", m[1])
			}
			// The canvas, less one, in three bytes each: https://www.rfc-editor.org/rfc/rfc9649#section-2.7
			got := fmt.Sprintf("%dx%d", binary.LittleEndian.Uint16(b[24:])+1, binary.LittleEndian.Uint16(b[27:])+1)
			if want := m[2] + "x" + m[3]; got != want {
				t.Errorf("%s is %s, the page says %s", m[1], got, want)
			}
		}
	}
	if total > 400<<10 {
		t.Errorf("the pictures have %d bytes together", total)
	}
}

func TestLanguage(t *testing.T) {
	h := open(t, Config{Secure: true})
	for name, c := range map[string]struct {
		path, accept, cookie, want string
		kept                       bool
	}{
		"Nothing":     {"/", "", "", "zh-CN", false},
		"Browser":     {"/", "fr, en-GB;q=0.9, zh;q=0.1", "", "en", false},
		"Cookie":      {"/", "en", "zh-CN", "zh-CN", false},
		"WrongCookie": {"/", "en", "xx", "en", false},
		"Chosen":      {"/?lang=en", "zh", "zh-CN", "en", true},
		"WrongChoice": {"/?lang=xx", "zh", "", "zh-CN", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := get(h, c.path, "Accept-Language", c.accept, "Cookie", "__Host-xiaoka_lang="+c.cookie)
			kept := strings.HasPrefix(w.Header().Get("Set-Cookie"), "__Host-xiaoka_lang="+c.want+"; Path=/;") && strings.Contains(w.Header().Get("Set-Cookie"), "Secure")
			if w.Header().Get("Content-Language") != c.want || kept != c.kept {
				t.Errorf("%v, want %s", w.Header(), c.want)
			}
			if shared := strings.HasPrefix(w.Header().Get("Cache-Control"), "public"); shared == c.kept {
				t.Errorf("Cache-Control %q", w.Header().Get("Cache-Control"))
			}
		})
	}
	tag := get(h, "/").Header().Get("ETag")
	if w := get(h, "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("asked again: %d", w.Code)
	}
}

func TestBesides(t *testing.T) {
	h := open(t, Config{})
	for path, want := range map[string]string{"/robots.txt": "Disallow: /\n", "/favicon.ico": "<svg"} {
		if w := get(h, path); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for _, path := range []string{"/nothing", "/guide/join", "/guide/guide.html", "/guide/..%2fguide.go"} {
		if w := get(h, path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if page := get(h, "/").Body.String(); strings.Contains(page, `id="machines"`) || strings.Contains(page, "<img src=\"/guide/join") {
		t.Error("the page speaks of what is not configured")
	}
}

// The QR code to join is there for the first visitor and renewed each day; one
// that cannot be renewed is shown while WeCom is sure to take it, and the page
// does without when there is none.
func TestJoinCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		var fail atomic.Bool
		fail.Store(true)
		g, err := New(Config{Join: func(context.Context) ([]byte, error) {
			if asked.Add(1); fail.Load() {
				return nil, errors.New("48002")
			}
			return append([]byte("\x89PNG\r\n\x1a\n"), byte(asked.Load())), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		h := http.NewServeMux()
		g.Routes(h)
		shown := func() bool {
			w := get(h, "/")
			if w.Code != http.StatusOK {
				t.Fatalf("the guide: %d", w.Code)
			}
			return strings.Contains(w.Body.String(), "/guide/join?v=")
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go g.Keep(ctx)
		after := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		if after(time.Hour); shown() || asked.Load() < 5 || asked.Load() > 15 {
			t.Fatalf("asked %d times in an hour of failures", asked.Load())
		}
		fail.Store(false)
		after(joinPauseMost)
		if w := get(h, "/guide/join"); !shown() || w.Header().Get("Content-Type") != "image/png" || !bytes.HasSuffix(w.Body.Bytes(), []byte{byte(asked.Load())}) {
			t.Fatalf("not shown: %v", w.Header())
		}
		before := asked.Load()
		if after(2 * joinRenew); asked.Load() < before+1 || asked.Load() > before+2 {
			t.Fatalf("renewed %d times in two days", asked.Load()-before)
		}
		fail.Store(true)
		if after(4 * 24 * time.Hour); !shown() {
			t.Fatal("gone though still good")
		}
		if after(3 * 24 * time.Hour); shown() {
			t.Fatal("shown though WeCom may refuse it")
		}
		cancel()
		before = asked.Load()
		if after(24 * time.Hour); asked.Load() != before {
			t.Fatal("asked after the end")
		}
	})
}

// The first visitor after a start finds the code.
func TestJoinCode_First(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(Config{Join: func(context.Context) ([]byte, error) { return []byte("\x89PNG\r\n\x1a\n"), nil }})
		if err != nil {
			t.Fatal(err)
		}
		h := http.NewServeMux()
		g.Routes(h)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go g.Keep(ctx)
		synctest.Wait()
		if !strings.Contains(get(h, "/").Body.String(), "/guide/join?v=") {
			t.Error("the first visitor has no code")
		}
	})
}
