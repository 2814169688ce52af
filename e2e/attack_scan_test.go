package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// secrets are what must stand nowhere, by what each is.
type secrets map[string]string

// find names the secrets in a text. Digits count only as a number of their
// own: by chance six of them are part of many.
func (s secrets) find(text string) (found []string) {
	for what, secret := range s {
		if strings.Trim(secret, "0123456789") != "" {
			if strings.Contains(text, secret) {
				found = append(found, what)
			}
			continue
		}
		rest := text
		for {
			i := strings.Index(rest, secret)
			if i < 0 {
				break
			}
			end := i + len(secret)
			if (i == 0 || !strings.ContainsRune("0123456789.", rune(rest[i-1]))) && (end == len(rest) || !strings.ContainsRune("0123456789", rune(rest[end]))) {
				found = append(found, what)
				break
			}
			rest = rest[i+1:]
		}
	}
	slices.Sort(found)
	return found
}

// configured are the secrets an operator gives the product.
func (h *house) configured(t *testing.T) secrets {
	t.Helper()
	found := secrets{}
	dir := filepath.Join(filepath.Dir(h.config), "secrets")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		value := strings.TrimSpace(h.setting(f.Name()))
		switch {
		case f.Name() == "pub_key.pem", f.Name() == "database_url", f.Name() == "redis_url": // of these tests, without a password
			continue
		case strings.HasSuffix(f.Name(), ".pem"):
			value = strings.Split(value, "\n")[5] // one line of the key is as bad as all
		case f.Name() == "smtp_url":
			u, err := url.Parse(value)
			if err != nil {
				t.Fatal(err)
			}
			value, _ = u.User.Password()
		}
		if len(value) < 12 {
			t.Fatalf("%s is no secret", f.Name())
		}
		found["config "+f.Name()] = value
	}
	for id, secret := range h.secrets {
		found["secret of "+id] = base64.StdEncoding.EncodeToString(secret)
		found["raw secret of "+id] = string(secret)
	}
	return found
}

// accessTokens asks WeCom, which hands the same one out while it lives.
func (h *house) accessTokens(t *testing.T) secrets {
	t.Helper()
	b, err := os.ReadFile(h.config)
	if err != nil {
		t.Fatal(err)
	}
	api := regexp.MustCompile(`api_url: "([^"]+)"`).FindStringSubmatch(string(b))
	if api == nil {
		t.Fatal("no address of WeCom")
	}
	found := secrets{}
	for _, a := range h.campus.State().Agents {
		res, err := http.Get(api[1] + "/cgi-bin/gettoken?" + url.Values{"corpid": {h.campus.State().CorpID}, "corpsecret": {a.Secret}}.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var answer struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
			t.Fatalf("no token: %v", err)
		}
		found["access token of "+a.Name] = answer.AccessToken
	}
	return found
}

// rows is everything in the database, a line for each value, without the
// columns that are there to hold it.
func (h *house) rows(t *testing.T, except ...string) string {
	t.Helper()
	db := h.db()
	defer db.Close()
	list := "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
	if strings.HasPrefix(h.database, "sqlite:") {
		list = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	tables, err := db.Query(list)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil || !slices.Contains(names, "river_job") || !slices.Contains(names, "audit") {
		t.Fatalf("the tables are %q, %v", names, err)
	}
	var all strings.Builder
	for _, table := range names {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			for i, v := range values {
				name := table + "." + columns[i]
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				if !slices.Contains(except, name) {
					fmt.Fprintf(&all, "%s %v\n", name, v)
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		rows.Close()
	}
	return all.String()
}

// remembered is everything in one database of Redis.
func remembered(t *testing.T, address string) string {
	t.Helper()
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	o.DisableIdentity = true
	c := redis.NewClient(o)
	defer c.Close()
	ctx := context.Background()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, key := range keys {
		kind, err := c.Type(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		var value any
		switch kind {
		case "string":
			value, err = c.Get(ctx, key).Result()
		case "hash":
			value, err = c.HGetAll(ctx, key).Result()
		case "set":
			value, err = c.SMembers(ctx, key).Result()
		case "zset":
			value, err = c.ZRange(ctx, key, 0, -1).Result()
		case "list":
			value, err = c.LRange(ctx, key, 0, -1).Result()
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %v\n", key, value)
	}
	return all.String()
}

// lines are those of a text that begin so.
func lines(text, prefix string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, prefix) {
			_, _ = io.WriteString(&kept, line)
		}
	}
	return kept.String()
}
