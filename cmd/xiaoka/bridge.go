package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"xiaoka/kiosk"
	"xiaoka/kiosk/bridge"
	"xiaoka/kiosk/screen"
)

type kioskBridgeCmd struct {
	Reader     string     `required:"" help:"sim for a simulated reader, or the address of the vendor's reader service." placeholder:"sim|URL"`
	Server     string     `required:"" help:"Address of the server: https, or http on this machine." placeholder:"URL"`
	Terminal   terminalID `required:"" help:"The machine's id, as registered by terminal add." placeholder:"ID"`
	SecretFile string     `required:"" help:"File with the secret that terminal add printed." placeholder:"F"`
	Listen     string     `default:"127.0.0.1:0" help:"Loopback address of the screen." placeholder:"ADDR"`
	SimListen  string     `default:"127.0.0.1:0" help:"Loopback address of the simulated reader's own page." placeholder:"ADDR"`
	Timezone   string     `env:"XIAOKA_TIMEZONE" default:"Asia/Shanghai" help:"IANA name of the time zone of the campus, which the screen's clock shows." placeholder:"ZONE"`
	Journal    string     `help:"The machine's record of its writes; default kiosk-ID.journal in the working folder." placeholder:"FILE"`
}

// simulatedWrite is long enough for a hand to pull the card out.
const simulatedWrite = 1500 * time.Millisecond

// Validate makes a wrong address a usage error.
func (c kioskBridgeCmd) Validate() error {
	if c.Reader != "sim" {
		u, err := url.Parse(c.Reader)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("--reader must be sim or an http address, not %q", c.Reader)
		}
	}
	if _, err := time.LoadLocation(c.Timezone); err != nil || c.Timezone == "Local" {
		return fmt.Errorf("--timezone must be an IANA time zone such as Asia/Shanghai, not %q", c.Timezone)
	}
	return errors.Join(safeServer(c.Server), loopback(c.Listen), loopback(c.SimListen))
}

// Run serves the screen until it is told to stop, then finishes what is in
// hand.
func (c kioskBridgeCmd) Run(p *program) error {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return err
	}
	secret, err := readSecret(c.SecretFile)
	if err != nil {
		return err
	}
	if c.Journal == "" {
		c.Journal = "kiosk-" + string(c.Terminal) + ".journal"
	}
	journal, err := bridge.OpenJournal(c.Journal)
	if err != nil {
		return err
	}
	defer journal.Close()
	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	reader, err := c.reader(p, log)
	if err != nil {
		return err
	}
	b := bridge.New(bridge.Config{Server: c.Server, Terminal: string(c.Terminal), Secret: secret, Sign: kiosk.Sign,
		Reader: reader, Journal: journal, Screen: screen.Handler(zone), Log: log})
	addr, wait, err := serveLoopback(p.ctx, c.Listen, b.Handler(), log)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "screen: http://%s/kiosk/\n", addr)
	b.Run(p.ctx)
	return wait()
}

// reader is the simulated one, with its own page, or the vendor's.
func (c kioskBridgeCmd) reader(p *program, log *slog.Logger) (bridge.Reader, error) {
	if c.Reader != "sim" {
		return &bridge.HTTPReader{URL: c.Reader}, nil
	}
	sim := &bridge.Sim{Pause: simulatedWrite}
	addr, _, err := serveLoopback(p.ctx, c.SimListen, sim.Handler(), log)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(p.stdout, "reader: http://%s/ (simulated: put cards in and pull them out here)\n", addr)
	return sim, nil
}

// safeServer refuses to send query passwords in the clear over a network.
func safeServer(server string) error {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("--server must be the server's address without a path, not %q", server)
	}
	if u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil
	}
	return errors.New("--server must be https: query passwords travel to it (http is for this machine alone)")
}

// readSecret takes the secret as terminal add prints it, with or without its
// label, from the last line of a file.
func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's secret: %w", err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	last := strings.TrimSpace(strings.TrimPrefix(string(lines[len(lines)-1]), "secret: "))
	secret, err := base64.StdEncoding.DecodeString(last)
	if err != nil || len(secret) != kiosk.SecretSize {
		return nil, fmt.Errorf("%s does not end in a secret as terminal add prints it", path)
	}
	return secret, nil
}

// loopback refuses an address that others than this machine could reach.
func loopback(listen string) error {
	if host, _, err := net.SplitHostPort(listen); err != nil || !isLoopback(host) {
		return fmt.Errorf("%q is no loopback address: nobody but this machine may reach its reader", listen)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// serveLoopback serves this machine alone until ctx ends; wait returns once
// what was in hand is done.
func serveLoopback(ctx context.Context, listen string, h http.Handler, log *slog.Logger) (addr string, wait func() error, err error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", nil, fmt.Errorf("listen on %s: %w", listen, err)
	}
	// Events have no end of their own: requests end with ctx, acts do not.
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	wait = func() error {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err := s.Shutdown(stop)
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
	return l.Addr().String(), wait, nil
}
