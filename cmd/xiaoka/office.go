package main

import (
	"context"
	"errors"
	"log/slog"

	"xiaoka/bot"
	"xiaoka/config"
	"xiaoka/h5"
	"xiaoka/office"
	"xiaoka/store"
)

// operators opens the page for operators; without any in the configuration it
// answers as if it did not exist.
func operators(cfg *config.Config, s *store.Store, short *shortLived, card *bot.Client, log *slog.Logger) (*office.Pages, error) {
	roles := map[string]office.Role{}
	for _, o := range cfg.Operators {
		roles[o.UserID] = office.Viewer
		if o.Auditor {
			roles[o.UserID] = office.Auditor
		}
	}
	return office.New(office.Config{
		PublicURL: cfg.PublicURL, OAuthURL: cfg.WeCom.OAuthURL, CorpID: cfg.WeCom.CorpID, AgentID: int(cfg.WeCom.Card.AgentID),
		Operators: roles, Store: s, Keep: states{short}, Members: doorman{members{card}}, Location: cfg.Timezone, Log: log,
	})
}

// doorman asks WeCom who comes, in the words of the operators' page.
type doorman struct{ members }

func (d doorman) UserInfo(ctx context.Context, code string) (string, error) {
	userID, err := d.members.UserInfo(ctx, code)
	if errors.Is(err, h5.ErrOAuthCode) || errors.Is(err, h5.ErrNotMember) {
		return "", office.ErrStranger
	}
	return userID, err
}
