package e2e

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// answer is what came back, before any redirect is followed.
type answer struct {
	status int
	header http.Header
	body   string
	to     string // Location
}

// send makes one request with the browser's cookies and nothing that the test
// did not ask for. It may run beside others.
func (m *member) send(method, path string, form url.Values, change ...func(*http.Request)) answer {
	m.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = m.url + path
	}
	req, err := http.NewRequestWithContext(context.Background(), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		m.t.Error(err)
		return answer{}
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range change {
		c(req)
	}
	client := *m.phone
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		m.t.Error(err)
		return answer{}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Error(err)
	}
	return answer{res.StatusCode, res.Header, string(b), res.Header.Get("Location")}
}

// at points a request at one replica.
func at(r *replica) func(*http.Request) {
	return func(req *http.Request) { req.URL.Host = r.addr }
}

// form is the fields with the session's own token, which the member gets
// where every session has one.
func (m *member) form(pairs ...string) url.Values {
	m.t.Helper()
	token := csrfField.FindStringSubmatch(m.open("/h5/settings"))
	if token == nil { // somebody who is not on record
		token = csrfField.FindStringSubmatch(m.open("/h5/verify"))
	}
	if token == nil {
		m.t.Fatal("no page has a form")
	}
	form := url.Values{"csrf_token": {token[1]}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// with is the form with other fields.
func with(form url.Values, pairs ...string) url.Values {
	out := url.Values{}
	for k, v := range form {
		out[k] = v
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}

// overheard is what passed between the balancer and the product.
type overheard struct {
	mu       sync.Mutex
	requests []string // addresses with their queries
	failures []string // bodies of answers of 400 and above
}

// listen has the balancer keep what passes through it from now on.
func (h *house) listen() *overheard {
	o := &overheard{}
	for _, r := range h.replicas {
		r.proxy.ModifyResponse = func(res *http.Response) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.requests = append(o.requests, res.Request.Method+" "+res.Request.URL.RequestURI()+" → "+res.Header.Get("Location"))
			if res.StatusCode < http.StatusBadRequest {
				return nil
			}
			b, err := io.ReadAll(res.Body)
			res.Body = io.NopCloser(strings.NewReader(string(b)))
			o.failures = append(o.failures, string(b))
			return err
		}
	}
	return o
}

func (o *overheard) addresses() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.requests, "\n")
}

func (o *overheard) errors() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.failures, "\n")
}

// loginPage tells the way to WeCom's OAuth from any other answer.
func loginPage(a answer) bool {
	return a.status == http.StatusSeeOther && strings.Contains(a.to, "/connect/oauth2/authorize?")
}

// setBody gives a request a body that is no form.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(strings.NewReader(body)), int64(len(body)), nil
	r.Header.Set("Content-Type", "application/json")
}
