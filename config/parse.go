package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Every parser below says what it expects and never repeats what it got: a secret may have been put under the wrong key.

type parser = func(string) error

func text(to *string) parser {
	return func(s string) error {
		if strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("must have no spaces around it and no control characters")
		}
		*to = s
		return nil
	}
}

// operators reads WeCom userids, 1 to 64 of letters, digits and . _ @ -, each with or without :viewer or :auditor.
// https://developer.work.weixin.qq.com/document/path/90195
func operators(to *[]Operator) parser {
	return func(s string) error {
		var all []Operator
		for item := range strings.SplitSeq(s, ",") {
			id, role, named := strings.Cut(strings.TrimSpace(item), ":")
			if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool {
				return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("._@-", r))
			}) || named && role != "viewer" && role != "auditor" {
				return errors.New("must be WeCom userids separated by commas, each with or without :auditor")
			}
			if slices.ContainsFunc(all, func(o Operator) bool { return strings.EqualFold(o.UserID, id) }) {
				return errors.New("names a userid twice")
			}
			all = append(all, Operator{UserID: id, Auditor: role == "auditor"})
		}
		*to = all
		return nil
	}
}

func secretText(to *Secret[string]) parser {
	return func(s string) error {
		var plain string
		err := text(&plain)(s)
		*to = NewSecret(plain)
		return err
	}
}

func oneOf(to *string, allowed ...string) parser {
	return func(s string) error {
		if !slices.Contains(allowed, s) {
			return errors.New("must be " + strings.Join(allowed, " or "))
		}
		*to = s
		return nil
	}
}

// choice takes one of two words and stores whether it was the second.
func choice(to *bool, no, yes string) parser {
	return func(s string) error {
		var word string
		err := oneOf(&word, no, yes)(s)
		*to = word == yes
		return err
	}
}

func boolean(to *bool) parser { return choice(to, "false", "true") }

func integer(to *int, low, high int) parser {
	return func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		*to = n
		return nil
	}
}

func agentID(to *int64) parser {
	return func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 {
			return errors.New("must be the app's AgentId, a number such as 1000002")
		}
		*to = n
		return nil
	}
}

func digits(to *string) parser {
	return func(s string) error {
		if strings.Trim(s, "0123456789") != "" {
			return errors.New("must be digits only")
		}
		*to = s
		return nil
	}
}

func level(to *slog.Level) parser {
	return func(s string) error {
		var word string
		if err := oneOf(&word, "debug", "info", "warn", "error")(s); err != nil {
			return err
		}
		return to.UnmarshalText([]byte(word))
	}
}

func duration(to *time.Duration) parser {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < time.Second {
			return errors.New("must be a length of time of at least 1s, such as 90s, 5m or 1h")
		}
		*to = d
		return nil
	}
}

func location(to **time.Location) parser {
	return func(s string) error {
		zone, err := time.LoadLocation(s)
		if err != nil || s == "Local" {
			return errors.New("must be an IANA time zone such as Asia/Shanghai")
		}
		*to = zone
		return nil
	}
}

func quietHours(to *QuietHours) parser {
	return func(s string) error {
		begin, end, found := strings.Cut(s, "-")
		from, err1 := time.Parse("15:04", begin)
		until, err2 := time.Parse("15:04", end)
		if !found || err1 != nil || err2 != nil || from.Equal(until) {
			return errors.New("must be two different times such as 22:30-07:00")
		}
		midnight := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
		*to = QuietHours{from.Sub(midnight), until.Sub(midnight)}
		return nil
	}
}

var errYuan = errors.New("must be an amount in yuan such as 50 or 12.50, above 0 and below 1000000")

// fen reads yuan with at most two decimals, exactly.
func fen(s string) (int64, error) {
	whole, cents, point := strings.Cut(s, ".")
	if point && (cents == "" || len(cents) > 2) || whole == "" || len(whole) > 6 {
		return 0, errYuan
	}
	all := whole + (cents + "00")[:2]
	if strings.Trim(all, "0123456789") != "" {
		return 0, errYuan
	}
	n, err := strconv.ParseInt(all, 10, 64)
	if err != nil || n == 0 {
		return 0, errYuan
	}
	return n, nil
}

func yuan(to *int64) parser {
	return func(s string) (err error) {
		*to, err = fen(s)
		return err
	}
}

func bilingual(to *Bilingual) parser {
	return func(s string) error {
		if err := text(&s)(s); err != nil {
			return err
		}
		zh, en, _ := strings.Cut(s, "|")
		if strings.TrimSpace(zh) == "" && s != "" || strings.Contains(en, "|") {
			return errors.New("must be Chinese|English, or Chinese alone")
		}
		*to = Bilingual{Zh: strings.TrimSpace(zh), En: strings.TrimSpace(en)}
		return nil
	}
}

func bilinguals(to *[]Bilingual) parser {
	return func(s string) error {
		*to = nil
		for item := range strings.SplitSeq(s, ",") {
			var b Bilingual
			if err := bilingual(&b)(strings.TrimSpace(item)); err != nil {
				return fmt.Errorf("each item %w", err)
			}
			if b.Zh != "" {
				*to = append(*to, b)
			}
		}
		return nil
	}
}

func yuanList(to *[]int64) parser {
	return func(s string) error {
		var amounts []int64
		for item := range strings.SplitSeq(s, ",") {
			n, err := fen(strings.TrimSpace(item))
			if err != nil {
				return fmt.Errorf("each amount %w", err)
			}
			amounts = append(amounts, n)
		}
		slices.Sort(amounts)
		if len(slices.Compact(slices.Clone(amounts))) != len(amounts) {
			return errors.New("names an amount twice")
		}
		*to = amounts
		return nil
	}
}

func address(to *string) parser {
	return func(s string) error {
		_, port, err := net.SplitHostPort(s)
		if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
			return errors.New("must be host:port such as 127.0.0.1:8080")
		}
		*to = s
		return nil
	}
}

// origin takes scheme://host[:port]. Plain http carries tokens and cookies in the clear, so it is taken only where it
// cannot leave the machine or the private network.
func origin(to *string) parser {
	return func(s string) error {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			return errors.New("must be an absolute address such as https://card.example.edu.cn")
		case strings.HasSuffix(s, "/"):
			return errors.New("must have no trailing slash")
		case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.ContainsAny(s, "?#"):
			return errors.New("must be scheme and host only, without a path, a query or a user")
		case u.Scheme == "http" && !private(u.Hostname()):
			return errors.New("must be https outside this machine and private networks")
		}
		*to = s
		return nil
	}
}

func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost")
}

func databaseURL(to *Secret[string]) parser {
	return func(s string) error {
		path, sqlite := strings.CutPrefix(s, "sqlite:")
		if sqlite && path == "" || !sqlite && !hasScheme(s, "postgres", "postgresql") {
			return errors.New("must be sqlite:PATH or postgres://user:password@host/database")
		}
		*to = NewSecret(s)
		return nil
	}
}

func redisURL(to *Secret[string]) parser {
	return func(s string) error {
		if !hasScheme(s, "redis", "rediss") {
			return errors.New("must be redis://host:6379/0 or rediss://…")
		}
		*to = NewSecret(s)
		return nil
	}
}

func smtpURL(to *Secret[string]) parser {
	return func(s string) error {
		if !hasScheme(s, "smtp", "smtps") {
			return errors.New("must be smtp://user:pass@host:587 or smtps://user:pass@host:465, special characters escaped as %XX")
		}
		*to = NewSecret(s)
		return nil
	}
}

func hasScheme(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme) && isPort(u.Port())
}

// isPort takes a port of TCP, or none.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || (err == nil && n > 0)
}

func mailbox(to *string) parser {
	return func(s string) error {
		if _, err := mail.ParseAddress(s); err != nil {
			return errors.New("must be a mail address")
		}
		*to = s
		return nil
	}
}
