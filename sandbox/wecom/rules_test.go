package wecom

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rule is one documented rule: a request that breaks it, the code that says so, and its neighbour that is taken. A
// request is "METHOD path", a space and the body; TOKEN stands for the app's access_token, HERS for the other app's.
type rule struct {
	name, bad string
	code      int
	good      string
}

func (w *world) request(r string) answerBody {
	w.t.Helper()
	method, rest, _ := strings.Cut(r, " ")
	path, body, _ := strings.Cut(rest, " ")
	return w.call(method, strings.NewReplacer("TOKEN", w.token, "HERS", w.newToken("secret-assistant")).Replace(path), body)
}

// times joins n equal words.
func times(n int, word, sep string) string {
	return strings.TrimSuffix(strings.Repeat(word+sep, n), sep)
}

func sendRules() []rule {
	to := func(addressed string) string {
		return `POST message/send?access_token=TOKEN {` + addressed + `"agentid":1000002,"msgtype":"text","text":{"content":"a"}}`
	}
	message := func(kind, content string) string {
		return `POST message/send?access_token=TOKEN {"touser":"zhangsan","agentid":1000002,"msgtype":"` + kind + `"` + content + `}`
	}
	text := func(agent string) string {
		return `POST message/send?access_token=TOKEN {"touser":"zhangsan",` + agent + `"msgtype":"text","text":{"content":"a"}}`
	}
	textcard := func(fields string) string { return message("textcard", `,"textcard":{`+fields+`}`) }
	news := func(articles string) string { return message("news", `,"news":{"articles":`+articles+`}`) }
	mpnews := func(articles string) string { return message("mpnews", `,"mpnews":{"articles":`+articles+`}`) }
	const article, mpArticle = `{"title":"t","url":"https://a"}`, `{"title":"t","thumb_media_id":"m","content":"c"}`
	good := text(`"agentid":1000002,`)
	rules := []rule{
		{"POST", "GET message/send?access_token=TOKEN", 43002, good},
		{"a body", "POST message/send?access_token=TOKEN", 44002, good},
		{"JSON", "POST message/send?access_token=TOKEN {", 47001, good},
		{"JSON types", to(`"touser":["zhangsan"],`), 40058, to(`"touser":"zhangsan",`)},
		{"a token", strings.Replace(good, "TOKEN", "", 1), 41001, good},
		{"a valid token", strings.Replace(good, "TOKEN", "x", 1), 40014, good},
		{"agentid", text(``), 41011, good},
		{"agentid is not null", text(`"agentid":null,`), 41011, good},
		{"agentid is a number", text(`"agentid":"1000002",`), 40056, good},
		{"agentid is an integer", text(`"agentid":1000002.5,`), 40056, good},
		{"agentid of an app", text(`"agentid":7,`), 40056, good},
		{"the token's own agentid", text(`"agentid":1000003,`), 301002, strings.Replace(text(`"agentid":1000003,`), "TOKEN", "HERS", 1)},
		{"somebody", to(``), 82001, to(`"toparty":"1",`)},
		{"1000 users", to(`"touser":"` + times(1001, "zhangsan", "|") + `",`), 40032, to(`"touser":"` + times(1000, "zhangsan", "|") + `",`)},
		{"100 parties", to(`"toparty":"` + times(101, "1", "|") + `",`), 82002, to(`"toparty":"` + times(100, "1", "|") + `",`)},
		{"100 tags", to(`"touser":"zhangsan","totag":"` + times(101, "1", "|") + `",`), 82003, to(`"touser":"zhangsan","totag":"` + times(100, "1", "|") + `",`)},
		{"parties do not count beside @all", to(`"touser":"zhangsan","toparty":"` + times(101, "1", "|") + `",`), 82002, to(`"touser":"@all","toparty":"` + times(101, "1", "|") + `",`)},
		{"one valid recipient", to(`"touser":"nobody|wangwu",`), 81013, to(`"touser":"nobody|zhangsan",`)},
		{"msgtype", message("", `,"text":{"content":"a"}`), 40008, good},
		{"a known msgtype", message("poem", `,"text":{"content":"a"}`), 40008, good},

		{"text", message("text", ``), 44004, message("text", `,"text":{"content":"a"}`)},
		{"text content", message("text", `,"text":{"content":""}`), 44004, message("text", `,"text":{"content":"`+times(2049, "a", "")+`"}`)},
		{"markdown content", message("markdown", `,"markdown":{}`), 44004, message("markdown", `,"markdown":{"content":"a"}`)},
		{"markdown 2048 bytes", message("markdown", `,"markdown":{"content":"`+times(2049, "a", "")+`"}`), 45002, message("markdown", `,"markdown":{"content":"`+times(2048, "a", "")+`"}`)},
		{"textcard title", textcard(`"description":"d","url":"https://a"`), 41016, textcard(`"title":"t","description":"d","url":"https://a"`)},
		{"textcard description", textcard(`"title":"t","url":"https://a"`), 41033, textcard(`"title":"t","description":"` + times(513, "长", "") + `","url":"https://a"`)},
		{"textcard url", textcard(`"title":"t","description":"d"`), 40058, textcard(`"title":"` + times(129, "长", "") + `","description":"d","url":"https://a"`)},
		{"textcard scheme", textcard(`"title":"t","description":"d","url":"card.example.edu.cn/"`), 40058, textcard(`"title":"t","description":"d","url":"https://card.example.edu.cn/"`)},
		{"textcard url 2048 bytes", textcard(`"title":"t","description":"d","url":"https://` + times(2041, "a", "") + `"`), 40058, textcard(`"title":"t","description":"d","url":"https://` + times(2040, "a", "") + `"`)},
		{"1 article", news(`[]`), 40063, news(repeatJSON(1, article))},
		{"8 articles", news(repeatJSON(9, article)), 45008, news(repeatJSON(8, article))},
		{"article title", news(`[{"url":"https://a"}]`), 41016, news(`[{"title":"` + times(129, "a", "") + `","url":"https://a"}]`)},
		{"article url", news(`[{"title":"t"}]`), 40058, news(`[{"title":"t","appid":"wx1","pagepath":"p"}]`)},
		{"article url 2048 bytes", news(`[{"title":"t","url":"https://` + times(2041, "a", "") + `"}]`), 40058, news(`[{"title":"t","url":"https://` + times(2040, "a", "") + `"}]`)},
		{"article picurl", news(`[{"title":"t","url":"https://a","picurl":"p.png"}]`), 40058, news(`[{"title":"t","url":"https://a","picurl":"https://a/p.png"}]`)},
		{"article picurl 2048 bytes", news(`[{"title":"t","url":"https://a","picurl":"https://` + times(2041, "a", "") + `"}]`), 40058, news(`[{"title":"t","url":"https://a","picurl":"https://` + times(2040, "a", "") + `"}]`)},
		{"article pagepath", news(`[{"title":"t","appid":"wx1"}]`), 40058, news(`[{"title":"t","appid":"wx1","pagepath":"p"}]`)},
		{"article pagepath 128 bytes", news(`[{"title":"t","appid":"wx1","pagepath":"` + times(129, "p", "") + `"}]`), 40058, news(`[{"title":"t","appid":"wx1","pagepath":"` + times(128, "p", "") + `"}]`)},
		{"1 mpnews article", mpnews(`[]`), 40063, mpnews(repeatJSON(1, mpArticle))},
		{"8 mpnews articles", mpnews(repeatJSON(9, mpArticle)), 45008, mpnews(repeatJSON(8, mpArticle))},
		{"mpnews title", mpnews(`[{"thumb_media_id":"m","content":"c"}]`), 41016, mpnews(repeatJSON(1, mpArticle))},
		{"mpnews cover", mpnews(`[{"title":"t","content":"c"}]`), 40058, mpnews(repeatJSON(1, mpArticle))},
		{"a linked mini program", message("miniprogram_notice", ``), 48002, good},
		{"template_card", message("template_card", ``), 40063, message("template_card", `,"template_card":`+smallest[textNotice])},
	}
	for _, kind := range []string{"image", "voice", "video", "file"} {
		rules = append(rules, rule{kind + " media_id", message(kind, `,"`+kind+`":{}`), 40058, message(kind, `,"`+kind+`":{"media_id":"m"}`)})
	}
	return rules
}

func menuRules() []rule {
	menu := func(buttons string) string {
		return `POST menu/create?agentid=1000002&access_token=TOKEN {"button":` + buttons + `}`
	}
	parent := func(name, subs string) string { return menu(`[{"name":"` + name + `","sub_button":` + subs + `}]`) }
	sub := func(fields string) string { return parent("a", `[{`+fields+`}]`) }
	const click = `{"type":"click","name":"a","key":"k"}`
	good := menu(repeatJSON(1, click))
	rules := []rule{
		{"agentid", "POST menu/create?access_token=TOKEN {}", 41011, good},
		{"agentid is a number", "POST menu/create?agentid=x&access_token=TOKEN {}", 40056, good},
		{"the token's own app", strings.Replace(good, "1000002", "1000003", 1), 301002, good},
		{"1 button", menu(`[]`), 40016, good},
		{"3 buttons", menu(repeatJSON(4, click)), 40016, menu(repeatJSON(3, click))},
		{"name", menu(`[{"type":"click","key":"k"}]`), 40018, good},
		{"name 16 bytes", menu(`[{"type":"click","name":"六个汉字的名","key":"k"}]`), 40018, menu(`[{"type":"click","name":"五个汉字名a","key":"k"}]`)},
		{"parent's name", parent("六个汉字的名", repeatJSON(1, click)), 40018, parent("五个汉字名", repeatJSON(1, click))},
		{"type", menu(`[{"name":"a","key":"k"}]`), 40017, good},
		{"known type", menu(`[{"type":"poke","name":"a","key":"k"}]`), 40017, menu(`[{"type":"pic_weixin","name":"a","key":"k"}]`)},
		{"key", menu(`[{"type":"click","name":"a"}]`), 40019, good},
		{"key 128 bytes", menu(`[{"type":"click","name":"a","key":"` + times(129, "k", "") + `"}]`), 40019, menu(`[{"type":"click","name":"a","key":"` + times(128, "k", "") + `"}]`)},
		{"url", menu(`[{"type":"view","name":"a"}]`), 40020, menu(`[{"type":"view","name":"a","url":"https://a"}]`)},
		{"url scheme", menu(`[{"type":"view","name":"a","url":"card.example.edu.cn"}]`), 40020, menu(`[{"type":"view","name":"a","url":"https://card.example.edu.cn"}]`)},
		{"url 1024 bytes", menu(`[{"type":"view","name":"a","url":"https://` + times(1017, "a", "") + `"}]`), 40020, menu(`[{"type":"view","name":"a","url":"https://` + times(1016, "a", "") + `"}]`)},
		{"5 sub-buttons", parent("a", repeatJSON(6, click)), 40023, parent("a", repeatJSON(5, click))},
		{"2 levels", parent("a", `[{"name":"b","sub_button":`+repeatJSON(1, click)+`}]`), 40022, parent("a", repeatJSON(1, click))},
		{"sub-button name 40 bytes", sub(`"type":"click","name":"` + times(41, "a", "") + `","key":"k"`), 40025, sub(`"type":"click","name":"` + times(40, "a", "") + `","key":"k"`)},
		{"sub-button type", sub(`"type":"poke","name":"a","key":"k"`), 40024, sub(`"type":"scancode_waitmsg","name":"a","key":"k"`)},
		{"sub-button key", sub(`"type":"click","name":"a"`), 40026, sub(`"type":"click","name":"a","key":"k"`)},
		{"sub-button url", sub(`"type":"view","name":"a"`), 40027, sub(`"type":"view","name":"a","url":"https://a"`)},
	}
	for _, kind := range []string{"scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select"} {
		rules = append(rules, rule{kind + " key", menu(`[{"type":"` + kind + `","name":"a"}]`), 40019, menu(`[{"type":"` + kind + `","name":"a","key":"k"}]`)})
	}
	return rules
}

func otherRules() []rule {
	const token = "GET gettoken?corpid=" + sampleCorp + "&corpsecret=secret-card"
	const get, openID = "GET user/get?access_token=TOKEN&userid=", "POST user/convert_to_openid?access_token=TOKEN "
	const mobile, email = "POST user/getuserid?access_token=TOKEN ", "POST user/get_userid_by_email?access_token=TOKEN "
	return []rule{
		{"gettoken: GET", "POST gettoken?corpid=" + sampleCorp + "&corpsecret=secret-card {}", 43001, token},
		{"gettoken: corpid", "GET gettoken?corpsecret=secret-card", 41002, token},
		{"gettoken: own corpid", "GET gettoken?corpid=x&corpsecret=secret-card", 40013, token},
		{"gettoken: corpsecret", "GET gettoken?corpid=" + sampleCorp, 41004, token},
		{"gettoken: right corpsecret", token + "x", 40001, token},
		{"agent/get: agentid", "GET agent/get?access_token=TOKEN", 41011, "GET agent/get?access_token=TOKEN&agentid=1000002"},
		{"agent/get: own agentid", "GET agent/get?access_token=TOKEN&agentid=1000003", 301002, "GET agent/get?access_token=HERS&agentid=1000003"},
		{"user/get: userid", "GET user/get?access_token=TOKEN", 41009, get + "zhangsan"},
		{"user/get: 64 bytes", get + times(65, "z", ""), 40003, get + "ZHANGSAN"},
		{"user/get: known", get + "nobody", 60111, get + "zhangsan"},
		{"user/get: in range", get + "wangwu", 60011, "GET user/get?access_token=HERS&userid=wangwu"},
		{"convert_to_openid: userid", openID + `{}`, 41009, openID + `{"userid":"zhangsan"}`},
		{"convert_to_openid: known", openID + `{"userid":"nobody"}`, 60111, openID + `{"userid":"zhangsan"}`},
		{"convert_to_openid: in range", openID + `{"userid":"wangwu"}`, 50002, strings.Replace(openID, "TOKEN", "HERS", 1) + `{"userid":"wangwu"}`},
		{"convert_to_openid: bound to WeChat", openID + `{"userid":"lisi"}`, 43004, openID + `{"userid":"zhangsan"}`},
		{"convert_to_userid: openid", "POST user/convert_to_userid?access_token=TOKEN {}", 40063, `POST user/convert_to_userid?access_token=TOKEN {"openid":"oZhang"}`},
		{"convert_to_userid: known", `POST user/convert_to_userid?access_token=TOKEN {"openid":"x"}`, 40073, `POST user/convert_to_userid?access_token=TOKEN {"openid":"oZhang"}`},
		{"getuserid: mobile", mobile + `{}`, 40063, mobile + `{"mobile":"13800000000"}`},
		{"getuserid: 5 to 32 bytes", mobile + `{"mobile":"1380"}`, 40058, mobile + `{"mobile":"13800000000"}`},
		{"getuserid: known", mobile + `{"mobile":"13900000000"}`, 46004, mobile + `{"mobile":"13800000000"}`},
		{"get_userid_by_email: known", email + `{"email":"x@example.edu.cn"}`, 46004, email + `{"email":"Zhang@example.edu.cn"}`},
		{"get_userid_by_email: email_type", email + `{"email":"zhang@example.edu.cn","email_type":3}`, 40058, email + `{"email":"zhang@example.edu.cn","email_type":2}`},
		{"ticket/get: type", "GET ticket/get?access_token=TOKEN", 91040, "GET ticket/get?access_token=TOKEN&type=agent_config"},
	}
}

// TestRules breaks and keeps each rule of the documents that one request can break.
func TestRules(t *testing.T) {
	t.Parallel()
	for group, rules := range map[string][]rule{"send": sendRules(), "menu": menuRules(), "other": otherRules()} {
		for _, r := range rules {
			t.Run(group+"/"+r.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, nil)
				if a := w.request(r.bad); a.code() != r.code {
					t.Errorf("broken: %v, want %d", a, r.code)
				}
				if n := len(w.sim.Sent()); n != 0 {
					t.Error("the refused message went out")
				}
				if a := w.request(r.good); a.code() != 0 {
					t.Errorf("kept: %v", a)
				}
			})
		}
	}
}

// TestStrict shows each switch for what the documents leave open, off and on.
func TestStrict(t *testing.T) {
	t.Parallel()
	card := func(agent int, title string) string {
		return fmt.Sprintf(`POST message/send?access_token=TOKEN {"touser":"zhangsan","agentid":%d,"msgtype":"template_card","template_card":{"card_type":"button_interaction","task_id":"t1","main_title":{"title":%q},"button_list":[{"text":"a","key":"k"}]}}`, agent, title)
	}
	text := `POST message/send?access_token=TOKEN {"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`
	again := func(request string, n int) func(*world) int {
		return func(w *world) (code int) {
			for range n {
				code = w.request(request).code()
			}
			return code
		}
	}
	shown := func(w *world) int { // a text that answers a press
		w.bot.reply = func(int, got) (int, string) { return http.StatusOK, passive("text", "<Content>好</Content>") }
		w.request(card(agent, "t"))
		if _, err := w.sim.Press(w.ctx(), "zhangsan", w.last("zhangsan").ID, "k", nil); err != nil {
			w.t.Fatal(err)
		}
		return len(w.sim.Conversation("zhangsan", agent))
	}
	nonces := func(w *world) int { // different ones in two deliveries
		w.bot.reply = func(n int, _ got) (int, string) { return map[bool]int{true: 500, false: 200}[n == 1], "" }
		if _, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a"); err != nil {
			w.t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, g := range w.bot.seen() {
			seen[g.Nonce] = true
		}
		return len(seen)
	}
	for _, tt := range []struct {
		name    string
		on      Strict
		do      func(*world) int
		off, is int
	}{
		{"Escapes", Strict{Escapes: true}, again(strings.Replace(text, `"a"`, `"\u0026"`, 1), 1), 0, 40033},
		{"TitleRequired", Strict{TitleRequired: true}, again(card(agent, ""), 1), 0, 42033},
		{"CallbackNeeded", Strict{CallbackNeeded: true}, again(strings.Replace(card(otherAgent, "t"), "TOKEN", "HERS", 1), 1), 0, 43012},
		{"OverLimit", Strict{OverLimit: true}, again(text, 31), 0, 45009},
		{"CardEventText", Strict{CardEventText: true}, shown, 2, 1},
		{"SameEnvelope", Strict{SameEnvelope: true}, nonces, 2, 1},
		{"SubKey60", Strict{SubKey60: true}, again(`POST menu/create?agentid=1000002&access_token=TOKEN {"button":[{"name":"a","sub_button":[{"type":"click","name":"b","key":"`+times(61, "k", "")+`"}]}]}`, 1), 0, 40026},
		{"NoLookup", Strict{NoLookup: true}, again(`POST user/getuserid?access_token=TOKEN {"mobile":"13800000000"}`, 1), 0, 48002},
		{"NoLookup/Email", Strict{NoLookup: true}, again(`POST user/get_userid_by_email?access_token=TOKEN {"email":"zhang@example.edu.cn"}`, 1), 0, 48002},
		{"TokenLimit", Strict{TokenLimit: 5}, again("GET gettoken?corpid="+sampleCorp+"&corpsecret=secret-card", 5), 0, 45009},
		{"AccountLimit", Strict{AccountLimit: 1}, func(w *world) (code int) {
			for range 201 {
				w.clock.add(3 * time.Second)
				code = w.send(strings.SplitN(text, " ", 3)[2]).code()
			}
			return code
		}, 0, 45009},
		{"AllowStringAgentID", Strict{AllowStringAgentID: true}, again(strings.Replace(text, "1000002", `"1000002"`, 1), 1), 40056, 0},
		{"AllowReusedTaskID", Strict{AllowReusedTaskID: true}, again(card(agent, "t"), 2), 42014, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.do(newWorld(t, nil)); got != tt.off {
				t.Errorf("off: %d, want %d", got, tt.off)
			}
			if got := tt.do(newWorld(t, func(c *Config) { c.Strict = tt.on })); got != tt.is {
				t.Errorf("on: %d, want %d", got, tt.is)
			}
		})
	}
}

func TestTrustedIPs(t *testing.T) {
	t.Parallel()
	for ip, code := range map[string]int{"127.0.0.1": 0, "203.0.113.7": 60020} {
		w := newWorld(t, func(c *Config) { c.Apps[0].TrustedIPs = []string{ip} })
		if a := w.get("getcallbackip?access_token=" + w.token); a.code() != code {
			t.Errorf("%s: %v", ip, a)
		}
	}
}

// TestBaseLimits: too many calls of one API close it for a minute or an hour; sending messages is not counted.
func TestBaseLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	admit := func(name string, n int) (refused int) {
		for range n {
			if w.sim.admit(call{name: name, agentID: agent}, "127.0.0.1") != nil {
				refused++
			}
		}
		return refused
	}
	if n := admit("user/get", 10_000); n != 0 {
		t.Errorf("%d of the first 10,000 refused", n)
	}
	if admit("user/get", 2) != 2 || admit("agent/get", 1) != 0 || admit("message/send", 20_000) != 0 {
		t.Error("the limit of a minute")
	}
	w.clock.add(59 * time.Second)
	if admit("user/get", 1) != 1 {
		t.Error("open before a minute is over")
	}
	w.clock.add(time.Second)
	if admit("user/get", 1) != 0 {
		t.Error("closed for more than a minute")
	}
	for i := range 15 {
		w.clock.add(time.Minute)
		if n := admit("agent/get", 10_000); n != 0 && i < 14 { // one call was before
			t.Errorf("%d refused in minute %d", n, i)
		}
	}
	w.clock.add(time.Minute)
	if admit("agent/get", 1) != 1 {
		t.Error("the limit of an hour")
	}
	w.clock.add(time.Hour)
	if admit("agent/get", 1) != 0 {
		t.Error("closed for more than an hour")
	}
}

// TestTickets_CorpLimit: all apps together fetch a corp's ticket 400 times an hour.
func TestTickets_CorpLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 405 {
		_, err := w.sim.ticketFor(0, 2000000+i/90)
		if (err != nil) != (i >= 400) {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	if _, err := w.sim.ticketFor(agent, agent); err != nil {
		t.Errorf("an app's own ticket: %v", err)
	}
}
