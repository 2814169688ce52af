package wechatpay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// orderRequest is the body of both order calls.
// https://pay.weixin.qq.com/doc/v3/merchant/4012525167
type orderRequest struct {
	AppID         string  `json:"appid"`
	MchID         string  `json:"mchid"`
	Description   string  `json:"description"`
	OutTradeNo    string  `json:"out_trade_no"`
	TimeExpire    string  `json:"time_expire"`
	Attach        string  `json:"attach"`
	NotifyURL     string  `json:"notify_url"`
	GoodsTag      string  `json:"goods_tag"`
	SupportFapiao bool    `json:"support_fapiao"`
	Amount        *amount `json:"amount"`
	Payer         *payer  `json:"payer"`
	Detail        *struct {
		CostPrice   int64             `json:"cost_price"`
		InvoiceID   string            `json:"invoice_id"`
		GoodsDetail []json.RawMessage `json:"goods_detail"`
	} `json:"detail"`
	SceneInfo *struct {
		PayerClientIP string          `json:"payer_client_ip"`
		DeviceID      string          `json:"device_id"`
		StoreInfo     json.RawMessage `json:"store_info"`
	} `json:"scene_info"`
	SettleInfo *struct {
		ProfitSharing bool `json:"profit_sharing"`
	} `json:"settle_info"`
	LimitPay []string `json:"limit_pay"`
}

type amount struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

type payer struct {
	OpenID string `json:"openid"`
}

var (
	outTradeNoForm  = regexp.MustCompile(`^[0-9A-Za-z_\-|*]{6,32}$`)
	outRefundNoForm = regexp.MustCompile(`^[0-9A-Za-z_\-|*@]{1,64}$`)
)

// decode reads a JSON body strictly: one object, known names, right types. A name that the documents do not have is
// refused although the real service may pass over it, because here it is a slip of the pen.
func decode(c *call, into any) error {
	if t, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || t != "application/json" {
		e := fail("PARAM_ERROR", "Content-Type必须为application/json")
		e.detail = &errorDetail{Field: "Content-Type", Value: c.Header.Get("Content-Type"), Issue: "not application/json", Location: "header"}
		return e
	}
	if !utf8.Valid(c.body) {
		return badField("", "", "body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return badField("/"+strings.ReplaceAll(wrong.Field, ".", "/"), wrong.Value, "must be "+wrong.Type.String())
		}
		return badField("", "", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return badField("", "", "text after the JSON object")
	}
	return nil
}

// check holds an order request against the documented rules.
func (s *Server) check(q *orderRequest, tradeType string) error {
	switch {
	case q.AppID == "" || len(q.AppID) > 32:
		return badField("/appid", q.AppID, "1 to 32 characters")
	case q.MchID != s.cfg.MchID:
		return badField("/mchid", q.MchID, "must be the mchid that signed")
	case q.AppID != s.cfg.AppID:
		return fail("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
	case !between(q.Description, 1, 127):
		return badField("/description", q.Description, "1 to 127 characters")
	case !outTradeNoForm.MatchString(q.OutTradeNo):
		return badField("/out_trade_no", q.OutTradeNo, "6 to 32 of 0-9A-Za-z_-|*")
	case !between(q.Attach, 0, 128):
		return badField("/attach", q.Attach, "at most 128 characters")
	case !between(q.GoodsTag, 0, 32):
		return badField("/goods_tag", q.GoodsTag, "at most 32 characters")
	case q.Amount == nil:
		return badField("/amount", "", "required")
	case q.Amount.Total <= 0:
		return badField("/amount/total", strconv.FormatInt(q.Amount.Total, 10), "fen, above 0")
	case q.Amount.Currency != "" && q.Amount.Currency != "CNY":
		return badField("/amount/currency", q.Amount.Currency, "must be CNY")
	case q.SceneInfo != nil && q.SceneInfo.PayerClientIP == "":
		return badField("/scene_info/payer_client_ip", "", "required inside scene_info")
	}
	if issue := s.badNotifyURL(q.NotifyURL, 255); issue != "" {
		return badField("/notify_url", q.NotifyURL, issue)
	}
	if q.TimeExpire != "" {
		if _, err := parseTime(q.TimeExpire); err != nil {
			return badField("/time_expire", q.TimeExpire, "must be RFC 3339 with a zone")
		}
	}
	if tradeType == "NATIVE" {
		if q.Payer != nil {
			return badField("/payer", "", "a Native order has no payer")
		}
		return nil
	}
	if q.Payer == nil || !between(q.Payer.OpenID, 1, 128) {
		return badField("/payer/openid", "", "required, at most 128 characters")
	}
	if s.cfg.KnownOpenID != nil && !s.cfg.KnownOpenID(q.Payer.OpenID) {
		return badField("/payer/openid", q.Payer.OpenID, "无效的openid")
	}
	return nil
}

// badNotifyURL says what is wrong with an address for notifications, or nothing.
func (s *Server) badNotifyURL(raw string, most int) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "" || len(raw) > most:
		return "required, at most " + strconv.Itoa(most) + " characters"
	case err != nil || u.Host == "" || u.User != nil:
		return "must be an absolute address"
	case u.Scheme != "https" && (u.Scheme != "http" || s.cfg.RequireHTTPS):
		return "must be https"
	case u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(raw, "?#"):
		return "must not carry parameters"
	case u.Path == "" || u.Path == "/":
		return "must have a path"
	case s.cfg.RequireHTTPS && unreachable(u.Hostname()):
		return "must be reachable from outside"
	}
	return ""
}

func unreachable(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

func between(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	return least <= n && n <= most
}

func parseTime(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }

// terms is a request in a form that is equal for equal parameters, however they were written down.
func terms(tradeType string, body []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return "", err
	}
	if text, ok := m["time_expire"].(string); ok {
		if t, err := parseTime(text); err == nil {
			m["time_expire"] = t.Unix()
		}
	}
	canonical, err := json.Marshal(m)
	return tradeType + string(canonical), err
}

// ownMchID checks the mchid parameter of a query.
func (s *Server) ownMchID(r *http.Request) error {
	values := r.URL.Query()["mchid"]
	if !slices.Equal(values, []string{s.cfg.MchID}) {
		return badQuery("mchid", strings.Join(values, ","), "must be the mchid that signed")
	}
	return nil
}
