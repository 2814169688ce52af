package main

import (
	"io"
	"log/slog"
	"net/url"
	"strings"

	"xiaoka/config"
)

// newLog writes JSON or text. Secrets have types that redact themselves; what
// is here is the second line behind them.
func newLog(cfg config.Log, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.Level, ReplaceAttr: redact}
	if cfg.Format == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// secretKeys are attribute names whose value never belongs in a log.
var secretKeys = []string{"password", "pin", "code", "secret", "token", "access_token", "corpsecret", "cookie", "authorization", "paysign", "openid", "code_url"}

// redact hides the values of attributes that name a secret, and cuts the
// query, where tokens travel, off every address in an error.
func redact(_ []string, a slog.Attr) slog.Attr {
	key := strings.ToLower(a.Key)
	for _, s := range secretKeys {
		if key == s {
			return slog.String(a.Key, "[redacted]")
		}
	}
	if err, ok := a.Value.Any().(error); ok {
		return slog.String(a.Key, cutQueries(err.Error()))
	}
	return a
}

// cutQueries removes the query from every http address in a text.
func cutQueries(s string) string {
	words := strings.Fields(s)
	changed := false
	for i, w := range words {
		bare := strings.Trim(w, `"':,;()`)
		if !strings.HasPrefix(bare, "http://") && !strings.HasPrefix(bare, "https://") {
			continue
		}
		if u, err := url.Parse(bare); err == nil && (u.RawQuery != "" || u.User != nil) {
			u.RawQuery, u.User, u.Fragment = "", nil, ""
			words[i] = strings.Replace(w, bare, u.String()+"?[redacted]", 1)
			changed = true
		}
	}
	if !changed {
		return s
	}
	return strings.Join(words, " ")
}
