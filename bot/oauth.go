package bot

import (
	"net/url"
	"strconv"
	"strings"
)

// AuthorizeURL is the address that sends a visitor through WeCom's silent login and back to redirect with code and state. base is
// https://open.weixin.qq.com or what stands in for it; state may hold [A-Za-z0-9] only, at most 128 bytes. The order of the parameters is WeCom's.
// https://developer.work.weixin.qq.com/document/path/91022
func AuthorizeURL(base, corpID string, agentID int64, redirect, state string) string {
	return strings.TrimRight(base, "/") + "/connect/oauth2/authorize" +
		"?appid=" + url.QueryEscape(corpID) +
		"&redirect_uri=" + url.QueryEscape(redirect) +
		"&response_type=code&scope=snsapi_base" +
		"&state=" + url.QueryEscape(state) +
		"&agentid=" + strconv.FormatInt(agentID, 10) +
		"#wechat_redirect"
}
