package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The tests need no built product: this test binary, started again with fakeVariable set, is a small one. It knows the
// operator's commands, the callbacks' encryption and one call of WeCom's, and answers every text with the cards of
// testdata/cards.
const fakeVariable = "SANDBOX_TEST_FAKE_PRODUCT"

func TestMain(m *testing.M) {
	if os.Getenv(fakeVariable) == "" {
		os.Exit(m.Run())
	}
	if err := fake(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fake:", err)
		os.Exit(1)
	}
}

type fakeConfig struct {
	Listen    string `yaml:"listen"`
	PublicURL string `yaml:"public_url"`
	WeCom     struct {
		CorpID    string    `yaml:"corp_id"`
		APIURL    string    `yaml:"api_url"`
		Assistant fakeAgent `yaml:"assistant"`
		Card      fakeAgent `yaml:"card"`
	} `yaml:"wecom"`
}

type fakeAgent struct {
	AgentID string `yaml:"agent_id"`
	Secret  string `yaml:"secret_file"`
	AESKey  string `yaml:"aes_key_file"`
}

func fake(args []string) error {
	if len(args) < 3 || args[0] != "--config" {
		return fmt.Errorf("called with %q", args)
	}
	raw, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	var cfg fakeConfig
	if err := yaml.Unmarshal(raw, &cfg); err != nil {
		return err
	}
	done, err := os.OpenFile(filepath.Join(filepath.Dir(args[1]), "done.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer done.Close()
	fmt.Fprintln(done, strings.Join(args[2:], " "))
	switch {
	case len(args) > 4 && slices.Equal(args[2:4], []string{"terminal", "add"}):
		fmt.Printf("terminal %s is registered\nsecret: %s\n", args[4], base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	case args[2] == "serve":
		return cfg.serve()
	}
	return nil
}

func (c fakeConfig) serve() error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /h5/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		w.Header().Set("X-Frame-Options", "DENY")
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/h5", HttpOnly: true})
		fmt.Fprintf(w, "<!doctype html><title>校园卡</title><p>%s</p><p>%s</p>", r.UserAgent(), r.Header.Get("Cookie"))
	})
	mux.HandleFunc("GET /dies", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	for path, agent := range map[string]fakeAgent{"/wecom/assistant": c.WeCom.Assistant, "/wecom/card": c.WeCom.Card} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := c.callback(w, r, agent); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	return http.ListenAndServe(c.Listen, mux)
}

func (c fakeConfig) callback(w http.ResponseWriter, r *http.Request, a fakeAgent) error {
	key, err := os.ReadFile(a.AESKey)
	if err != nil {
		return err
	}
	if r.Method == http.MethodGet {
		plain, err := unseal(string(key), r.URL.Query().Get("echostr"))
		if err == nil {
			_, err = w.Write(plain)
		}
		return err
	}
	var envelope struct {
		Encrypt string `xml:"Encrypt"`
	}
	if err := xml.NewDecoder(r.Body).Decode(&envelope); err != nil {
		return err
	}
	plain, err := unseal(string(key), envelope.Encrypt)
	if err != nil {
		return err
	}
	var message struct {
		FromUserName, MsgType, Content string
	}
	if err := xml.Unmarshal(plain, &message); err != nil {
		return err
	}
	if message.MsgType != "text" {
		return nil
	}
	return c.send(a, message.FromUserName, message.Content)
}

// send answers with the cards whose file names begin with the text, or with the text itself.
func (c fakeConfig) send(a fakeAgent, userID, text string) error {
	secret, err := os.ReadFile(a.Secret)
	if err != nil {
		return err
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := call(http.Get(c.WeCom.APIURL + "/cgi-bin/gettoken?corpid=" + c.WeCom.CorpID + "&corpsecret=" + string(secret)))(&token); err != nil {
		return err
	}
	bodies := []string{`"msgtype":"text","text":{"content":"` + text + `"}`}
	files, err := filepath.Glob(filepath.Join(os.Getenv(fakeVariable), text+"*.json"))
	if err != nil {
		return err
	}
	for i, name := range files {
		card, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if i == 0 {
			bodies = nil
		}
		card = bytes.ReplaceAll(card, []byte("URL"), []byte(c.PublicURL))
		card = bytes.ReplaceAll(card, []byte("TASK"), fmt.Appendf(nil, "%d-%d", os.Getpid(), i))
		bodies = append(bodies, `"msgtype":"template_card","template_card":`+string(card))
	}
	for _, body := range bodies {
		body = `{"touser":"` + userID + `","agentid":` + a.AgentID + `,` + body + `}`
		var answer struct {
			ErrCode int    `json:"errcode"`
			ErrMsg  string `json:"errmsg"`
		}
		url := c.WeCom.APIURL + "/cgi-bin/message/send?access_token=" + token.AccessToken
		if err := call(http.Post(url, "application/json", strings.NewReader(body)))(&answer); err != nil {
			return err
		}
		if answer.ErrCode != 0 {
			return fmt.Errorf("send: %d %s", answer.ErrCode, answer.ErrMsg)
		}
	}
	return nil
}

func call(resp *http.Response, err error) func(any) error {
	return func(into any) error {
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return json.NewDecoder(resp.Body).Decode(into)
	}
}

// unseal opens what WeCom encrypts, DOC/90968: AES-256-CBC over 16 random bytes, a length, the text and the corp's id.
func unseal(key43, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(key43 + "=")
	if err != nil {
		return nil, err
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("not sealed: %d bytes: %w", len(sealed), err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(sealed, sealed)
	if len(sealed) < 20 {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(binary.BigEndian.Uint32(sealed[16:20]))
	if n > len(sealed)-20 {
		return nil, io.ErrUnexpectedEOF
	}
	return sealed[20 : 20+n], nil
}
