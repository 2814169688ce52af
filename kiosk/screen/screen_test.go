package screen_test

import (
	"io/fs"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk/screen"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	screen.Handler(time.UTC).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()
	for path, contentType := range map[string]string{"/kiosk/": "text/html", "/kiosk/screen.css": "text/css", "/kiosk/screen.js": "text/javascript",
		"/kiosk/words.js": "text/javascript", "/kiosk/zone.js": "text/javascript", "/kiosk/icon.svg": "image/svg+xml"} {
		w := get(t, "GET", path)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), contentType) {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	for path, status := range map[string]int{"/kiosk/bridge/events": 404, "/kiosk/nothing": 404, "/kiosk/../screen.go": 404} {
		if w := get(t, "GET", path); w.Code != status {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if zone := get(t, "GET", "/kiosk/zone.js").Body.String(); zone != "export const zone = \"UTC\";\n" {
		t.Errorf("the zone is %q", zone)
	}
	if w := get(t, "POST", "/kiosk/"); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d", w.Code)
	}
}

// The words of the guide stand on the screen, and nothing on it leads out.
func TestPage(t *testing.T) {
	t.Parallel()
	page := get(t, "GET", "/kiosk/").Body.String()
	for _, words := range []string{"校园卡自助服务系统", "Campus Card Automatic Service System", "自助服务", "银行服务", "微信企业号", "支付宝服务",
		"领取转账金额", "查询转帐流水", "证件号码", "用户名称", "卡密码", "待领金额", "转账名称", "转账金额", "转账时间", "确定", "退出"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %s", words)
		}
	}
	inline := regexp.MustCompile(`(?i)\sstyle\s*=|\son[a-z]+\s*=|<style|<script>|javascript:`)
	outside := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]`)
	static := os.DirFS("static")
	err := fs.WalkDir(static, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(static, path)
		if err != nil {
			return err
		}
		if m := outside.FindString(strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "")); m != "" {
			t.Errorf("%s leads to %s", path, m)
		}
		if m := inline.FindString(string(text)); m != "" && strings.HasSuffix(path, ".html") {
			t.Errorf("%s has %q inline", path, m)
		}
		if strings.ContainsAny(string(text), "!！") && strings.HasSuffix(path, "words.js") {
			t.Errorf("%s raises its voice", path)
		}
		if strings.Contains(string(text), "到账") {
			t.Errorf("%s promises 到账", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
