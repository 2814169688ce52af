package web

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// proxy puts the product behind the sandbox's address, so that its pages open in the phone's frame. Towards the product
// it is the phone's browser: each person's phone keeps cookies of its own, and says that it is WeCom's.
type proxy struct {
	reverse *httputil.ReverseProxy
	public  *url.URL
	watch   func(userID string, r *http.Response)

	mu   sync.Mutex
	jars map[string]*cookiejar.Jar // by UserID
}

// weComAgent is how the client's WebView names itself: both words are what pages look for.
const weComAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 wxwork/4.1.36 MicroMessenger/7.0.1 Language/zh"

// languageCookie is the page's own choice of language, which the phone shares.
const languageCookie = "sandbox_lang"

func newProxy(cfg Config, watch func(string, *http.Response)) *proxy {
	p := &proxy{jars: map[string]*cookiejar.Jar{}, watch: watch}
	if cfg.Product == nil {
		return p
	}
	if public, err := url.Parse(cfg.PublicURL); err == nil {
		p.public = public
	}
	p.reverse = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(cfg.Product)
			r.Out.Host = r.In.Host // links and OAuth go by the public address
			r.SetXForwarded()
			p.asPhone(r)
		},
		ModifyResponse: p.toPhone,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			cfg.Log.Info("the product does not answer", "path", r.URL.Path, "err", err)
			http.Error(w, "小卡没有运行。xiaoka is not running.", http.StatusBadGateway)
		},
	}
	return p
}

// phone is who sent a request; requests of tills, machines and WeChat Pay come from none.
type phone struct {
	userID string
	jar    *cookiejar.Jar
}

type phoneKey struct{}

// ServeHTTP is http.Handler's.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.reverse == nil {
		http.NotFound(w, r)
		return
	}
	if userID, ok := Phone(r); ok && isPage(r) {
		r = r.WithContext(context.WithValue(r.Context(), phoneKey{}, phone{userID, p.jar(userID)}))
	}
	// Without it the server closes the request's body when the answer begins; the proxy, which may still be asking that
	// body for its end, would then drop the product's connection and cut the answer off. Only HTTP/1 knows it.
	http.NewResponseController(w).EnableFullDuplex()
	p.reverse.ServeHTTP(w, r)
}

func isPage(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/h5") || strings.HasPrefix(r.URL.Path, "/guide/")
}

func (p *proxy) jar(userID string) *cookiejar.Jar {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jars[userID] == nil {
		p.jars[userID], _ = cookiejar.New(nil) // cannot fail without options
	}
	return p.jars[userID]
}

func (p *proxy) asPhone(r *httputil.ProxyRequest) {
	from, isPhone := r.In.Context().Value(phoneKey{}).(phone)
	r.Out.Header.Del("Cookie")
	if !isPhone {
		for _, c := range r.In.Cookies() {
			if c.Name != phoneCookie && c.Name != languageCookie {
				r.Out.AddCookie(c)
			}
		}
		return
	}
	for _, c := range from.jar.Cookies(p.at(r.In)) {
		r.Out.AddCookie(c)
	}
	r.Out.Header.Set("Accept-Language", "zh-CN,zh;q=0.9")
	if c, err := r.In.Cookie(languageCookie); err == nil && c.Value == "en" {
		r.Out.Header.Set("Accept-Language", "en-GB,en;q=0.9,zh;q=0.5")
	}
	if dest := r.In.Header.Get("Sec-Fetch-Dest"); dest == "iframe" || dest == "" {
		r.Out.Header.Set("User-Agent", weComAgent) // a page opened in a tab of its own stays a desktop browser's
	}
}

// toPhone keeps cookies with the phone, and lets pages into its frame: the real client is a browser of its own, for which
// rules about frames mean nothing.
func (p *proxy) toPhone(resp *http.Response) error {
	r := resp.Request
	from, isPhone := r.Context().Value(phoneKey{}).(phone)
	if isPhone {
		from.jar.SetCookies(p.at(r), resp.Cookies())
		resp.Header.Del("Set-Cookie")
		p.watch(from.userID, resp)
	}
	if isPage(r) {
		resp.Header.Del("X-Frame-Options")
		if policy := resp.Header.Get("Content-Security-Policy"); policy != "" {
			resp.Header.Set("Content-Security-Policy", withoutFrameRule(policy))
		}
	}
	return nil
}

// at is the address as the phone sees it.
func (p *proxy) at(r *http.Request) *url.URL {
	u := *r.URL
	u.Scheme, u.Host = p.public.Scheme, p.public.Host
	return &u
}

func withoutFrameRule(policy string) string {
	var keep []string
	for rule := range strings.SplitSeq(policy, ";") {
		if rule = strings.TrimSpace(rule); rule != "" && !strings.HasPrefix(rule, "frame-ancestors") {
			keep = append(keep, rule)
		}
	}
	return strings.Join(keep, "; ")
}
