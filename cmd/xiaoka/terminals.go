package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"xiaoka/config"
	"xiaoka/identity"
	"xiaoka/kiosk"
	"xiaoka/ledger"
)

type terminalCmd struct {
	Add     terminalAddCmd     `cmd:"" help:"Register a terminal and print its secret once."`
	List    terminalListCmd    `cmd:"" help:"List all terminals."`
	Disable terminalDisableCmd `cmd:"" help:"Take a terminal out of service; its next request is refused."`
	Enable  terminalEnableCmd  `cmd:"" help:"Put a disabled terminal into service again, with the secret it has."`
	Resume  terminalResumeCmd  `cmd:"" help:"Let a machine take passwords again that saw too many wrong ones."`
	Rotate  terminalRotateCmd  `cmd:"" help:"Replace a terminal's secret and print the new one once."`
}

type terminalAddCmd struct {
	ID       terminalID `arg:"" help:"Letters, digits, - and _."`
	Kind     string     `required:"" enum:"kiosk,pos" help:"kiosk (self-service machine) or pos (till)."`
	Location said       `required:"" help:"Where it stands, as holders read it."`
	Merchant string     `help:"Whose till it is."`
}

// terminalID is a terminal's name on the command line.
type terminalID string

// UnmarshalText refuses what no terminal can be called.
func (id *terminalID) UnmarshalText(text []byte) error {
	if !kiosk.ValidTerminalID(string(text)) {
		return fmt.Errorf("the terminal id %q must be 1 to 32 letters, digits, - and _", text)
	}
	*id = terminalID(text)
	return nil
}

// Run registers a terminal; the last line printed is its secret.
func (c terminalAddCmd) Run(p *program) error {
	cfg, s, err := p.ready(config.MasterKey)
	if err != nil {
		return err
	}
	defer s.Close()
	id := string(c.ID)
	secret, sealed, err := newSecret(cfg, id)
	if err != nil {
		return err
	}
	err = s.AddTerminal(p.ctx, ledger.Terminal{ID: id, Kind: ledger.TerminalKind(c.Kind), Location: string(c.Location), Merchant: c.Merchant,
		SealedSecret: sealed, CreatedAt: now()})
	if errors.Is(err, ledger.ErrTerminalExists) {
		return fmt.Errorf("terminal %s exists already; `xiaoka terminal rotate %s` gives it a new secret", c.ID, c.ID)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "terminal %s (%s, %s) is registered; the secret is shown this once\nsecret: %s\n", c.ID, c.Kind, c.Location, secret)
	return nil
}

// newSecret makes a terminal's shared secret, in base64 for the machine and
// sealed for the database.
func newSecret(cfg *config.Config, id string) (shown string, sealed []byte, err error) {
	secret := kiosk.NewSecret()
	sealed, err = kiosk.Seal(sealKey(cfg), id, secret)
	return base64.StdEncoding.EncodeToString(secret), sealed, err
}

// sealKey encrypts the terminals' secrets at rest.
func sealKey(cfg *config.Config) [32]byte {
	return identity.DeriveKey(cfg.SecretKey.Reveal(), "terminal secrets")
}

type terminalListCmd struct{}

// Run lists the terminals.
func (terminalListCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Terminals(p.ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tKIND\tLOCATION\tMERCHANT\tSTATE\tLAST SEEN")
	for _, t := range all {
		state, seen := "in service", "never"
		switch {
		case !t.DisabledAt.IsZero():
			state = "disabled"
		case now().Before(t.SuspendedUntil):
			state = "no passwords until " + t.SuspendedUntil.In(cfg.Timezone).Format(time.DateTime)
		}
		if !t.SeenAt.IsZero() {
			seen = t.SeenAt.In(cfg.Timezone).Format(time.DateTime)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Kind, t.Location, t.Merchant, state, seen)
	}
	return out.Flush()
}

type terminalDisableCmd struct {
	ID string `arg:""`
}

// Run disables a terminal at once on every replica.
func (c terminalDisableCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := known(c.ID, s.DisableTerminal(p.ctx, c.ID, now())); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "terminal %s is disabled\n", c.ID)
	return nil
}

type terminalEnableCmd struct {
	ID string `arg:""`
}

// Run enables a terminal at once on every replica.
func (c terminalEnableCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := known(c.ID, s.EnableTerminal(p.ctx, c.ID, now())); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "terminal %s is in service\n", c.ID)
	return nil
}

type terminalResumeCmd struct {
	ID string `arg:""`
}

// Run lifts a suspension at once on every replica.
func (c terminalResumeCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := known(c.ID, s.ResumeTerminal(p.ctx, c.ID, now())); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "terminal %s takes passwords again\n", c.ID)
	return nil
}

type terminalRotateCmd struct {
	ID string `arg:""`
}

// Run replaces a secret; the old one ends at once.
func (c terminalRotateCmd) Run(p *program) error {
	cfg, s, err := p.existing(config.MasterKey)
	if err != nil {
		return err
	}
	defer s.Close()
	secret, sealed, err := newSecret(cfg, c.ID)
	if err != nil {
		return err
	}
	if err := known(c.ID, s.RotateTerminal(p.ctx, c.ID, sealed, now())); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "terminal %s has a new secret, shown this once; the old one ended\nsecret: %s\n", c.ID, secret)
	return nil
}

func known(id string, err error) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("there is no terminal %s", id)
	}
	return err
}
