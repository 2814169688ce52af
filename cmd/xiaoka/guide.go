package main

import (
	"log/slog"
	"strings"

	"xiaoka/bot"
	"xiaoka/config"
	"xiaoka/guide"
)

// newGuide joins the public guide. With the secret of contact sync it shows
// WeCom's QR code to join.
func (h *house) newGuide(cfg *config.Config, log *slog.Logger) (*guide.Guide, error) {
	c := guide.Config{Office: guide.Words(cfg.Contact.Office), Phone: cfg.Contact.Phone, Hours: guide.Words(cfg.Contact.Hours),
		Secure: strings.HasPrefix(cfg.PublicURL, "https://"), Log: log}
	for _, m := range cfg.Contact.Machines {
		c.Machines = append(c.Machines, guide.Words(m))
	}
	if secret := cfg.WeCom.ContactsSecret.Reveal(); secret != "" {
		client, err := bot.NewClient(bot.ClientConfig{App: bot.App{Name: "contacts", CorpID: cfg.WeCom.CorpID}, Secret: secret, Contacts: true,
			BaseURL: cfg.WeCom.APIURL, Redis: h.short, Log: log})
		if err != nil {
			return nil, err
		}
		c.Join = client.JoinQRCode
	}
	return guide.New(c)
}
