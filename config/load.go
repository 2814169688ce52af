package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DefaultPath is read when no path is given and it exists.
const DefaultPath = "xiaoka.yaml"

// Fault is one thing wrong with the configuration. Problem never contains a configured value.
type Fault struct {
	Key     string // as in YAML, such as wecom.card.token; empty when the fault is not about one key
	Env     string // as in the environment
	Problem string
}

func (f Fault) String() string {
	switch {
	case f.Key == "" && f.Env == "":
		return f.Problem
	case f.Key == "":
		return f.Env + ": " + f.Problem
	case f.Env == "":
		return f.Key + ": " + f.Problem
	}
	return fmt.Sprintf("%s (%s): %s", f.Key, f.Env, f.Problem)
}

// Faults is the error of [Load]: everything that is wrong, in the order of the options.
type Faults []Fault

func (f Faults) Error() string {
	lines := []string{"the configuration has 1 fault:"}
	if len(f) != 1 {
		lines[0] = fmt.Sprintf("the configuration has %d faults:", len(f))
	}
	for _, fault := range f {
		lines = append(lines, "  "+fault.String())
	}
	return strings.Join(lines, "\n")
}

// Load reads the YAML file at path, if any, and then environ ("NAME=value", as [os.Environ] gives it), and checks what
// need asks for. An empty path means [DefaultPath], which may be absent; a path that is given must exist. The error is a
// [Faults].
func Load(path string, environ []string, need Need) (*Config, error) {
	c := &Config{}
	r := reader{options: options(c), given: map[string]given{}}
	r.readFile(path)
	r.readEnv(environ)
	for _, o := range r.options {
		r.apply(o, need)
	}
	r.together(c, need)
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	return c, nil
}

// given is a value as written, before it is parsed. path says that the value is in the file of that name.
type given struct {
	text string
	path bool
}

type reader struct {
	options []option
	given   map[string]given // by key
	faults  Faults
}

func (r *reader) fault(o option, format string, args ...any) {
	r.faults = append(r.faults, Fault{o.key, o.env(), fmt.Sprintf(format, args...)})
}

func (r *reader) readFile(path string) {
	optional := path == ""
	if optional {
		path = DefaultPath
	}
	data, err := os.ReadFile(path)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.faults = append(r.faults, Fault{Problem: "cannot read the configuration file: " + err.Error()})
		return
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF): // nothing but comments
		return
	case err != nil:
		r.faults = append(r.faults, Fault{Problem: path + " is not valid YAML: " + withoutValues(err)})
		return
	}
	if !errors.Is(decoder.Decode(&second), io.EOF) {
		r.faults = append(r.faults, Fault{Problem: path + " holds more than one YAML document"})
	}
	r.section("", doc.Content[0])
}

// withoutValues keeps the parser's message unless it may quote the file, which may hold a secret.
func withoutValues(err error) string {
	if text := strings.TrimPrefix(err.Error(), "yaml: "); !strings.ContainsAny(text, "'`\"") {
		return text
	}
	return "put values that begin with a special character in quotes"
}

// section walks the mapping under prefix ("" at the top, else ending in a dot).
func (r *reader) section(prefix string, n *yaml.Node) {
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.faults = append(r.faults, Fault{Key: strings.TrimSuffix(prefix, "."), Problem: fmt.Sprintf("line %d: keys were expected here", n.Line)})
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := prefix + name.Value
		if seen[key] {
			r.faults = append(r.faults, Fault{Key: key, Problem: fmt.Sprintf("line %d: given twice", name.Line)})
			continue
		}
		seen[key] = true
		if r.isSection(key) {
			r.section(key+".", value)
			continue
		}
		o, isPath, ok := r.lookUp(func(o option) string { return o.key }, "_file", key)
		if !ok {
			r.faults = append(r.faults, Fault{Key: key, Problem: fmt.Sprintf("line %d: unknown key", name.Line)})
			continue
		}
		text, ok := scalar(value, o.list)
		if !ok {
			r.fault(o, "line %d: one value was expected", value.Line)
			continue
		}
		r.give(o, given{text, isPath}, seen[prefix+otherSpelling(name.Value)])
	}
}

func otherSpelling(name string) string {
	if plain, ok := strings.CutSuffix(name, "_file"); ok {
		return plain
	}
	return name + "_file"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// scalar returns the text of n as written, or of a list its items joined by commas.
func scalar(n *yaml.Node, list bool) (string, bool) {
	switch {
	case isNull(n):
		return "", true
	case n.Kind == yaml.ScalarNode:
		return n.Value, true
	case n.Kind == yaml.SequenceNode && list:
		var items []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false
			}
			items = append(items, item.Value)
		}
		return strings.Join(items, ","), true
	}
	return "", false
}

func (r *reader) isSection(key string) bool {
	return slices.ContainsFunc(r.options, func(o option) bool { return strings.HasPrefix(o.key, key+".") })
}

// lookUp finds the option whose name is written as such, or with the suffix that says its value is in a file.
func (r *reader) lookUp(name func(option) string, suffix, written string) (o option, isPath, ok bool) {
	for _, o := range r.options {
		switch {
		case written == name(o):
			return o, false, true
		case o.file && written == name(o)+suffix:
			return o, true, true
		}
	}
	return option{}, false, false
}

func (r *reader) readEnv(environ []string) {
	seen := map[string]bool{}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "XIAOKA_") {
			continue
		}
		o, isPath, ok := r.lookUp(option.env, "_FILE", name)
		if !ok {
			r.faults = append(r.faults, Fault{Env: name, Problem: "unknown variable"})
			continue
		}
		r.give(o, given{text, isPath}, seen[o.key] && !isRepeat(r.given[o.key], isPath))
		seen[o.key] = true
	}
}

// isRepeat reports that the same spelling came before: in an environment the last one holds.
func isRepeat(before given, isPath bool) bool { return before.path == isPath }

func (r *reader) give(o option, g given, both bool) {
	if both {
		r.fault(o, "given both as a value and as a file")
		return
	}
	r.given[o.key] = g
}

// apply parses the value of o, or its default, or finds that it is missing.
func (r *reader) apply(o option, need Need) {
	g, ok := r.given[o.key]
	if !ok {
		g = given{text: o.def}
	}
	needed := o.need&need != 0 && need != 0
	if g.path && g.text != "" {
		if !needed {
			return
		}
		data, err := os.ReadFile(g.text)
		if err != nil {
			// Not err itself: it quotes the path, and a secret put there by mistake would be printed.
			r.fault(o, "the file it names cannot be read: %v", cause(err))
			return
		}
		g.text = strings.TrimRight(string(data), "\r\n")
	}
	switch {
	case g.text != "":
		if err := o.parse(g.text); err != nil {
			r.fault(o, "%v", err)
		}
	case o.optional, !needed && o.def == "":
	case o.def != "":
		r.fault(o, "is empty; leave it out for the default")
	case o.file:
		r.fault(o, "missing; give it, or the path of a file that holds it as %s_FILE", o.env())
	default:
		r.fault(o, "missing")
	}
}

func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return errors.New("unknown reason")
}
