package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"xiaoka/bot"
	"xiaoka/config"
	"xiaoka/handlers"
	"xiaoka/handlers/intent"
)

type menuCmd struct {
	Push menuPushCmd `cmd:"" help:"Write both apps' menus to WeCom."`
}

type menuPushCmd struct{}

// Run replaces both menus; the second is written even if the first fails.
func (menuPushCmd) Run(p *program) error {
	cfg, err := config.Load(p.config, p.env, config.WeComAPI|config.Pages)
	if err != nil {
		return err
	}
	var failed error
	for name, agent := range map[string]config.Agent{handlers.AssistantApp: cfg.WeCom.Assistant, handlers.CardApp: cfg.WeCom.Card} {
		if err := pushMenu(p, cfg, name, agent); err != nil {
			failed = errors.Join(failed, fmt.Errorf("the menu of app %s was not written: %w", name, err))
			continue
		}
		fmt.Fprintf(p.stdout, "menu of app %s written\n", name)
	}
	return failed
}

func pushMenu(p *program, cfg *config.Config, name string, agent config.Agent) error {
	menu, err := handlers.Menu(name, cfg.PublicURL)
	if err != nil {
		return err
	}
	client, err := bot.NewClient(bot.ClientConfig{App: bot.App{Name: name, CorpID: cfg.WeCom.CorpID, AgentID: agent.AgentID},
		Secret: agent.Secret.Reveal(), BaseURL: cfg.WeCom.APIURL})
	if err != nil {
		return err
	}
	return client.SetMenu(p.ctx, menu)
}

type understandCmd struct {
	Today string `help:"The day that relative months count from, YYYY-MM-DD; default today." placeholder:"YYYY-MM-DD"`
}

// utterance is one line of the answer.
type utterance struct {
	Text      string `json:"text"`
	Intent    string `json:"intent"`
	AmountFen *int64 `json:"amount_fen,omitempty"`
	Month     string `json:"month,omitempty"`
}

// Validate makes a wrong day a usage error.
func (c understandCmd) Validate() error {
	_, err := c.today()
	return err
}

func (c understandCmd) today() (time.Time, error) {
	if c.Today == "" {
		return now(), nil
	}
	day, err := time.Parse(time.DateOnly, c.Today)
	if err != nil {
		return time.Time{}, fmt.Errorf("--today %q is not a day as YYYY-MM-DD", c.Today)
	}
	return day, nil
}

// Run reads utterances until the end of the input; it needs no configuration.
func (c understandCmd) Run(p *program) error {
	today, err := c.today()
	if err != nil {
		return err
	}
	in := bufio.NewScanner(p.stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(p.stdout)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for in.Scan() {
		u := intent.Understand(in.Text(), today)
		if err := lines.Encode(utterance{Text: in.Text(), Intent: string(u.Intent), AmountFen: u.AmountFen, Month: u.Month}); err != nil {
			return err
		}
	}
	return errors.Join(in.Err(), out.Flush())
}
