package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The bridge serves the screen and the simulated reader on loopback until it
// is told to stop.
func TestKioskBridge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("terminal K01 …\nsecret: "+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan int, 1)
	var failed bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"kiosk-bridge", "--reader", "sim", "--server", "http://127.0.0.1:1", "--terminal", "K01",
			"--secret-file", secret, "--journal", filepath.Join(dir, "journal")}, nil, nil, in, &failed)
		in.Close()
	}()
	seen := make([]byte, 0, 512)
	for bytes.Count(seen, []byte("\n")) < 2 {
		chunk := make([]byte, 256)
		n, err := out.Read(chunk)
		if err != nil {
			t.Fatalf("%v after %q; %s", err, seen, failed.String())
		}
		seen = append(seen, chunk[:n]...)
	}
	for line := range strings.Lines(string(seen)) {
		_, rest, _ := strings.Cut(line, ": ")
		address, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		resp, err := http.Get(address)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.HasPrefix(address, "http://127.0.0.1:") {
			t.Errorf("%s: %d", address, resp.StatusCode)
		}
	}
	cancel()
	select {
	case code := <-ended:
		if code != exitOK {
			t.Errorf("exit %d: %s", code, failed.String())
		}
	case <-time.After(10 * time.Second):
		t.Error("does not stop")
	}
}

func TestKioskBridge_Refused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", base64.StdEncoding.EncodeToString(make([]byte, 32)))
	for name, c := range map[string]struct {
		change map[string]string
		code   int
		says   string
	}{
		"PlainHTTPOverANetwork": {map[string]string{"--server": "http://card.example.edu"}, exitUsage, "https"},
		"ServerWithAPath":       {map[string]string{"--server": "https://card.example.edu/x"}, exitUsage, "without a path"},
		"NoServer":              {map[string]string{"--server": ""}, exitUsage, "--server"},
		"OpenToTheNetwork":      {map[string]string{"--listen": "0.0.0.0:0"}, exitUsage, "loopback"},
		"ReaderOpen":            {map[string]string{"--sim-listen": ":0"}, exitUsage, "loopback"},
		"StrangeReader":         {map[string]string{"--reader": "/dev/ttyUSB0"}, exitUsage, "--reader"},
		"StrangeZone":           {map[string]string{"--timezone": "+08:00"}, exitUsage, "IANA"},
		"ZoneOfTheMachine":      {map[string]string{"--timezone": "Local"}, exitUsage, "IANA"},
		"StrangeTerminal":       {map[string]string{"--terminal": "K 01"}, exitUsage, "terminal id"},
		"NoSecretFile":          {map[string]string{"--secret-file": filepath.Join(dir, "none")}, exitFault, "secret"},
		"NoSecretInIt":          {map[string]string{"--secret-file": write("bad", "c2hvcnQ=")}, exitFault, "does not end in a secret"},
		"JournalDamaged":        {map[string]string{"--journal": write("damaged", "garbage\n{}\n")}, exitFault, "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flags := map[string]string{"--reader": "sim", "--server": "http://127.0.0.1:1", "--terminal": "K01", "--secret-file": good,
				"--journal": filepath.Join(dir, "journal-"+name)}
			for k, v := range c.change {
				flags[k] = v
			}
			args := []string{"kiosk-bridge"}
			for k, v := range flags {
				if v != "" {
					args = append(args, k, v)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			var out, failed bytes.Buffer
			if code := run(ctx, args, nil, nil, &out, &failed); code != c.code || !strings.Contains(failed.String(), c.says) {
				t.Errorf("exit %d: %s", code, failed.String())
			}
		})
	}
}
