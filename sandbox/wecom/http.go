package wecom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// maxBody bounds what is read of a request or of a callback's answer.
const maxBody = 1 << 20

// apiError is a refusal with the real service's code, https://developer.work.weixin.qq.com/document/path/90313.
type apiError struct {
	code int
	msg  string
}

func (e *apiError) Error() string { return fmt.Sprintf("errcode %d: %s", e.code, e.msg) }

func refuse(code int, format string, args ...any) error {
	return &apiError{code, fmt.Sprintf(format, args...)}
}

// call is one API call on its way through.
type call struct {
	name    string
	query   url.Values
	body    []byte
	agentID int    // of the access_token; 0 for gettoken
	base    string // where the caller reached this server
}

// fields are what an API answers besides errcode and errmsg.
type fields map[string]any

type endpoint struct {
	method string
	open   bool // no access_token
	sync   bool // for contact sync's token and no other
	serve  func(*Server, call) (fields, error)
}

var endpoints = map[string]endpoint{
	"gettoken":                     {method: http.MethodGet, open: true, serve: (*Server).getToken},
	"getcallbackip":                {method: http.MethodGet, serve: (*Server).getIPs},
	"get_api_domain_ip":            {method: http.MethodGet, serve: (*Server).getIPs},
	"message/send":                 {method: http.MethodPost, serve: (*Server).send},
	"message/update_template_card": {method: http.MethodPost, serve: (*Server).updateCard},
	"message/recall":               {method: http.MethodPost, serve: (*Server).recall},
	"agent/get":                    {method: http.MethodGet, serve: (*Server).getAgent},
	"menu/create":                  {method: http.MethodPost, serve: (*Server).createMenu},
	"menu/get":                     {method: http.MethodGet, serve: (*Server).getMenu},
	"menu/delete":                  {method: http.MethodGet, serve: (*Server).deleteMenu},
	"auth/getuserinfo":             {method: http.MethodGet, serve: (*Server).getUserInfo},
	"user/getuserinfo":             {method: http.MethodGet, serve: (*Server).getUserInfoOld},
	"auth/getuserdetail":           {method: http.MethodPost, serve: (*Server).getUserDetail},
	"user/get":                     {method: http.MethodGet, serve: (*Server).getUser},
	"user/convert_to_openid":       {method: http.MethodPost, serve: (*Server).convertToOpenID},
	"user/convert_to_userid":       {method: http.MethodPost, serve: (*Server).convertToUserID},
	"user/getuserid":               {method: http.MethodPost, serve: (*Server).getUserIDByMobile},
	"user/get_userid_by_email":     {method: http.MethodPost, serve: (*Server).getUserIDByEmail},
	"user/list_id":                 {method: http.MethodPost, serve: (*Server).listIDs},
	"corp/get_join_qrcode":         {method: http.MethodGet, sync: true, serve: (*Server).getJoinQRCode},
	"get_jsapi_ticket":             {method: http.MethodGet, serve: (*Server).getCorpTicket},
	"ticket/get":                   {method: http.MethodGet, serve: (*Server).getAppTicket},
}

// Handler serves /cgi-bin/…, /connect/oauth2/authorize and the picture of the code to join; behind http.StripPrefix it works below any path.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for name, e := range endpoints {
		mux.HandleFunc("/cgi-bin/"+name, func(w http.ResponseWriter, r *http.Request) { s.serveAPI(w, r, name, e) })
	}
	mux.HandleFunc("GET /connect/oauth2/authorize", s.authorize)
	mux.HandleFunc("GET /wework_admin/genqrcode", s.joinPicture)
	return mux
}

// serveAPI carries one API call out: faults first, then the checks all calls share, then the call itself.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, name string, e endpoint) {
	began := s.cfg.Now()
	start := time.Now()
	event := Event{Time: began, Kind: "api", Name: name, Status: http.StatusOK}
	// Read first: net/http notices that a caller has gone only once the body is read.
	body, readErr := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	fault := s.fault(name)
	if pause(r.Context(), fault.Delay) != nil {
		event.Status, event.Problem = 0, "the caller went away"
		event.Duration = time.Since(start)
		s.log(event)
		return
	}
	if fault.Down {
		event.Status, event.Problem, event.Duration = http.StatusBadGateway, "switched off", time.Since(start)
		s.log(event)
		http.Error(w, "Bad Gateway", http.StatusBadGateway)
		return
	}

	c := call{name: name, query: r.URL.Query(), body: body, base: baseOf(r)}
	var odd oddity
	if fault == (Fault{}) {
		odd = s.oddity(c, e)
		event.Note = odd.note
	}
	var out fields
	var err error
	switch {
	case fault.ErrCode != 0:
		err = refuse(fault.ErrCode, "%s", faultText(fault.ErrCode))
	case readErr != nil:
		err = refuse(-1, "the body broke off")
	default:
		out, err = s.carryOut(&c, r, e)
	}
	answer := s.answer(r, out, err)

	s.mu.Lock()
	s.stats.Calls[name]++
	s.stats.Errors[answer["errcode"].(int)]++
	s.mu.Unlock()
	event.AgentID, event.ErrCode = c.agentID, answer["errcode"].(int)
	event.Request = redactedRequest(c)
	event.Response = string(encode(redacted(answer)))
	event.Duration = time.Since(start)
	if fault.Reset {
		event.Status, event.Problem = 0, "carried out, then the connection was cut"
		s.log(event)
		cut(w)
		return
	}
	if pause(r.Context(), odd.delay) != nil {
		event.Status, event.Problem = 0, "the caller went away"
	}
	event.Duration = time.Since(start)
	s.log(event)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if odd.close {
		w.Header().Set("Connection", "close")
	}
	_, _ = w.Write(odd.stirred(encode(answer)))
}

// baseOf is the address before /cgi-bin/ by which a caller came, with the path that a proxy has stripped since.
func baseOf(r *http.Request) string {
	prefix, _, _ := strings.Cut(r.RequestURI, "/cgi-bin/")
	return "http://" + r.Host + prefix
}

func (s *Server) carryOut(c *call, r *http.Request, e endpoint) (fields, error) {
	switch {
	case r.Method != e.method && e.method == http.MethodGet:
		return nil, refuse(43001, "require GET method")
	case r.Method != e.method:
		return nil, refuse(43002, "require POST method")
	}
	if !e.open {
		agentID, err := s.checkToken(c.query.Get("access_token"))
		if err != nil {
			return nil, err
		}
		if (agentID == contactsAgent) != e.sync {
			return nil, refuse(48002, "api forbidden")
		}
		c.agentID = agentID
		if err := s.admit(*c, caller(r)); err != nil {
			return nil, err
		}
	}
	if e.method == http.MethodPost {
		switch {
		case len(c.body) > maxBody:
			return nil, refuse(45002, "content size out of limit")
		case len(bytes.TrimSpace(c.body)) == 0:
			return nil, refuse(44002, "empty post data")
		case !json.Valid(c.body):
			return nil, refuse(47001, "data format error")
		}
		if err := s.checkEscapes(*c); err != nil {
			return nil, err
		}
	}
	return e.serve(s, *c)
}

// escaped finds what Go's json.Marshal makes of <, > and &, unless its backslash is itself escaped.
var escaped = regexp.MustCompile(`(^|[^\\])(\\\\)*\\u00(3[cCeE]|26)`)

// checkEscapes minds 40033, "must not contain \uxxxx".
func (s *Server) checkEscapes(c call) error {
	if !escaped.Match(c.body) {
		return nil
	}
	s.mu.Lock()
	s.warn(c.agentID, c.name, "", `the body holds \u003c, \u003e or \u0026: the error list has 40033 for \uxxxx`)
	s.mu.Unlock()
	if s.cfg.Strict.Escapes {
		return refuse(40033, `invalid charset. \uxxxx is not allowed`)
	}
	return nil
}

// decode reads a POST body whose JSON types must be right.
func decode(c call, into any) error {
	body, _ := exactKeys(c.body)
	err := json.Unmarshal(body, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return refuse(40058, "invalid request parameter: %s must not be a %s", wrong.Field, wrong.Value)
	case err != nil:
		return refuse(47001, "data format error")
	}
	return nil
}

// answer makes the body of an API's answer. The hint at errmsg's end looks like the real one and is not to be parsed.
func (s *Server) answer(r *http.Request, out fields, err error) fields {
	answer := fields{"errcode": 0, "errmsg": "ok"}
	maps.Copy(answer, out)
	if err == nil {
		return answer
	}
	failed := &apiError{-1, "system busy"}
	errors.As(err, &failed)
	hint, _ := s.randomHex(12)
	return fields{
		"errcode": failed.code,
		"errmsg": fmt.Sprintf("%s, hint: [%d%s], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d",
			failed.msg, s.cfg.Now().Unix(), hint, caller(r), failed.code),
	}
}

// caller is the address that a request comes from, without its port.
func caller(r *http.Request) string {
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return ip
	}
	return r.RemoteAddr
}

func faultText(code int) string {
	switch code {
	case -1:
		return "system busy"
	case 40014:
		return "invalid access_token"
	case 42001:
		return "access_token expired"
	case 45009:
		return "api freq out of limit"
	case 45033:
		return "api concurrent out of limit"
	case 60020:
		return "not allow to access from your ip"
	}
	return "fault switched on"
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte(`{"errcode":-1,"errmsg":"system busy"}`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// redacted blanks what could be used by a reader of the inspector.
func redacted(answer fields) fields {
	out := maps.Clone(answer)
	for _, name := range []string{"access_token", "ticket", "user_ticket", "join_qrcode"} {
		if _, ok := out[name]; ok {
			out[name] = "…"
		}
	}
	return out
}

func redactedRequest(c call) string {
	if len(c.body) > 0 {
		if c.name == "auth/getuserdetail" {
			return `{"user_ticket":"…"}`
		}
		return string(c.body)
	}
	var shown []string
	for _, name := range []string{"corpid", "agentid", "userid", "type"} {
		if c.query.Has(name) {
			shown = append(shown, name+"="+c.query.Get(name))
		}
	}
	return strings.Join(shown, "&")
}

// cut ends a connection without an answer, as a broken network does.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2 or a recorder: the nearest thing
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}
