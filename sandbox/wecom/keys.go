package wecom

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// capitalKey is cheap and may also match inside a text; what it finds is looked at again.
var capitalKey = regexp.MustCompile(`"[^"]*[A-Z][^"]*"\s*:`)

// exactKeys hides keys with capitals from encoding/json, which would take KeyName for keyname. The service knows no such
// key in any body read here, so it does not see them either. It also returns one of them, if any.
func exactKeys(body []byte) (rest []byte, hidden string) {
	if !capitalKey.Match(body) {
		return body, ""
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return body, ""
	}
	if hidden = hideCapitals(v); hidden == "" {
		return body, ""
	}
	return encode(v), hidden
}

func hideCapitals(v any) (hidden string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			hidden = max(hidden, hideCapitals(item))
		}
	case map[string]any:
		for key, item := range v {
			hidden = max(hidden, hideCapitals(item))
			if key != strings.ToLower(key) {
				hidden = max(hidden, key)
				delete(v, key)
			}
		}
	}
	return hidden
}

// unknownFields says which field of a body the documents do not know, if any: the service ignores a misspelt one.
func unknownFields(body []byte, into any) string {
	rest, hidden := exactKeys(body)
	if hidden != "" {
		return `unknown field "` + hidden + `"`
	}
	dec := json.NewDecoder(bytes.NewReader(rest))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && strings.HasPrefix(err.Error(), "json: unknown field") {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	return ""
}
