package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// SMTPOptions sets up [SMTP].
type SMTPOptions struct {
	// URL is smtp://user:pass@host:587, where STARTTLS is required unless ?tls=off, or smtps://user:pass@host:465. Ports
	// may be left out. Without TLS a password is only sent to this machine.
	URL     string
	From    string         // such as 校园卡 <card@example.edu.cn>
	Timeout time.Duration  // for one mail, from dialling to its acceptance; 0 = 10 s
	RootCAs *x509.CertPool // nil = the system's
	Now     func() time.Time
}

// SMTP sends codes by mail.
type SMTP struct {
	host     string
	port     int
	user     string
	password string
	implicit bool // TLS from the first byte
	off      bool // no TLS
	roots    *x509.CertPool
	from     string
	timeout  time.Duration
	now      func() time.Time
}

// NewSMTP returns a sender for the server in o.URL. Its errors do not contain the URL.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the SMTP address must be smtp://user:pass@host:port or smtps://…")
	}
	s := &SMTP{host: u.Hostname(), roots: o.RootCAs, from: o.From, timeout: o.Timeout, now: orNow(o.Now)}
	switch u.Scheme {
	case "smtp":
		s.port = mail.DefaultPortTLS
	case "smtps":
		s.port, s.implicit = mail.DefaultPortSSL, true
	default:
		return nil, errors.New("the SMTP address must begin with smtp:// or smtps://")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, errors.New("the SMTP address has a malformed port")
		}
		s.port = int(n)
	}
	for key, values := range u.Query() {
		if key != "tls" || s.implicit || len(values) != 1 || values[0] != "off" {
			return nil, errors.New("the SMTP address takes no other option than ?tls=off, after smtp:// only")
		}
		s.off = true
	}
	s.user = u.User.Username()
	s.password, _ = u.User.Password()
	if s.timeout <= 0 {
		s.timeout = 10 * time.Second
	}
	if err := mail.NewMsg().From(o.From); err != nil {
		return nil, errors.New("the sender of mails is not a mail address")
	}
	return s, nil
}

// Send delivers m to the server, which has accepted it when Send returns nil.
func (s *SMTP) Send(ctx context.Context, to string, m Message) error {
	msg, err := s.compose(to, m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.deliver(ctx, msg)
}

// Check dials the server and logs in, for `xiaoka doctor`.
func (s *SMTP) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.deliver(ctx)
}

func (s *SMTP) compose(to string, m Message) (*mail.Msg, error) {
	subject, plain, html, err := renderMail(m)
	if err != nil {
		return nil, fmt.Errorf("render the mail: %w", err)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(s.from); err != nil {
		return nil, errors.New("the sender of mails is not a mail address")
	}
	if err := msg.To(to); err != nil {
		return nil, errors.New("the address on record is not a mail address")
	}
	msg.Subject(subject)
	msg.SetDateWithValue(s.now())
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetBodyString(mail.TypeTextPlain, plain)
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	return msg, nil
}

// deliver opens one connection for the messages. The connection ends with ctx, whatever the server does or leaves undone.
func (s *SMTP) deliver(ctx context.Context, messages ...*mail.Msg) error {
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{}
	if s.implicit {
		dialer = &tls.Dialer{Config: s.tlsConfig()}
	}
	closing := func() {}
	defer func() { closing() }()
	dial := func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		closing = func() { stop(); conn.Close() }
		return conn, nil
	}
	client, err := mail.NewClient(s.host, s.options(dial)...)
	if err != nil {
		return fmt.Errorf("set up the mail client: %w", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.failure(ctx, "connect to the mail server", err)
	}
	if err := client.SendWithSMTPClient(session, messages...); err != nil {
		return s.failure(ctx, "hand over the mail", err)
	}
	// The mail is accepted; a goodbye that gets no answer does not undo that and is not waited for.
	if session.UpdateDeadline(200*time.Millisecond) == nil {
		_ = session.Quit()
	}
	return nil
}

func (s *SMTP) options(dial mail.DialContextFunc) []mail.Option {
	policy := mail.TLSMandatory
	if s.off {
		policy = mail.NoTLS
	}
	options := []mail.Option{
		mail.WithPort(s.port), mail.WithTLSPolicy(policy), mail.WithTLSConfig(s.tlsConfig()),
		mail.WithTimeout(s.timeout), mail.WithoutNoop(), mail.WithDialContextFunc(dial),
	}
	if s.implicit {
		options = append(options, mail.WithSSL())
	}
	if s.user != "" {
		options = append(options, mail.WithUsername(s.user), mail.WithPassword(s.password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return options
}

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12}
}

// failure says at which step and with which reply code it went wrong. The server's own words are left out: they may repeat
// the recipient or what was sent.
func (s *SMTP) failure(ctx context.Context, step string, err error) error {
	var (
		sendErr *mail.SendError
		netErr  *net.OpError
		certErr *tls.CertificateVerificationError
	)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", step, ctx.Err())
	case errors.As(err, &sendErr) && sendErr.ErrorCode() != 0:
		return fmt.Errorf("%s: refused with %d (%s)", step, sendErr.ErrorCode(), sendErr.Reason)
	case errors.As(err, &certErr):
		return fmt.Errorf("%s: its certificate is not trusted", step)
	case errors.As(err, &netErr):
		return fmt.Errorf("%s: %s failed", step, netErr.Op)
	case strings.Contains(err.Error(), "STARTTLS"):
		return fmt.Errorf("%s: it does not offer STARTTLS", step)
	}
	return fmt.Errorf("%s: refused, or not understood", step)
}
