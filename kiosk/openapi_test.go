package kiosk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type object = map[string]any

// spec is openapi.yaml with its references followed.
type spec struct{ root object }

func readSpec(t *testing.T) spec {
	t.Helper()
	mux := http.NewServeMux()
	New(Config{}).Routes(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.yaml", nil))
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/yaml") {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	var s spec
	if err := yaml.Unmarshal(w.Body.Bytes(), &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s spec) follow(v any) object {
	o, _ := v.(object)
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	var at any = s.root
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	return s.follow(at)
}

// check tells where v is not what the schema says: types, required members,
// enumerations, and members that the schema does not name.
func (s spec) check(at string, schema object, v any) (faults []string) {
	schema = s.follow(schema)
	known, required := object{}, []any{}
	for _, part := range append([]any{schema}, list(schema["allOf"])...) {
		p := s.follow(part)
		required = append(required, list(p["required"])...)
		for k, sub := range mapping(p["properties"]) {
			known[k] = sub
		}
	}
	if enum := list(schema["enum"]); enum != nil && !slices.Contains(enum, v) {
		faults = append(faults, fmt.Sprintf("%s: %v is not in the enumeration", at, v))
	}
	switch v := v.(type) {
	case object:
		for _, k := range required {
			if _, ok := v[k.(string)]; !ok {
				faults = append(faults, at+"."+k.(string)+" is missing")
			}
		}
		for k, member := range v {
			sub, ok := known[k].(object)
			if !ok {
				sub, ok = schema["additionalProperties"].(object)
			}
			if !ok {
				faults = append(faults, at+"."+k+" is not in the schema")
				continue
			}
			faults = append(faults, s.check(at+"."+k, sub, member)...)
		}
	case []any:
		for i, member := range v {
			faults = append(faults, s.check(fmt.Sprintf("%s[%d]", at, i), s.follow(schema["items"]), member)...)
		}
	case string:
		if typ := schema["type"]; typ != nil && typ != "string" {
			faults = append(faults, fmt.Sprintf("%s is a string, not %v", at, typ))
		}
	case float64, int:
		if typ := schema["type"]; typ != "integer" {
			faults = append(faults, fmt.Sprintf("%s is a number, not %v", at, typ))
		}
	case bool:
		if typ := schema["type"]; typ != "boolean" {
			faults = append(faults, fmt.Sprintf("%s is a boolean, not %v", at, typ))
		}
	}
	return faults
}

// act is what the text says of the one method of a path.
func (s spec) act(path string) object {
	item := mapping(mapping(s.root["paths"])[path])
	if post, ok := item["post"].(object); ok {
		return post
	}
	return mapping(item["get"])
}

func list(v any) []any     { l, _ := v.([]any); return l }
func mapping(v any) object { m, _ := v.(object); return m }
func mediaOf(r object) object {
	for _, media := range mapping(r["content"]) {
		return media.(object)
	}
	return nil
}

func TestOpenAPI_Routes(t *testing.T) {
	t.Parallel()
	s := readSpec(t)
	var described, served []string
	for path, item := range mapping(s.root["paths"]) {
		for method := range mapping(item) {
			if method != "parameters" {
				described = append(described, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, r := range routes {
		served = append(served, r.pattern)
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described %q\nserved %q", described, served)
	}
	if v := s.root["openapi"]; v != "3.1.0" {
		t.Errorf("openapi %v", v)
	}
}

// Every example in the text is what its own schema says.
func TestOpenAPI_Examples(t *testing.T) {
	t.Parallel()
	s := readSpec(t)
	examples, ids := 0, map[any]bool{}
	media := func(at string, holder any) {
		m := mediaOf(s.follow(holder))
		if m == nil || m["example"] == nil {
			return
		}
		examples++
		for _, fault := range s.check(at, s.follow(m["schema"]), m["example"]) {
			t.Error(fault)
		}
	}
	for path := range mapping(s.root["paths"]) {
		act := s.act(path)
		if ids[act["operationId"]] {
			t.Errorf("operationId %v twice", act["operationId"])
		}
		ids[act["operationId"]] = true
		media(path, act["requestBody"])
		for status, r := range mapping(act["responses"]) {
			if s.follow(r)["description"] == nil {
				t.Errorf("%s %s leads nowhere", path, status)
			}
			media(path+" "+status, r)
		}
	}
	if examples < 20 {
		t.Errorf("%d examples", examples)
	}
}

// Every answer in the golden files is described, as the answer that it is.
func TestOpenAPI_Answers(t *testing.T) {
	t.Parallel()
	s := readSpec(t)
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	path := map[string]string{"lookup": "/kiosk/v1/accounts/lookup", "transfers": "/kiosk/v1/transfers/query", "claim": "/kiosk/v1/claims",
		"confirm": "/kiosk/v1/claims/{id}/confirm", "cancel": "/kiosk/v1/claims/{id}/cancel",
		"consumptions": "/pos/v1/consumptions", "blacklist": "/pos/v1/blacklist"}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(string(raw), "\n")
		status, contentType, _ := strings.Cut(head, " ")
		var v any
		if err := json.Unmarshal([]byte(rest), &v); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), "_")
		p := path[name]
		if p == "" {
			p = path["claim"]
		}
		answer := s.follow(mapping(s.act(p)["responses"])[status])
		media, ok := mapping(answer["content"])[contentType].(object)
		if !ok {
			t.Errorf("%s: %s answers %s %s, which is not described", file, p, status, contentType)
			continue
		}
		for _, fault := range s.check(file, s.follow(media["schema"]), v) {
			t.Error(fault)
		}
	}
}

// Every code that can be answered is in the enumeration, and no other.
func TestOpenAPI_Codes(t *testing.T) {
	t.Parallel()
	s := readSpec(t)
	var served, described []string
	for _, r := range []*refusal{errBadSignature, errStaleRequest, errReplayedRequest, errUnknownTerminal, errTerminalDisabled,
		errWrongTerminalKind, errBadRequest, errTooLarge, errRateLimited, errNoSuchAddress, errInternal, errPINWrong, errPINLocked,
		fields{"x": "y"}.err().(*refusal)} {
		served = append(served, r.code)
	}
	for _, r := range refusals {
		served = append(served, r.code)
	}
	problem := s.follow(object{"$ref": "#/components/schemas/Problem"})
	for _, code := range list(mapping(mapping(problem["properties"])["code"])["enum"]) {
		described = append(described, code.(string))
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served %q\ndescribed %q", served, described)
	}
}
