package h5

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"xiaoka/ledger"
)

// phone is a browser: it keeps cookies and posts what a page's form holds.
type phone struct {
	t       *testing.T
	pages   http.Handler
	cookies map[string]string
	lang    string
}

// open starts the pages in a world and hands over a phone.
func open(t *testing.T, w *world, edit ...func(*Config)) *phone {
	t.Helper()
	cfg := w.config()
	for _, f := range edit {
		f(&cfg)
	}
	pages, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, pages: pages, cookies: map[string]string{}}
}

// as gives the phone a session of the person, and returns its form token.
func (p *phone) as(w *world, id int64) string {
	p.t.Helper()
	csrf, err := p.session(p.t.Context(), w, id)
	if err != nil {
		p.t.Fatal(err)
	}
	return csrf
}

func (p *phone) session(ctx context.Context, w *world, id int64) (csrf string, err error) {
	token := "token-" + rand.Text()
	person := w.people[id]
	s := ledger.Session{TokenHash: hashToken(token), CSRF: "csrf-" + rand.Text(), CreatedAt: w.now, ExpiresAt: w.now.Add(sessionTTL), UserID: "visitor7"}
	if person != nil {
		s.PersonID, s.UserID = id, person.UserID
	}
	p.cookies["__Host-"+sessionCookie] = token
	return s.CSRF, w.CreateSession(ctx, s)
}

func (p *phone) do(r *http.Request) *http.Response {
	p.t.Helper()
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if p.lang != "" {
		r.Header.Set("Accept-Language", p.lang)
	}
	recorder := httptest.NewRecorder()
	p.pages.ServeHTTP(recorder, r)
	answer := recorder.Result()
	for _, c := range answer.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return answer
}

func (p *phone) get(path string) *http.Response {
	p.t.Helper()
	return p.do(httptest.NewRequest("GET", "https://card.example.edu.cn"+path, nil))
}

func (p *phone) post(path string, form url.Values) *http.Response {
	p.t.Helper()
	return p.do(postRequest(path, form))
}

func postRequest(path string, form url.Values) *http.Request {
	r := httptest.NewRequest("POST", "https://card.example.edu.cn"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://card.example.edu.cn")
	return r
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantPage checks a status and that words are on the page.
func wantPage(t *testing.T, answer *http.Response, status int, words ...string) string {
	t.Helper()
	got := body(t, answer)
	if answer.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", answer.StatusCode, status, got)
	}
	for _, word := range words {
		if !strings.Contains(got, word) {
			t.Errorf("%q is not on the page:\n%s", word, got)
		}
	}
	return got
}

func wantRedirect(t *testing.T, answer *http.Response, to string) {
	t.Helper()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != to {
		t.Fatalf("status %d to %q, want 303 to %q\n%s", answer.StatusCode, answer.Header.Get("Location"), to, body(t, answer))
	}
}

var visible = regexp.MustCompile(`(?s)<main>(.*)</main>`)
