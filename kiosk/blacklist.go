package kiosk

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// blacklist tells a terminal which cards to refuse: what changed since the
// version it has, or the whole list.
func (a *API) blacklist(c *call) error {
	f := fields{}
	since := f.since(c.r.URL.RawQuery)
	if err := f.err(); err != nil {
		return err
	}
	b, err := a.cfg.Store.Blacklist(c.ctx, c.terminal.ID, since, c.now)
	if err != nil {
		return fmt.Errorf("blacklist: %w", err)
	}
	h := c.w.Header()
	tag := fmt.Sprintf(`"%d-%d-%.16s"`, b.Version, since, b.Checksum)
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if matches(c.r.Header.Values("If-None-Match"), tag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	answer := struct {
		Version  int64    `json:"version"`
		Full     bool     `json:"full"`
		Add      []string `json:"add"`
		Remove   []string `json:"remove"`
		Checksum string   `json:"checksum"`
	}{b.Version, b.Full, b.Add, b.Remove, b.Checksum}
	if answer.Add == nil {
		answer.Add = []string{}
	}
	if answer.Remove == nil {
		answer.Remove = []string{}
	}
	return c.answer(http.StatusOK, answer)
}

// since is the version a terminal has; not said = none.
func (f fields) since(rawQuery string) int64 {
	query, err := url.ParseQuery(rawQuery)
	values := query["since"]
	if err == nil && len(values) == 0 {
		return 0
	}
	if err != nil || len(values) > 1 || !only(values[0], 1, 18, digits) {
		f.need(false, "since", "must be a version, 0 or more")
		return 0
	}
	since, _ := strconv.ParseInt(values[0], 10, 64) // 18 digits fit
	return since
}

// matches compares an If-None-Match header with a tag, weakly as RFC 9110,
// 13.1.2 has it.
func matches(header []string, tag string) bool {
	for _, given := range strings.Split(strings.Join(header, ","), ",") {
		given = strings.TrimSpace(given)
		if given == "*" || strings.TrimPrefix(given, "W/") == tag {
			return true
		}
	}
	return false
}
