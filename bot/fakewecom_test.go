package bot

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// fakeWeCom answers the API calls that the tests make. Its zero value, started, gives tokens and says ok.
type fakeWeCom struct {
	*httptest.Server

	mu       sync.Mutex
	tokens   int               // given so far; the last one is valid
	fetches  int               // of gettoken
	expires  int               // expires_in; 0 = 7200
	badToken int               // what an old token gets; 0 = 40014
	deny     int               // errcode of gettoken
	answers  map[string]string // by path
	requests []apiCall
	handle   http.HandlerFunc // instead of answers
}

type apiCall struct {
	path  string
	query url.Values
	body  string
}

func newFakeWeCom(t testing.TB) *fakeWeCom {
	t.Helper()
	f := &fakeWeCom{answers: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeWeCom) token() string { return fmt.Sprintf("TOKEN%dtoken", f.tokens) }

// revoke makes the token given last invalid.
func (f *fakeWeCom) revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens++
}

func (f *fakeWeCom) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/cgi-bin/")
	q := r.URL.Query()
	if path == "gettoken" {
		f.fetches++
		if f.deny != 0 {
			fmt.Fprintf(w, `{"errcode":%d,"errmsg":"no: %s, from ip: 203.0.113.7"}`, f.deny, q.Get("corpsecret"))
			return
		}
		if q.Get("corpsecret") != testSecret || q.Get("corpid") != testCorp {
			fmt.Fprint(w, `{"errcode":40001,"errmsg":"bad secret"}`)
			return
		}
		expires := f.expires
		if expires == 0 {
			expires = 7200
		}
		fmt.Fprintf(w, `{"errcode":0,"errmsg":"ok","access_token":"%s","expires_in":%d}`, f.token(), expires)
		return
	}
	if q.Get("access_token") != f.token() {
		code := f.badToken
		if code == 0 {
			code = 40014
		}
		fmt.Fprintf(w, `{"errcode":%d,"errmsg":"invalid access_token %s"}`, code, q.Get("access_token"))
		return
	}
	body, _ := io.ReadAll(r.Body)
	f.requests = append(f.requests, apiCall{path, q, string(body)})
	if f.handle != nil {
		f.handle(w, r)
		return
	}
	if a := f.answers[path]; a != "" {
		fmt.Fprint(w, a)
		return
	}
	fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
}

// set changes the server while it runs.
func (f *fakeWeCom) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// fetched is how often a token was asked for.
func (f *fakeWeCom) fetched() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fetches
}

func (f *fakeWeCom) last() apiCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[len(f.requests)-1]
}

func newTestClient(t testing.TB, base string, change ...func(*ClientConfig)) *Client {
	t.Helper()
	cfg := ClientConfig{App: testApp, Secret: testSecret, BaseURL: base}
	for _, f := range change {
		f(&cfg)
	}
	c, err := NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secretFree fails when an error shows what it must not.
func secretFree(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, bad := range []string{testSecret, "TOKEN", "access_token=", "corpsecret=", "CODEcode"} {
		if strings.Contains(err.Error(), bad) || strings.Contains(fmt.Sprintf("%+v", err), bad) {
			t.Fatalf("the error shows %q: %v", bad, err)
		}
	}
}
