package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wechatpay"
)

var keys = sync.OnceValues(wechatpay.NewKeys)

// desk is a served page with a product behind it, and a browser.
type desk struct {
	*testing.T
	url     string
	campus  *campus.Campus
	browser *http.Client
}

func newDesk(t *testing.T, product http.Handler) desk {
	t.Helper()
	k, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(nil)
	public := "http://" + front.Listener.Addr().String()
	c, err := campus.Open(campus.Config{
		Dir: t.TempDir(), PublicURL: public, People: 12, WritePause: time.Millisecond, WeChatKeys: k, AutoMember: Phone,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cfg := Config{Campus: c, PublicURL: public}
	if product != nil {
		behind := httptest.NewServer(product)
		t.Cleanup(behind.Close)
		if cfg.Product, err = url.Parse(behind.URL); err != nil {
			t.Fatal(err)
		}
	}
	front.Config.Handler = New(cfg).Handler()
	front.Start()
	t.Cleanup(front.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return desk{t, public, c, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (d desk) get(path string) (*http.Response, string) {
	d.Helper()
	resp, err := d.browser.Get(d.url + path)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return resp, string(body)
}

func (d desk) post(path, body string, into any) int {
	d.Helper()
	resp, err := d.browser.Post(d.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	if into != nil {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			d.Fatal(err)
		}
	}
	return resp.StatusCode
}

func TestPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	resp, page := d.get("/")
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'self'") {
		t.Fatalf("%d, policy %q", resp.StatusCode, resp.Header.Get("Content-Security-Policy"))
	}
	if strings.Contains(page, "<script>") || strings.Contains(page, "style=") {
		t.Error("the page holds what its own policy forbids")
	}
	for _, attribute := range strings.Fields(strings.NewReplacer(`"`, " ", "'", " ").Replace(page)) {
		if strings.HasPrefix(attribute, "/sandbox/static/") {
			if resp, _ := d.get(attribute); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", attribute, resp.StatusCode)
			}
		}
		if strings.HasPrefix(attribute, "http") && !strings.HasPrefix(attribute, "http://www.w3.org/") {
			t.Errorf("the page names another host: %s", attribute)
		}
	}
	if resp, _ := d.get("/h5/"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("without a product its pages answer %d", resp.StatusCode)
	}
}

func TestPageUnderAnotherName(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	req, err := http.NewRequest(http.MethodGet, d.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost:1"
	resp, err := d.browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != d.url+"/" {
		t.Errorf("%d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

func TestPeople(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.get("/")
	second := d.campus.People()[1]
	_, found := d.get("/sandbox/api/people?q=" + second.StudentNo)
	if !strings.Contains(found, second.Name) || strings.Contains(found, "张小卡") {
		t.Errorf("found %s", found)
	}
	if strings.Contains(found, second.Phone) {
		t.Error("the page is told phone numbers")
	}
	if status := d.post("/sandbox/api/me", `{"user_id":"`+second.UserID+`"}`, nil); status != http.StatusOK {
		t.Fatalf("become: %d", status)
	}
	if _, state := d.get("/sandbox/api/state"); !strings.Contains(state, second.Name) {
		t.Errorf("still somebody else: %s", state)
	}
	if status := d.post("/sandbox/api/me", `{"user_id":"nobody"}`, nil); status != http.StatusNotFound {
		t.Errorf("nobody: %d", status)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.get("/")
	for name, c := range map[string]struct {
		path, body string
		status     int
		code       string
	}{
		"NoApp":     {"/sandbox/api/chats/7/text", `{"text":"x"}`, http.StatusNotFound, "no_app"},
		"NoMessage": {"/sandbox/api/chats/1000002/press", `{"message":"m99","key":"k"}`, http.StatusNotFound, "no_message"},
		"NoAnswer":  {"/sandbox/api/chats/1000002/text", `{"text":"x"}`, http.StatusBadGateway, "callback"},
		"BadSign":   {"/sandbox/api/pay/check", `{"appId":"x"}`, http.StatusBadRequest, "bad_pay_sign"},
		"NoCode":    {"/sandbox/api/pay/scan", `{"code_url":"weixin://x"}`, http.StatusNotFound, "unknown_order"},
		"NoMachine": {"/sandbox/api/kiosks/K09/insert", `{}`, http.StatusNotFound, "no_machine"},
		"BadJSON":   {"/sandbox/api/me", `{`, http.StatusBadRequest, "bad_json"},
	} {
		t.Run(name, func(t *testing.T) {
			var got struct{ Code, Message string }
			if status := d.post(c.path, c.body, &got); status != c.status || got.Code != c.code || got.Message == "" {
				t.Errorf("%d %+v, not %d %s", status, got, c.status, c.code)
			}
		})
	}
	t.Run("OtherSite", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodPost, d.url+"/sandbox/api/me", strings.NewReader(`{"user_id":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := d.browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("another site may act here: %d", resp.StatusCode)
		}
	})
}

func TestProxy(t *testing.T) {
	t.Parallel()
	product := http.NewServeMux()
	product.HandleFunc("/h5/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Frame-Options", "DENY")
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; img-src data:")
		if r.URL.Query().Has("login") {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: r.URL.Query().Get("login"), Path: "/h5", HttpOnly: true})
		}
		fmt.Fprintf(w, "cookie=%s host=%s agent=%s language=%s", r.Header.Get("Cookie"), r.Host, r.UserAgent(), r.Header.Get("Accept-Language"))
	})
	product.HandleFunc("/wechatpay/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "frame-ancestors 'none'")
		http.SetCookie(w, &http.Cookie{Name: "other", Value: "1"})
		fmt.Fprintf(w, "signature=%s", r.Header.Get("Wechatpay-Signature"))
	})
	d := newDesk(t, product)

	t.Run("NoPhone", func(t *testing.T) {
		resp, err := http.Get(d.url + "/h5/?login=zero")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if len(resp.Cookies()) != 1 {
			t.Error("a browser that is no phone does not keep its own cookies")
		}
	})
	d.get("/")
	t.Run("Frame", func(t *testing.T) {
		resp, body := d.get("/h5/?login=one")
		if policy := resp.Header.Get("Content-Security-Policy"); policy != "default-src 'self'; img-src data:" || resp.Header.Get("X-Frame-Options") != "" {
			t.Errorf("the page will not open in the phone: %q", policy)
		}
		if !strings.Contains(body, "host="+strings.TrimPrefix(d.url, "http://")) || !strings.Contains(body, "wxwork/") || !strings.Contains(body, "MicroMessenger/") || !strings.Contains(body, "language=zh-CN") {
			t.Errorf("the product was asked by %s", body)
		}
	})
	t.Run("CookiesOfEachPhone", func(t *testing.T) {
		if _, body := d.get("/h5/"); !strings.Contains(body, "cookie=session=one ") {
			t.Errorf("the phone forgot: %s", body)
		}
		d.post("/sandbox/api/me", `{"user_id":"`+d.campus.People()[1].UserID+`"}`, nil)
		if _, body := d.get("/h5/"); !strings.Contains(body, "cookie= ") {
			t.Errorf("another phone came with %s", body)
		}
		d.post("/sandbox/api/me", `{"user_id":"`+d.campus.People()[0].UserID+`"}`, nil)
		if _, body := d.get("/h5/"); !strings.Contains(body, "cookie=session=one ") {
			t.Errorf("back on the first phone: %s", body)
		}
	})
	t.Run("Desktop", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodGet, d.url+"/h5/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Dest", "document")
		resp, err := d.browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || strings.Contains(string(body), "wxwork") {
			t.Errorf("a tab of its own calls itself a phone: %s %v", body, err)
		}
	})
	t.Run("NotAPage", func(t *testing.T) {
		req, err := http.NewRequest(http.MethodPost, d.url+"/wechatpay/notify", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Wechatpay-Signature", "sig")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "signature=sig" || len(resp.Cookies()) != 1 || resp.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("not passed through as it is: %s %v", body, err)
		}
	})
}

func TestProxyProductGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	gone, err := url.Parse("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Campus: d.campus, PublicURL: d.url, Product: gone, ProductUp: func() bool { return false }})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusBadGateway {
		t.Errorf("got %d", w.Code)
	}
	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sandbox/api/state", nil))
	if !strings.Contains(w.Body.String(), `"product":"down"`) {
		t.Errorf("the page is told %s", w.Body)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.get("/")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/sandbox/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := d.browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "retry: 1000" {
		t.Fatalf("the stream begins with %q", lines.Text())
	}
	d.campus.Hub.Publish(campus.TopicChat, d.campus.People()[1].UserID)
	d.campus.Hub.Publish(campus.TopicMail, "")
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if text != `["mail"]` {
				t.Errorf("told %s", text)
			}
			return
		}
	}
	t.Error("nothing came")
}

func TestOAuth(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	d.get("/")
	q := url.Values{
		"appid": {d.campus.State().CorpID}, "redirect_uri": {d.url + "/h5/oauth/callback"}, "response_type": {"code"},
		"scope": {"snsapi_base"}, "state": {"abc"}, "agentid": {"1000002"},
	}
	resp, body := d.get("/connect/oauth2/authorize?" + q.Encode())
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || to.Path != "/h5/oauth/callback" || to.Query().Get("code") == "" || to.Query().Get("state") != "abc" {
		t.Errorf("%d to %q: %s", resp.StatusCode, resp.Header.Get("Location"), body)
	}
}

func TestMachineAPI(t *testing.T) {
	t.Parallel()
	d := newDesk(t, http.NotFoundHandler())
	d.get("/")
	if err := d.campus.SetTerminalSecret("K01", "AAAA"); err != nil {
		t.Fatal(err)
	}
	var v machineView
	d.post("/sandbox/api/kiosks/K01/insert", `{}`, &v)
	if v.Step != campus.StepPIN || v.Card == nil || v.Mine.Chip.BalanceFen != 1250 || len(v.Machines) != 1 {
		t.Errorf("after the card went in: %+v", v)
	}
	d.post("/sandbox/api/kiosks/K01/pin", `{"pin":"123456"}`, &v)
	if v.Step != campus.StepPIN || v.Problem == "" {
		t.Errorf("a server without the API is taken for one: %+v", v)
	}
	if status := d.post("/sandbox/api/kiosks/K01/claim", `{"pull":"before"}`, nil); status != http.StatusConflict {
		t.Errorf("claim before the password: %d", status)
	}
	var idle machineView
	if d.post("/sandbox/api/kiosks/K01/remove", `{}`, &idle); idle.Step != campus.StepIdle || idle.Card != nil {
		t.Errorf("after the card went out: %+v", idle)
	}
}

// A note ticks off what a person did, not what an app told them: an operator hears a day's turnover before they ever verified.
func TestJourney(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	p := d.campus.People()[0]
	state := d.campus.State()
	call := func(method, path, body string) (answer struct {
		Token string `json:"access_token"`
		Code  int    `json:"errcode"`
	}) {
		w := httptest.NewRecorder()
		d.campus.WeCom.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.Code != 0 {
			t.Fatalf("%s: %s %v", path, w.Body, err)
		}
		return answer
	}
	card := state.Agents[1]
	token := call(http.MethodGet, "/cgi-bin/gettoken?corpid="+state.CorpID+"&corpsecret="+card.Secret, "").Token
	for _, step := range []struct {
		text string
		want campus.Journey
	}{
		{"2026-11-22 · 收款 ¥0.00", campus.Journey{}},
		{"余额 ¥12.50", campus.Journey{true, true, true}},
	} {
		call(http.MethodPost, "/cgi-bin/message/send?access_token="+token, fmt.Sprintf(`{"touser":%q,"msgtype":"text","agentid":%d,"text":{"content":%q}}`, p.UserID, card.AgentID, step.text))
		var me struct{ Journey campus.Journey }
		_, body := d.get("/sandbox/api/state")
		if err := json.Unmarshal([]byte(body), &me); err != nil || me.Journey != step.want {
			t.Errorf("after %q: %v %v in %s", step.text, me.Journey, err, body)
		}
	}
}
