package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"xiaoka/sandbox/campus"
)

// prepare does what an operator does on the first day before the server starts: schema, people, terminals. On a campus
// that is continued only what is missing is done.
func prepare(ctx context.Context, world *campus.Campus, p *product, dir string) error {
	if _, err := p.do(ctx, "migrate"); err != nil {
		return err
	}
	if !world.State().Imported {
		people, err := filepath.Abs(filepath.Join(dir, campus.PeopleFile))
		if err != nil {
			return err
		}
		if _, err := p.do(ctx, "people", "import", people); err != nil {
			return err
		}
		if err := world.SetImported(); err != nil {
			return err
		}
	}
	for _, t := range world.State().Terminals {
		if t.Secret != "" {
			continue
		}
		secret, err := register(ctx, p, t)
		if err != nil {
			return err
		}
		if err := world.SetTerminalSecret(t.ID, secret); err != nil {
			return err
		}
	}
	return nil
}

// open starts the product on what was prepared and does the rest of the first day: menus and callback addresses.
func open(ctx context.Context, world *campus.Campus, p *product) error {
	if err := p.start(ctx); err != nil {
		return err
	}
	if _, err := p.do(ctx, "menu", "push"); err != nil {
		return err
	}
	for _, a := range world.State().Agents {
		if err := world.WeCom.VerifyURL(ctx, a.AgentID); err != nil {
			return fmt.Errorf("the callback address of %s: %w", a.Name, err)
		}
	}
	return nil
}

// register adds a terminal. One that an interrupted start left behind without telling its secret gets a new one.
func register(ctx context.Context, p *product, t campus.Terminal) (secret string, err error) {
	args := []string{"terminal", "add", t.ID, "--kind", t.Kind, "--location", t.Location}
	if t.Merchant != "" {
		args = append(args, "--merchant", t.Merchant)
	}
	out, err := p.do(ctx, args...)
	if err != nil {
		var rotateErr error
		if out, rotateErr = p.do(ctx, "terminal", "rotate", t.ID); rotateErr != nil {
			return "", errors.Join(err, rotateErr)
		}
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	secret, ok := strings.CutPrefix(lines[len(lines)-1], "secret: ")
	if !ok {
		return "", fmt.Errorf("xiaoka terminal add %s: the last line is not its secret", t.ID)
	}
	return secret, nil
}
