package wecom

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// The code to join is for contact sync alone, contact sync for nothing else,
// and its picture lasts a week.
func TestJoinQRCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.ContactsSecret = "contacts" })
	contacts := w.get("gettoken?corpid=" + sampleCorp + "&corpsecret=contacts").str("access_token")
	app := w.get("gettoken?corpid=" + sampleCorp + "&corpsecret=secret-card").str("access_token")
	for path, want := range map[string]int{
		"corp/get_join_qrcode?size_type=2&access_token=" + contacts: 0,
		"corp/get_join_qrcode?size_type=9&access_token=" + contacts: 40058,
		"corp/get_join_qrcode?size_type=2&access_token=" + app:      48002,
		"menu/get?agentid=1000002&access_token=" + contacts:         48002,
	} {
		if got := w.get(path).code(); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	picture := w.get("corp/get_join_qrcode?access_token=" + contacts).str("join_qrcode")
	if u, err := url.Parse(picture); err != nil || u.Query().Get("action") != "join" {
		t.Fatalf("the address %q", picture)
	}
	status := func() (int, string) {
		res, err := http.Get(picture)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode, res.Header.Get("Content-Type")
	}
	if code, kind := status(); code != 200 || kind != "image/png" {
		t.Errorf("the picture: %d %s", code, kind)
	}
	w.clock.add(7*24*time.Hour + time.Second)
	if code, _ := status(); code != 404 {
		t.Errorf("a week later: %d", code)
	}
}
