// Package guide serves the public user guide at /: how to join, verify, bind,
// top up, collect, look things up and report a loss, in Chinese and English,
// with pictures of the product itself. Anybody may read it. It knows nobody's
// data, has no session and no cookie but the reader's choice of language, and
// links nowhere outside. What cannot be known when it is written (where the
// machines stand, who helps, the QR code to join) comes from the
// configuration and from WeCom.
//
// cmd/xiaoka mounts it. `make pictures` makes the pictures anew out of the
// sandbox.
package guide

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"time"

	"xiaoka/ledger"
)

//go:embed guide.html static pictures
var files embed.FS

// Words is one text in both languages; an empty En shows Zh.
type Words struct{ Zh, En string }

// Config is what New needs; all of it may be empty.
type Config struct {
	Office   Words // who helps; what is empty is not mentioned, as for the next three
	Phone    string
	Hours    Words
	Machines []Words // where the self-service machines stand

	// Join fetches the QR code by which people join the corp, a PNG or JPEG;
	// nil = the guide sends them to the office for it.
	Join func(ctx context.Context) (picture []byte, err error)

	Secure bool             // the cookie goes over https only
	Now    func() time.Time // default time.Now
	Log    *slog.Logger     // default slog.Default
}

// Guide is the guide's addresses.
type Guide struct {
	cfg    Config
	page   map[string]*template.Template // by language
	assets map[string]asset              // by name in the address
	join   *joinCode                     // nil = none
}

// asset is a file that belongs to the page; its address changes with it.
type asset struct {
	address string
	kind    string
	content []byte
}

// kinds are fixed here, not read from the machine's tables.
var kinds = map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".webp": "image/webp"}

// The languages; the first is for who names neither.
var languages = []string{chinese, english}

const (
	chinese = "zh-CN"
	english = "en"
)

// New prepares the pages.
func New(cfg Config) (*Guide, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	g := &Guide{cfg: cfg, page: map[string]*template.Template{}, assets: map[string]asset{}}
	if cfg.Join != nil {
		g.join = &joinCode{fetch: cfg.Join, now: cfg.Now, log: cfg.Log}
	}
	if err := fs.WalkDir(files, ".", g.load); err != nil {
		return nil, fmt.Errorf("guide: %w", err)
	}
	for _, lang := range languages {
		t, err := template.New("guide.html").Funcs(template.FuncMap{
			"t":       func(key string) (string, error) { return text(lang, key) },
			"in":      func(w Words) string { return w.in(lang) },
			"asset":   g.address,
			"picture": func(name string) (string, error) { return g.picture(name, lang) },
		}).ParseFS(files, "guide.html")
		if err != nil {
			return nil, fmt.Errorf("guide: %w", err)
		}
		g.page[lang] = t
	}
	return g, nil
}

// Keep fetches the QR code to join the corp, at once and then each day, until
// ctx ends. Without it, or while WeCom does not answer, the guide sends people
// to the office for the code.
func (g *Guide) Keep(ctx context.Context) {
	if g.join != nil {
		g.join.keep(ctx)
	}
}

func (g *Guide) load(file string, d fs.DirEntry, err error) error {
	if err != nil || d.IsDir() || path.Ext(file) == ".html" {
		return err
	}
	content, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	name := path.Base(file)
	g.assets[name] = asset{"/guide/" + name + "?v=" + version(content), kinds[path.Ext(file)], content}
	return nil
}

func version(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

func (g *Guide) address(name string) (string, error) {
	a, ok := g.assets[name]
	if !ok {
		return "", errors.New("no file " + name)
	}
	return a.address, nil
}

// picture is the address of a picture, of the language or of both.
func (g *Guide) picture(name, lang string) (string, error) {
	if a, ok := g.assets[name+"."+lang+".webp"]; ok {
		return a.address, nil
	}
	return g.address(name + ".webp")
}

func (w Words) in(lang string) string {
	if lang == english && w.En != "" {
		return w.En
	}
	return w.Zh
}

// Routes registers the guide's addresses with mux.
func (g *Guide) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", g.show)
	mux.HandleFunc("GET /guide/{$}", g.show)
	mux.HandleFunc("GET /guide/{file}", g.file)
	mux.HandleFunc("GET /guide/join", g.showJoin)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { g.send(w, "icon.svg", "public, max-age=86400") })
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, "User-agent: *\nAllow: /$\nAllow: /guide/\nDisallow: /\n")
	})
}

// policy lets the page load what it came with and do nothing.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// view is what the page shows beside its texts.
type view struct {
	Config
	Lang, Other string // Other is the language to change to
	At          string // the page's own path
	JoinCode    string // address of the picture; empty = none
}

func (g *Guide) show(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	lang, chosen := g.language(r)
	v := view{Config: g.cfg, Lang: lang, Other: english, At: r.URL.Path}
	if lang == english {
		v.Other = chinese
	}
	cache := "public, max-age=300"
	if g.join != nil {
		if code := g.join.get(); code != nil {
			v.JoinCode = "/guide/join?v=" + version(code)
		} else {
			cache = "no-cache" // it may be there a moment later
		}
	}
	var b bytes.Buffer
	if err := g.page[lang].Execute(&b, v); err != nil {
		g.cfg.Log.ErrorContext(r.Context(), "guide not rendered", "err", err)
		http.Error(w, "the guide cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept-Language, Cookie")
	if chosen {
		cache = "private, no-cache"
		http.SetCookie(w, &http.Cookie{Name: g.cookie(), Value: lang, Path: "/", MaxAge: int(langTTL / time.Second), HttpOnly: true,
			Secure: g.cfg.Secure, SameSite: http.SameSiteLaxMode})
	}
	h.Set("Cache-Control", cache)
	tag := `"` + version(b.Bytes()) + `"`
	h.Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(b.Bytes()) // an error means that the browser went away
}

// file serves a style sheet or a picture. Its address holds its hash, so it
// may be kept for ever.
func (g *Guide) file(w http.ResponseWriter, r *http.Request) {
	g.send(w, r.PathValue("file"), "public, max-age=31536000, immutable")
}

func (g *Guide) send(w http.ResponseWriter, name, cache string) {
	protect(w.Header())
	a, ok := g.assets[name]
	if !ok {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", cache)
	w.Write(a.content)
}

func (g *Guide) showJoin(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	var code []byte
	if g.join != nil {
		code = g.join.get()
	}
	if code == nil {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", http.DetectContentType(code))
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Write(code)
}

const langTTL = 365 * 24 * time.Hour

// cookie is the name of the cookie that keeps the language. The pages for
// phones read it too.
func (g *Guide) cookie() string {
	if g.cfg.Secure {
		return "__Host-xiaoka_lang"
	}
	return "xiaoka_lang"
}

// language is the one just chosen by ?lang=, the one kept, or the first of the
// two that the browser names.
func (g *Guide) language(r *http.Request) (lang string, chosen bool) {
	for _, lang := range languages {
		if r.URL.Query().Get("lang") == lang {
			return lang, true
		}
	}
	if c, err := r.Cookie(g.cookie()); err == nil && (c.Value == chinese || c.Value == english) {
		return c.Value, false
	}
	return string(ledger.PreferredLang(r.Header.Get("Accept-Language"))), false
}
