package h5

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"xiaoka/ledger"
)

//go:embed templates static
var files embed.FS

// asset is one static file. Its address holds its hash, so it never changes
// and may be kept for ever.
type asset struct {
	name    string // app.3f2a9c01d4e5.css
	kind    string
	content []byte
}

// assetSet finds an asset by its plain name and by its hashed one.
type assetSet struct{ plain, hashed map[string]asset }

// kinds are fixed here, not read from the machine's tables.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func loadAssets() (assetSet, error) {
	set := assetSet{map[string]asset{}, map[string]asset{}}
	err := fs.WalkDir(files, "static", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(file)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		plain, ext := path.Base(file), path.Ext(file)
		a := asset{
			name:    strings.TrimSuffix(plain, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
			kind:    kinds[ext],
			content: content,
		}
		set.plain[plain], set.hashed[a.name] = a, a
		return nil
	})
	return set, err
}

// static serves the assets.
func (v *visit) static() error {
	a, ok := v.assets.hashed[v.r.PathValue("file")]
	if !ok {
		return ledger.ErrNotFound
	}
	h := v.w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	v.w.Write(a.content) // an error means that the browser went away
	return nil
}

// templateSet holds each page once in each language. A page is parsed when it
// is first asked for: all of them would be a tenth of an idle server's memory.
type templateSet struct {
	base map[ledger.Lang]*template.Template

	mu    sync.Mutex
	pages map[string]*template.Template // by "lang/name"
}

func loadTemplates(assets assetSet, zone *time.Location, now func() time.Time) (*templateSet, error) {
	set := &templateSet{base: map[ledger.Lang]*template.Template{}, pages: map[string]*template.Template{}}
	for _, lang := range []ledger.Lang{ledger.Chinese, ledger.English} {
		funcs := template.FuncMap{
			"t":       func(key string, args ...any) string { return text(lang, key, args...) },
			"asset":   func(plain string) (string, error) { return assets.address(plain) },
			"when":    func(t time.Time) string { return when(lang, t.In(zone), now().In(zone)) },
			"clock":   func(t time.Time) string { return t.In(zone).Format("15:04") },
			"exact":   func(t time.Time) string { return exact(lang, t.In(zone), now().In(zone)) },
			"iso":     func(t time.Time) string { return t.In(zone).Format(time.RFC3339) },
			"yuan":    yuan,
			"short":   shortYuan,
			"clean":   clip,
			"grant":   func(title string) string { return grantTitle(lang, clip(title)) },
			"refused": refused,
			"onOld":   onOld,
			"minus":   func(f ledger.Fen) ledger.Fen { return -f },
			"signed": func(f ledger.Fen, out bool) template.HTML { // digits and a sign, whose plus would be escaped
				if out {
					f = -f
				}
				return template.HTML(signed(f))
			},
		}
		base, err := template.New("").Funcs(funcs).ParseFS(files, "templates/base.html", "templates/icons.html", "templates/parts.html")
		if err != nil {
			return nil, err
		}
		set.base[lang] = base
	}
	return set, nil
}

// grantTitle says our own word for a grant in the holder's language; what
// follows it the office wrote.
func grantTitle(lang ledger.Lang, title string) string {
	if name, ours := ledger.GrantName(title); ours {
		return strings.TrimSpace(text(lang, "transfer.grant") + " " + name)
	}
	return title
}

// refused are the attributes of a field that was not taken: the browser goes
// there, also without scripts, and a screen reader reads the words at errorID
// with it. Hints are the ids of what explains the field in any case.
func refused(word, errorID string, hints ...string) template.HTMLAttr {
	attributes := ""
	if word != "" {
		attributes = `aria-invalid="true" autofocus `
		hints = append(hints, errorID)
	}
	if len(hints) > 0 {
		attributes += `aria-describedby="` + strings.Join(hints, " ") + `"`
	}
	return template.HTMLAttr(attributes) // all of them are our own words
}

func (s *templateSet) page(lang ledger.Lang, name string) (*template.Template, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := string(lang) + "/" + name
	if t, ok := s.pages[key]; ok {
		return t, nil
	}
	t, err := s.base[lang].Clone()
	if err == nil {
		t, err = t.ParseFS(files, "templates/page_"+name+".html")
	}
	if err != nil {
		return nil, fmt.Errorf("the page %q in %q: %w", name, lang, err)
	}
	s.pages[key] = t
	return t, nil
}

func (s assetSet) address(plain string) (string, error) {
	a, ok := s.plain[plain]
	if !ok {
		return "", fmt.Errorf("no asset %q", plain)
	}
	return "/h5/static/" + a.name, nil
}

// view is what every template sees.
type view struct {
	Title   string
	Lang    ledger.Lang
	Other   string // address of this page in the other language
	CSRF    string
	Notice  string // said once, on top: what has just been done
	Refused bool   // what was asked or sent was not taken; the title begins with it
	Data    any
}

// notices are the things a page may say after a redirect; the address holds
// only the key.
var notices = map[string]string{
	"verified": "notice.verified",
	"bound":    "notice.bound",
	"password": "notice.password",
	"settings": "notice.settings",
	"refund":   "notice.refund",
}

// show renders a page completely before a byte of it is sent.
func (v *visit) show(status int, page, title string, data any) error {
	t, err := v.templates.page(v.lang, page)
	if err != nil {
		return err
	}
	shown := view{Title: title, Lang: v.lang, CSRF: v.session.CSRF, Refused: status >= http.StatusBadRequest, Data: data}
	if v.r.Method == http.MethodGet {
		shown.Notice = notices[v.r.URL.Query().Get("done")]
	}
	if v.route.Role > Open {
		shown.Other = v.inOther()
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "base", shown); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.lang))
	h.Set("Vary", "Accept-Language, Cookie")
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes()) // an error means that the browser went away
	return nil
}

// inOther is the address of this page in the other language. What a form posted
// is not in it.
func (v *visit) inOther() string {
	query := url.Values{}
	if v.r.Method == http.MethodGet {
		query = v.r.URL.Query()
		query.Del("done")
	}
	query.Set("lang", string(ledger.English))
	if v.lang == ledger.English {
		query.Set("lang", string(ledger.Chinese))
	}
	return (&url.URL{Path: v.r.URL.Path, RawQuery: query.Encode()}).String()
}

// answer writes a JSON answer.
func (v *visit) answer(body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Write(b)
	return nil
}

func (v *visit) t(key string, args ...any) string { return text(v.lang, key, args...) }

// when says a moment as people of the language write it; the year only when
// it is not this one.
func when(lang ledger.Lang, t, now time.Time) string {
	layout := "1月2日 15:04"
	if lang == ledger.English {
		layout = "2 Jan, 15:04"
	}
	if t.Year() != now.Year() {
		if layout = "2006年1月2日 15:04"; lang == ledger.English {
			layout = "2 Jan 2006, 15:04"
		}
	}
	return t.Format(layout)
}

// exact says a moment to the second, and its day unless it is today.
func exact(lang ledger.Lang, t, now time.Time) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return when(lang, t, now) + t.Format(":05")
}

// shortYuan is yuan without decimals that say nothing: 50, 12.50.
func shortYuan(f ledger.Fen) string { return strings.TrimSuffix(f.Yuan(), ".00") }

// onOld names the line by which the balance over all of a holder's cards
// differs from that of the one in use.
func onOld(f ledger.Fen) (key string) {
	if f < 0 {
		return "statement.old_short"
	}
	return "statement.on_old"
}
