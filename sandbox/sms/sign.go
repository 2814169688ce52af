package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const algorithm = "TC3-HMAC-SHA256"

// authorization is a parsed Authorization header.
type authorization struct {
	secretID      string
	date          string // YYYY-MM-DD, UTC
	service       string
	signedHeaders []string // lower case, in the order given
	signature     string   // lower-case hex
}

// parseAuthorization reads
// "TC3-HMAC-SHA256 Credential=ID/DATE/SERVICE/tc3_request, SignedHeaders=a;b, Signature=HEX".
func parseAuthorization(header string) (a authorization, ok bool) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return authorization{}, false
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if _, twice := fields[key]; !found || twice || value == "" {
			return authorization{}, false
		}
		fields[key] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(fields) != 3 || len(scope) != 4 || scope[0] == "" || scope[3] != "tc3_request" {
		return authorization{}, false
	}
	a = authorization{
		secretID: scope[0], date: scope[1], service: scope[2],
		signedHeaders: strings.Split(fields["SignedHeaders"], ";"), signature: fields["Signature"],
	}
	raw, err := hex.DecodeString(a.signature)
	if err != nil || len(raw) != sha256.Size || a.signature != strings.ToLower(a.signature) {
		return authorization{}, false
	}
	if !slices.IsSorted(a.signedHeaders) || !slices.Contains(a.signedHeaders, "content-type") || !slices.Contains(a.signedHeaders, "host") {
		return authorization{}, false
	}
	return a, true
}

// window is how far a caller's clock may be off.
const window = 5 * time.Minute

// authenticate proves that the caller holds the secret key, and that the call is of now.
func (s *Server) authenticate(r *http.Request, body []byte) *failure {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return fail("MissingParameter", "The request is missing a required parameter `Authorization`.")
	}
	a, ok := parseAuthorization(headers[0])
	if !ok || len(headers) > 1 {
		return fail("AuthFailure.InvalidAuthorization", "The Authorization header does not follow TC3-HMAC-SHA256.")
	}
	stamp := r.Header.Get("X-TC-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	switch {
	case stamp == "":
		return fail("MissingParameter", "The request is missing a required parameter `Timestamp`.")
	case err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != stamp:
		return fail("InvalidParameter", "The parameter `Timestamp` is not a Unix time in seconds.")
	case a.secretID != s.cfg.SecretID:
		return fail("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure that your SecretId is correct.")
	}
	at := time.Unix(seconds, 0)
	if off := s.cfg.Now().Sub(at); off > window || off < -window {
		return fail("AuthFailure.SignatureExpire", "The provided timestamp is more than five minutes away from the server's.")
	}
	if a.service != "sms" || a.date != at.UTC().Format(time.DateOnly) {
		return fail("AuthFailure.InvalidAuthorization", "Credential must name the UTC date of the timestamp and the service sms.")
	}
	if !hmac.Equal([]byte(a.signature), []byte(sign(r, body, a, stamp, s.cfg.SecretKey))) {
		return fail("AuthFailure.SignatureFailure", "The provided credentials could not be validated. Please check your signature is correct.")
	}
	if r.Header.Get("X-TC-Token") != "" {
		return fail("AuthFailure.TokenFailure", "The token is illegal.")
	}
	return nil
}

// sign returns the signature in hex that a POST should bear, by its own words on what is signed.
func sign(r *http.Request, body []byte, a authorization, stamp, secretKey string) string {
	var headers strings.Builder
	for _, name := range a.signedHeaders {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers.WriteString(name + ":" + strings.ToLower(strings.TrimSpace(value)) + "\n")
	}
	request := strings.Join([]string{r.Method, "/", "", headers.String(), strings.Join(a.signedHeaders, ";"), hexHash(body)}, "\n")
	text := strings.Join([]string{algorithm, stamp, a.date + "/" + a.service + "/tc3_request", hexHash([]byte(request))}, "\n")
	key := []byte("TC3" + secretKey)
	for _, step := range []string{a.date, a.service, "tc3_request", text} {
		key = mac(key, step)
	}
	return hex.EncodeToString(key)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
