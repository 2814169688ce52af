package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// Limits on the structure of a message; its size is limited on the wire.
const (
	maxDepth = 8
	maxParts = 64
)

// parse reads a message as far as it can be read; what stopped it is in Problem.
func parse(raw []byte) Message {
	m := Message{Raw: string(raw)}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		m.Problem = "no mail message: " + err.Error()
		return m
	}
	m.Subject = decodeWords(parsed.Header.Get("Subject"))
	m.Header = Header{
		From: decodeWords(parsed.Header.Get("From")), To: decodeWords(parsed.Header.Get("To")),
		Date: parsed.Header.Get("Date"), MessageID: parsed.Header.Get("Message-Id"),
	}
	parts := maxParts
	if err := m.read(textproto.MIMEHeader(parsed.Header), parsed.Body, maxDepth, &parts); err != nil {
		m.Problem = err.Error()
	}
	return m
}

// read adds the text of one part, or of the parts in it.
func (m *Message) read(header textproto.MIMEHeader, body io.Reader, depth int, parts *int) error {
	*parts--
	if depth == 0 || *parts < 0 {
		return errors.New("too many parts")
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil { // missing or malformed: RFC 2045, 5.2
		kind, params = "text/plain", nil
	}
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			part, err := r.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("multipart: %w", err)
			}
			if err := m.read(part.Header, part, depth-1, parts); err != nil {
				return err
			}
		}
	}
	if kind != "text/plain" && kind != "text/html" {
		return nil
	}
	text, err := decodeBody(header.Get("Content-Transfer-Encoding"), params["charset"], body)
	if kind == "text/html" {
		m.HTML += text
	} else {
		m.Text += text
	}
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

func decodeBody(encoding, charset string, body io.Reader) (string, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	body, err := decodeCharset(charset, body)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}

func decodeCharset(charset string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "", "utf-8", "us-ascii":
		return r, nil
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, fmt.Errorf("charset %q: %w", charset, err)
	}
	return e.NewDecoder().Reader(r), nil
}

// decodeWords undoes RFC 2047; what cannot be decoded stays as it is.
func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: decodeCharset}
	decoded, err := d.DecodeHeader(s)
	if err != nil {
		return s
	}
	return decoded
}
