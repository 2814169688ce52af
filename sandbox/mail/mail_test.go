package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
)

func start(t testing.TB, cfg Config) *Server {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const plain = "From: xiaoka <noreply@example.edu.cn>\r\nTo: zhang@example.edu.cn\r\nSubject: =?utf-8?q?=E9=AA=8C=E8=AF=81=E7=A0=81?=\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9=AA=8C=E8=AF=81=E7=A0=81 123456\r\n"

func send(s *Server, auth smtp.Auth, body string) error {
	return smtp.SendMail(s.Addr(), auth, "noreply@example.edu.cn", []string{"zhang@example.edu.cn", "li@example.edu.cn"}, []byte(body))
}

func TestServer_Keeps(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC)
	told := make(chan Message, 1)
	s := start(t, Config{Now: func() time.Time { return now }, OnMessage: func(m Message) { told <- m }})
	if err := send(s, nil, plain); err != nil {
		t.Fatal(err)
	}
	messages := s.Messages()
	if len(messages) != 1 {
		t.Fatalf("%+v", messages)
	}
	m := messages[0]
	if m.ID != 1 || !m.Time.Equal(now) || m.From != "noreply@example.edu.cn" || strings.Join(m.To, " ") != "zhang@example.edu.cn li@example.edu.cn" ||
		m.Subject != "验证码" || m.Text != "验证码 123456\n" || m.TLS || m.Problem != "" || m.Header.To != "zhang@example.edu.cn" {
		t.Errorf("%+v", m)
	}
	if got := <-told; got.ID != 1 {
		t.Errorf("%+v", got)
	}
	s.Clear()
	if len(s.Messages()) != 0 {
		t.Error("not cleared")
	}
}

// TestServer_GoMail sends with the library that the product uses, over STARTTLS with AUTH.
func TestServer_GoMail(t *testing.T) {
	t.Parallel()
	for _, auth := range []mail.SMTPAuthType{mail.SMTPAuthPlain, mail.SMTPAuthLogin} {
		t.Run(string(auth), func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{TLS: true, Username: "xiaoka", Password: "hunter2"})
			roots := x509.NewCertPool()
			if !roots.AppendCertsFromPEM(s.CertificatePEM()) {
				t.Fatal("no certificate")
			}
			msg := mail.NewMsg()
			if err := errors.Join(msg.FromFormat("小卡", "noreply@example.edu.cn"), msg.To("zhang@example.edu.cn")); err != nil {
				t.Fatal(err)
			}
			msg.Subject("你的验证码，请勿转告他人：一个需要折行的很长很长的主题")
			msg.SetBodyString(mail.TypeTextPlain, "验证码 654321")
			msg.AddAlternativeString(mail.TypeTextHTML, "<p>验证码 654321</p>")
			deliver := func(password string) error {
				host, port := hostPort(t, s)
				client, err := mail.NewClient(host, mail.WithPort(port), mail.WithTLSPolicy(mail.TLSMandatory),
					mail.WithTLSConfig(&tls.Config{RootCAs: roots, ServerName: "localhost"}),
					mail.WithSMTPAuth(auth), mail.WithUsername("xiaoka"), mail.WithPassword(password))
				if err != nil {
					t.Fatal(err)
				}
				return client.DialAndSendWithContext(context.Background(), msg)
			}
			if err := deliver("wrong"); err == nil {
				t.Error("a wrong password was taken")
			}
			if err := deliver("hunter2"); err != nil {
				t.Fatal(err)
			}
			m := s.Messages()[0]
			if m.Subject != "你的验证码，请勿转告他人：一个需要折行的很长很长的主题" || strings.TrimSpace(m.Text) != "验证码 654321" ||
				!strings.Contains(m.HTML, "<p>验证码 654321</p>") || !m.TLS || m.User != "xiaoka" || !strings.Contains(m.Header.From, "小卡") {
				t.Errorf("%+v", m)
			}
		})
	}
}

func hostPort(t testing.TB, s *Server) (string, int) {
	t.Helper()
	host, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return host, n
}

func TestServer_AuthNeeded(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Username: "u", Password: "p"})
	var refused *textproto.Error
	if err := send(s, nil, plain); !errors.As(err, &refused) || refused.Code != 502 && refused.Code != 530 {
		t.Errorf("%v", err)
	}
	if err := send(s, smtp.PlainAuth("", "u", "p", "127.0.0.1"), plain); err != nil {
		t.Error(err)
	}
}

func TestServer_Faults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults Faults
		code   int // 0: taken
		kept   int
	}{
		{"Rcpt", Faults{Code: 550}, 550, 0},
		{"MailBusy", Faults{Code: 421, Stage: "mail"}, 421, 0},
		{"Data", Faults{Code: 451, Stage: "data"}, 451, 0},
		{"Lose", Faults{Lose: true}, 0, 0},
		{"Slow", Faults{Delay: 20 * time.Millisecond}, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			s.SetFaults(tt.faults)
			began := time.Now()
			err := send(s, nil, plain)
			var refused *textproto.Error
			if errors.As(err, &refused) != (tt.code != 0) || tt.code != 0 && refused.Code != tt.code {
				t.Errorf("%v", err)
			}
			if len(s.Messages()) != tt.kept || time.Since(began) < tt.faults.Delay {
				t.Errorf("%+v after %v", s.Messages(), time.Since(began))
			}
		})
	}
	t.Run("Times", func(t *testing.T) {
		t.Parallel()
		s := start(t, Config{})
		s.SetFaults(Faults{Code: 451, Stage: "data", Times: 1})
		if first, second := send(s, nil, plain), send(s, nil, plain); first == nil || second != nil {
			t.Errorf("%v, %v", first, second)
		}
	})
	t.Run("CloseDuringDelay", func(t *testing.T) {
		t.Parallel()
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		s.SetFaults(Faults{Delay: time.Hour})
		sent := make(chan error, 1)
		go func() { sent <- send(s, nil, plain) }()
		time.Sleep(20 * time.Millisecond)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-sent
	})
}

func TestServer_Limits(t *testing.T) {
	t.Parallel()
	s := start(t, Config{MaxBytes: 2000, Keep: 2})
	if err := send(s, nil, plain+strings.Repeat("x", 70)+strings.Repeat("\r\n"+strings.Repeat("x", 70), 40)); err == nil {
		t.Error("a message over MaxBytes was taken")
	}
	for range 3 {
		if err := send(s, nil, plain); err != nil {
			t.Fatal(err)
		}
	}
	if messages := s.Messages(); len(messages) != 2 || messages[0].ID != 2 {
		t.Errorf("%+v", messages)
	}
}

func TestServer_Await(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	sent := make(chan error, 1)
	go func() { sent <- send(s, nil, plain) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if m, err := s.Await(ctx, func(m Message) bool { return strings.Contains(m.Text, "123456") }); err != nil || m.Subject != "验证码" {
		t.Errorf("%+v, %v", m, err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	cancel()
	if _, err := s.Await(ctx, func(Message) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestServer_StartTwice(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	if err := s.Start("127.0.0.1:0"); err == nil {
		t.Error("started twice")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	head := "Subject: s\r\n"
	for _, tt := range []struct {
		name, raw, subject, text, html, problem string
	}{
		{"Bare", head + "\r\nhello\r\n", "s", "hello\n", "", ""},
		{"Base64", head + "Content-Transfer-Encoding: base64\r\n\r\n6aqM6K+B\r\n56CB\r\n", "s", "验证码", "", ""},
		{"GBK", "Subject: =?gb2312?B?0enWpMLr?=\r\nContent-Type: text/plain; charset=GBK\r\nContent-Transfer-Encoding: base64\r\n\r\n0enWpMLr\r\n", "验证码", "验证码", "", ""},
		{"Multipart", head + "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>=C3=A9</b>\r\n--b--\r\n", "s", "a", "<b>é</b>", ""},
		{"Nested", head + "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nin\r\n--b--\r\n--m\r\nContent-Type: application/pdf\r\n\r\nxx\r\n--m--\r\n", "s", "in", "", ""},
		{"Truncated", head + "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\na", "s", "a", "", "unexpected EOF"},
		{"BadBase64", head + "Content-Transfer-Encoding: base64\r\n\r\n****\r\n", "s", "", "", "illegal base64"},
		{"UnknownCharset", head + "Content-Type: text/plain; charset=klingon\r\n\r\na\r\n", "s", "", "", "klingon"},
		{"NoHeader", "no header at all", "", "", "", "no mail message"},
		{"TooManyParts", head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 70) + "--b--\r\n", "s", strings.Repeat("x", 63), "", "too many parts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := parse([]byte(tt.raw))
			if m.Subject != tt.subject || m.Text != tt.text || m.HTML != tt.html || (m.Problem == "") != (tt.problem == "") || !strings.Contains(m.Problem, tt.problem) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if m := parse(raw); m.Raw != string(raw) {
			t.Error("the raw message changed")
		}
	})
}
