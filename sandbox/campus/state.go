package campus

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Agent is one app as a sandbox user needs it to configure a bot of their own.
type Agent struct {
	Name           string `json:"name"`
	AgentID        int    `json:"agent_id"`
	Secret         string `json:"secret"`
	Token          string `json:"token"`
	EncodingAESKey string `json:"encoding_aes_key"`
	Callback       string `json:"callback"`
}

// Terminal is one machine on the campus. Secret is what `xiaoka terminal add` printed, empty until then.
type Terminal struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"` // kiosk or pos
	Location string `json:"location"`
	Merchant string `json:"merchant,omitempty"`
	Secret   string `json:"secret,omitempty"`
}

// State is what a campus remembers between two starts beside the product's own database. It holds secrets and is
// written for its owner only.
type State struct {
	CorpID    string     `json:"corp_id"`
	SecretKey string     `json:"secret_key"` // the product's master key
	APIv3Key  string     `json:"api_v3_key"`
	MailPass  string     `json:"mail_password"`
	Contacts  string     `json:"contacts_secret"` // of WeCom's contact sync
	Agents    []Agent    `json:"agents"`
	Terminals []Terminal `json:"terminals"`
	Imported  bool       `json:"imported"` // the people are in the product's database
}

// The two apps.
const (
	AssistantID = 1000001
	CardID      = 1000002
)

const (
	lettersAndDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hexDigits        = "0123456789abcdef"
)

// randomText draws n characters; crypto/rand does not fail.
func randomText(from string, n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = from[int(b[i])%len(from)]
	}
	return string(b)
}

// NewAgent makes an app with a secret, a token and a key of its own; it has no callback address yet.
func NewAgent(id int, name string) Agent {
	return Agent{
		Name: name, AgentID: id,
		Secret:         randomText(lettersAndDigits, 43),
		Token:          randomText(lettersAndDigits, 24),
		EncodingAESKey: aesKey(),
	}
}

func newState() State {
	key := make([]byte, 32)
	rand.Read(key)
	return State{
		CorpID:    "ww" + randomText(hexDigits, 16),
		SecretKey: base64.StdEncoding.EncodeToString(key),
		APIv3Key:  randomText(lettersAndDigits, 32),
		MailPass:  randomText(lettersAndDigits, 16),
		Contacts:  randomText(lettersAndDigits, 43),
		Agents:    []Agent{NewAgent(AssistantID, "企业小助手"), NewAgent(CardID, "校园一卡通")},
		Terminals: []Terminal{
			{ID: "K01", Kind: "kiosk", Location: "二号餐厅"},
			{ID: "K02", Kind: "kiosk", Location: "图书馆一楼"},
			{ID: "K03", Kind: "kiosk", Location: "受理中心"},
			{ID: "K04", Kind: "kiosk", Location: "行政中心一楼"},
			{ID: "P01", Kind: "pos", Location: "二号餐厅一楼", Merchant: "二号餐厅 风味窗口"},
			{ID: "P02", Kind: "pos", Location: "图书馆一楼", Merchant: "图书馆 咖啡角"},
		},
	}
}

// aesKey is base64 of 32 bytes without its padding, as WeCom's console makes it, drawn until it has letters and digits only.
func aesKey() string {
	for {
		raw := make([]byte, 32)
		rand.Read(raw)
		key := base64.StdEncoding.EncodeToString(raw)[:43]
		if clean(key) {
			return key
		}
	}
}

func clean(s string) bool {
	for _, c := range s {
		if c == '+' || c == '/' {
			return false
		}
	}
	return true
}

const stateFile = "campus.json"

// loadState reads an earlier campus; found is false in a new directory.
func loadState(dir string) (s State, found bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return State{}, false, nil
	}
	if err != nil {
		return State{}, false, fmt.Errorf("campus: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, false, fmt.Errorf("campus: %s does not read as a campus: %w", stateFile, err)
	}
	if s.CorpID == "" || len(s.Agents) != 2 {
		return State{}, false, fmt.Errorf("campus: %s does not read as a campus", stateFile)
	}
	return s, true, nil
}

// writeJSON replaces a file in one step, so that a kill leaves the old or the new one.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("campus: %w", err)
	}
	next := path + ".next"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return fmt.Errorf("campus: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("campus: %w", err)
	}
	return nil
}
