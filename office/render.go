package office

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

//go:embed templates static
var files embed.FS

// drawings are the templates in each language and what they are drawn with.
type drawings struct {
	templates map[ledger.Lang]*template.Template
	assets    map[string][]byte // by address under /office/static/
}

// kinds are fixed here, not read from the machine's tables.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

func newDrawings(zone *time.Location, now func() time.Time) (drawings, error) {
	d := drawings{templates: map[ledger.Lang]*template.Template{}, assets: map[string][]byte{}}
	addresses := map[string]string{}
	for _, plain := range []string{"office.css", "icon.svg"} {
		content, err := files.ReadFile("static/" + plain)
		if err != nil {
			return d, err
		}
		// The address holds the hash, so that it may be kept for ever.
		sum := sha256.Sum256(content)
		ext := path.Ext(plain)
		hashed := strings.TrimSuffix(plain, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		d.assets[hashed], addresses[plain] = content, "/office/static/"+hashed
	}
	for _, lang := range []ledger.Lang{ledger.Chinese, ledger.English} {
		t, err := template.New("").Funcs(template.FuncMap{
			"t":       func(key string, args ...any) string { return text(lang, key, args...) },
			"named":   func(family, key string) string { return named(lang, family, key) },
			"asset":   func(plain string) string { return addresses[plain] },
			"when":    func(t time.Time) string { return when(lang, t.In(zone), now().In(zone)) },
			"iso":     func(t time.Time) string { return t.In(zone).Format(time.RFC3339) },
			"age":     func(t time.Time) string { return age(lang, now().Sub(t)) },
			"tail":    tail,
			"hide":    hide,
			"classes": func() []string { return classes },
		}).ParseFS(files, "templates/*.html")
		if err != nil {
			return d, err
		}
		d.templates[lang] = t
	}
	return d, nil
}

// static serves what the pages are drawn with.
func (v *visit) static() error {
	name := v.r.PathValue("file")
	content, ok := v.drawn.assets[name]
	if !ok {
		return ledger.ErrNotFound
	}
	v.w.Header().Set("Content-Type", kinds[path.Ext(name)])
	v.w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	v.w.Write(content) // an error means that the browser went away
	return nil
}

// view is what every template sees.
type view struct {
	Title   string
	Lang    ledger.Lang
	Other   string // address of this page in the other language
	UserID  string
	Auditor bool
	Now     time.Time
	Said    string // of the message page
	Data    any
}

// show renders a page completely before a byte of it is sent.
func (v *visit) show(status int, page, title string, data any) error {
	other := url.Values{"lang": {string(ledger.English)}}
	if v.lang == ledger.English {
		other.Set("lang", string(ledger.Chinese))
	}
	shown := view{Title: text(v.lang, "title."+title), Lang: v.lang, Now: v.now, Said: title, Data: data}
	if v.role >= Viewer && page != "message" {
		shown.UserID, shown.Auditor = v.userID, v.role >= Auditor
		shown.Other = (&url.URL{Path: v.r.URL.Path, RawQuery: other.Encode()}).String()
	}
	var b bytes.Buffer
	if err := v.drawn.templates[v.lang].ExecuteTemplate(&b, page, shown); err != nil {
		return fmt.Errorf("draw the page %q: %w", page, err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(v.lang))
	v.w.WriteHeader(status)
	v.w.Write(b.Bytes()) // an error means that the browser went away
	return nil
}

// when says a moment as people of the language write it; the year only when it
// is not this one.
func when(lang ledger.Lang, t, now time.Time) string {
	layouts := map[bool][2]string{true: {"1月2日 15:04", "2 Jan, 15:04"}, false: {"2006年1月2日 15:04", "2 Jan 2006, 15:04"}}
	if lang == ledger.English {
		return t.Format(layouts[t.Year() == now.Year()][1])
	}
	return t.Format(layouts[t.Year() == now.Year()][0])
}

// age says how long ago in the largest unit that fits twice.
func age(lang ledger.Lang, d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 2*time.Minute:
		return text(lang, "age.seconds", int(d/time.Second))
	case d < 2*time.Hour:
		return text(lang, "age.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return text(lang, "age.hours", int(d/time.Hour))
	}
	return text(lang, "age.days", int(d/(24*time.Hour)))
}

// tail shows what a card can be recognised by.
func tail(cardNo string) string {
	if cardNo == "" {
		return ""
	}
	return "…" + identity.CardTail(cardNo)
}

// numbers are what may be the number of a person or a card in a text that was
// written for the log; those of orders and refunds stand among letters.
var numbers = regexp.MustCompile(`\b[0-9]{6,}\b`)

// hide masks a card's number, and what may be another's, in such a text.
func hide(s, cardNo string) string {
	if cardNo != "" {
		s = strings.ReplaceAll(s, cardNo, tail(cardNo))
	}
	return numbers.ReplaceAllStringFunc(s, identity.MaskNumber)
}

// classes are the lines of a day's report by how they compare, the usual one
// first.
var classes = []string{"matched", "missing here", "missing there", "amount differs", "refund differs", "foreign"}

// States of what is watched; the icon and the words say it too.
const (
	good = "good"
	look = "look" // somebody should look today
	bad  = "bad"  // somebody should look now
)
