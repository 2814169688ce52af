package identity

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// smtpServer is one loopback mail server with one behaviour.
type smtpServer struct {
	tls      *tls.Config
	implicit bool   // TLS from the first byte
	plain    bool   // does not offer STARTTLS
	refuse   string // the reply to RCPT, if set
	hang     string // the command after which it says nothing more
	login    string // user:password that AUTH PLAIN must bring; empty = no AUTH offered

	listener net.Listener
	mu       sync.Mutex
	mails    []string
	open     sync.WaitGroup
}

func (s *smtpServer) start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = listener
	t.Cleanup(func() {
		listener.Close()
		s.open.Wait() // every connection was closed by the sender
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.open.Add(1)
			go func() {
				defer s.open.Done()
				defer conn.Close()
				s.serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func (s *smtpServer) serve(conn net.Conn) {
	secure := s.implicit
	if secure {
		conn = tls.Server(conn, s.tls)
	}
	in := bufio.NewReader(conn)
	say := func(lines ...string) { io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n") }
	say("220 mail.test ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		command, arg, _ := strings.Cut(line, " ")
		command = strings.ToUpper(command)
		if command == s.hang {
			io.Copy(io.Discard, in)
			return
		}
		switch command {
		case "EHLO":
			features := []string{"250-mail.test", "250-8BITMIME"}
			if !secure && !s.plain {
				features = append(features, "250-STARTTLS")
			}
			if s.login != "" {
				features = append(features, "250-AUTH PLAIN LOGIN")
			}
			say(append(features, "250 HELP")...)
		case "STARTTLS":
			say("220 go ahead")
			secured := tls.Server(conn, s.tls)
			conn, in, secure = secured, bufio.NewReader(secured), true
		case "AUTH":
			given, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(arg, "PLAIN "))
			if user, password, _ := strings.Cut(s.login, ":"); string(given) == "\x00"+user+"\x00"+password {
				say("235 welcome")
			} else {
				say("535 5.7.8 wrong credentials " + string(given[1:]))
			}
		case "RCPT":
			if s.refuse != "" {
				say(s.refuse + " " + arg)
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			var body strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				body.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.mails = append(s.mails, body.String())
			s.mu.Unlock()
			say("250 queued")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *smtpServer) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

// certificate makes a certificate for 127.0.0.1 and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

const mailTo = "zhang.wei@example.edu.cn"

var mailMessage = Message{Code: "059371", Purpose: ledger.PurposeVerify, TTL: 5 * time.Minute}

func TestSMTP_Send(t *testing.T) {
	t.Parallel()
	config, pool := certificate(t)
	for name, c := range map[string]struct {
		server *smtpServer
		url    string // %s is the address
	}{
		"StartTLS":       {&smtpServer{login: "card:pass word"}, "smtp://card:pass%%20word@%s"},
		"ImplicitTLS":    {&smtpServer{implicit: true, login: "card:p@ss"}, "smtps://card:p%%40ss@%s"},
		"Off":            {&smtpServer{plain: true}, "smtp://%s?tls=off"},
		"OffWithLogin":   {&smtpServer{plain: true, login: "card:secret"}, "smtp://card:secret@%s?tls=off"},
		"StartTLSNoAuth": {&smtpServer{}, "smtp://%s"},
		"QuitUnanswered": {&smtpServer{hang: "QUIT"}, "smtp://%s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.server.tls = config
			sender, err := NewSMTP(SMTPOptions{URL: fmt.Sprintf(c.url, c.server.start(t)), From: "校园卡 <card@example.edu.cn>", RootCAs: pool, Timeout: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if err := sender.Check(t.Context()); err != nil {
				t.Errorf("check: %v", err)
			}
			if err := sender.Send(t.Context(), mailTo, mailMessage); err != nil {
				t.Fatal(err)
			}
			if mails := c.server.got(); len(mails) != 1 || !strings.Contains(mails[0], "059371") {
				t.Errorf("the server got %q", mails)
			}
		})
	}
}

func TestSMTP_Failures(t *testing.T) {
	t.Parallel()
	config, pool := certificate(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := silent.Addr().String()
	silent.Close()

	const user, password = "carduser", "PassCanary"
	for name, c := range map[string]struct {
		server *smtpServer
		url    string
		roots  *x509.CertPool
		want   string
	}{
		"NoStartTLS":     {&smtpServer{plain: true}, "smtp://%s", pool, "STARTTLS"},
		"UntrustedTLS":   {&smtpServer{}, "smtp://%s", x509.NewCertPool(), "certificate"},
		"UntrustedSMTPS": {&smtpServer{implicit: true}, "smtps://%s", x509.NewCertPool(), "certificate"},
		"WrongPassword":  {&smtpServer{login: "a:b"}, "smtp://" + user + ":" + password + "@%s", pool, "connect"},
		"RefusedMailbox": {&smtpServer{refuse: "550 no such user"}, "smtp://%s", pool, "refused with 550"},
		"Greylisted":     {&smtpServer{refuse: "451 later"}, "smtp://%s", pool, "refused with 451"},
		"SilentAtData":   {&smtpServer{hang: "DATA"}, "smtp://%s", pool, "deadline"},
		"SilentAtHello":  {&smtpServer{hang: "EHLO"}, "smtp://%s", pool, "deadline"},
		"NobodyThere":    {nil, "smtp://" + user + ":" + password + "@%s", pool, "dial failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := refusing
			if c.server != nil {
				c.server.tls = config
				address = c.server.start(t)
			}
			sender, err := NewSMTP(SMTPOptions{URL: fmt.Sprintf(c.url, address), From: "card@example.edu.cn", RootCAs: c.roots})
			if err != nil {
				t.Fatal(err)
			}
			patience := 30 * time.Second
			if c.want == "deadline" {
				patience = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			begun := time.Now()
			err = sender.Send(ctx, mailTo, mailMessage)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q in it", err, c.want)
			}
			if c.want == "deadline" && time.Since(begun) > 10*time.Second {
				t.Error("the deadline of the caller was not kept")
			}
			for _, secret := range []string{user, password, mailTo, "zhang", mailMessage.Code, base64.StdEncoding.EncodeToString([]byte(password))} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %q: %v", secret, err)
				}
			}
			if c.want == "deadline" && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v is not the deadline", err)
			}
		})
	}
}

func TestNewSMTP_Malformed(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mail.example.edu.cn", "http://x", "smtp://", "smtp://x:99999", "smtp://x?tls=on", "smtp://x?insecure=1", "smtps://x?tls=off", "smtp://u:PassCanary%@x", "smtp://x/path"} {
		_, err := NewSMTP(SMTPOptions{URL: url, From: "card@example.edu.cn"})
		if err == nil || strings.Contains(err.Error(), "PassCanary") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := NewSMTP(SMTPOptions{URL: "smtp://x", From: "card"}); err == nil {
		t.Error("a malformed sender was taken")
	}
	sender, err := NewSMTP(SMTPOptions{URL: "smtp://127.0.0.1:1?tls=off", From: "card@example.edu.cn"})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "zhang", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"} {
		if err := sender.Send(t.Context(), to, mailMessage); err == nil || !strings.Contains(err.Error(), "not a mail address") {
			t.Errorf("to %q: %v", to, err)
		}
	}
}

// TestMail pins what arrives, read as a mail program reads it.
func TestMail(t *testing.T) {
	t.Parallel()
	server := &smtpServer{plain: true}
	sender, err := NewSMTP(SMTPOptions{
		URL: "smtp://" + server.start(t) + "?tls=off", From: "校园卡 <card@example.edu.cn>",
		Now: func() time.Time { return time.Date(2026, 11, 22, 12, 8, 0, 0, time.FixedZone("", 8*3600)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Message{
		{Code: "059371", Purpose: ledger.PurposeVerify, TTL: 5 * time.Minute},
		{Code: "482913", Purpose: ledger.PurposePassword, TTL: 5 * time.Minute, Lang: ledger.English},
		{Code: "482913", Purpose: ledger.PurposeCancelLoss, TTL: time.Minute, Lang: ledger.English},
		{Code: "000000", Purpose: ledger.PurposeCancelLoss, TTL: 90 * time.Second, Lang: ledger.Chinese},
	} {
		if err := sender.Send(t.Context(), mailTo, m); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for _, raw := range server.got() {
		all.WriteString(readable(t, raw))
	}
	golden := filepath.Join("testdata", "mails.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if all.String() != string(want) {
		t.Errorf("got\n%s", all.String())
	}
}

func readable(t *testing.T, raw string) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var words mime.WordDecoder
	for _, name := range []string{"From", "To", "Date", "Subject", "Auto-Submitted"} {
		value, err := words.DecodeHeader(m.Header.Get(name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s: %s\n", name, value)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s: %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "--- %s\n%s", part.Header.Get("Content-Type"), strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
}
