package bot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Bounds of what is read as XML, far above anything WeCom sends.
const (
	maxXMLBytes    = 64 << 10
	maxXMLDepth    = 32
	maxXMLElements = 512
)

// visitor is told of each element: open when it begins, leaf when one without children ends. path holds the names from the root down to
// it and is valid during the call only.
type visitor interface {
	open(path []string)
	leaf(path []string, text []byte)
}

// repeatable are the elements of lists; every other element stands once within its parent, because of two the wrong one might be believed.
func repeatable(name string) bool {
	switch name {
	case "SelectedItem", "OptionId", "item", "Item":
		return true
	}
	return false
}

// walkXML reads one <xml> document more strictly than encoding/xml does by itself: nothing before or after it, no directive, processing
// instruction, comment, attribute or name space, no element twice, no text beside elements, and bounds on size, depth and number.
func walkXML(data []byte, v visitor) error {
	if len(data) > maxXMLBytes {
		return malformed("size")
	}
	if !utf8.Valid(data) {
		return malformed("UTF-8")
	}
	w := walkers.Get().(*walker)
	w.visitor = v
	w.goOn(trimBlanks(data))
	for !w.closed {
		token, err := w.decoder.RawToken()
		if err == io.EOF {
			return malformed("unfinished")
		}
		if err != nil {
			return malformed("syntax")
		}
		if err := w.token(token); err != nil {
			return err
		}
	}
	if w.in.Len() != 0 {
		return malformed("trailer")
	}
	w.free()
	return nil
}

func malformed(reason string) error { return fmt.Errorf("%w: %s", ErrMalformed, reason) }

// frame is one open element.
type frame struct {
	firstChild int  // where the names of its children begin in siblings
	hasChild   bool // so it is no leaf
}

type walker struct {
	data     []byte
	in       *bytes.Reader // over data
	decoder  *xml.Decoder  // over in
	visitor  visitor
	path     []string
	frames   []frame
	siblings []string // names of the children so far of every open element, outermost first
	text     []byte
	elements int
	closed   bool // the root has ended
}

// walkers keeps walkers whose document came to its end, with their stacks and a decoder that waits for the next document. One that met
// a fault is left to the garbage, as its decoder stands in the middle of something.
var walkers = sync.Pool{New: func() any {
	in := new(bytes.Reader)
	return &walker{in: in, decoder: xml.NewDecoder(in)}
}}

func (w *walker) free() {
	w.in.Reset(nil)
	clear(w.path[:cap(w.path)])
	clear(w.siblings[:cap(w.siblings)])
	*w = walker{in: w.in, decoder: w.decoder, path: w.path[:0], frames: w.frames[:0], siblings: w.siblings[:0], text: w.text[:0]}
	walkers.Put(w)
}

func (w *walker) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if len(t.Attr) != 0 {
			return malformed("attribute")
		}
		if err := w.start(t.Name); err != nil {
			return err
		}
		if w.ordinaryLeaf(t.Name.Local) {
			return w.end(t.Name)
		}
		return nil
	case xml.EndElement:
		return w.end(t.Name)
	case xml.CharData:
		return w.chars(t)
	}
	return malformed("directive, instruction or comment")
}

// rest is what the decoder has not read. After a tag that is exact: it takes byte by byte, and looks ahead in text only.
func (w *walker) rest() []byte { return w.data[len(w.data)-w.in.Len():] }

// goOn lets the decoder go on at rest.
func (w *walker) goOn(rest []byte) {
	w.data = rest
	w.in.Reset(rest)
}

// ordinaryLeaf reads, after a start tag, the remainder of an element that holds one ordinary value and nothing else, as nearly all do. The
// decoder would walk through it byte by byte, above all through Encrypt. What is unusual, even if right, is left to the decoder.
func (w *walker) ordinaryLeaf(name string) bool {
	rest := w.rest()
	if bytes.HasSuffix(w.data[:len(w.data)-len(rest)], []byte("/>")) {
		return false
	}
	text, rest, ok := ordinaryValue(rest)
	if !ok {
		return false
	}
	tag := len("</") + len(name)
	if len(rest) <= tag || string(rest[:2]) != "</" || string(rest[2:tag]) != name || rest[tag] != '>' {
		return false
	}
	w.text = append(w.text, text...)
	w.goOn(rest[tag+1:])
	return true
}

// ordinaryValue takes from the front of data, which is valid UTF-8, what WeCom writes as a value: a CDATA section, or digits. It says no to a
// section with characters that XML does not take as they stand, and to some rare others.
func ordinaryValue(data []byte) (text, rest []byte, ok bool) {
	section, found := bytes.CutPrefix(data, []byte("<![CDATA["))
	if !found {
		n := 0
		for n < len(data) && '0' <= data[n] && data[n] <= '9' {
			n++
		}
		return data[:n], data[n:], true
	}
	text, rest, ok = bytes.Cut(section, []byte("]]>"))
	for _, b := range text {
		if b < ' ' && b != '\n' && b != '\t' {
			return nil, nil, false
		}
	}
	return text, rest, ok && !bytes.Contains(text, []byte("\xef\xbf")) // U+FFC0 to U+FFFF
}

func (w *walker) start(name xml.Name) error {
	w.elements++
	depth := len(w.path)
	switch {
	case name.Space != "":
		return malformed("name space")
	case depth == 0 && (w.closed || name.Local != "xml"):
		return malformed("root")
	case depth >= maxXMLDepth || w.elements > maxXMLElements:
		return malformed("depth or number of elements")
	}
	if depth > 0 {
		parent := &w.frames[depth-1]
		if !parent.hasChild && !blank(w.text) {
			return malformed("text beside elements")
		}
		parent.hasChild = true
		if !repeatable(name.Local) {
			for _, s := range w.siblings[parent.firstChild:] {
				if s == name.Local {
					return malformed("element twice")
				}
			}
		}
		w.siblings = append(w.siblings, name.Local)
	}
	w.path = append(w.path, name.Local)
	w.frames = append(w.frames, frame{firstChild: len(w.siblings)})
	w.text = w.text[:0]
	w.visitor.open(w.path)
	return nil
}

func (w *walker) end(name xml.Name) error {
	last := len(w.path) - 1
	if last < 0 || name.Space != "" || w.path[last] != name.Local {
		return malformed("end tag")
	}
	f := w.frames[last]
	if !f.hasChild {
		w.visitor.leaf(w.path, w.text)
	}
	w.siblings = w.siblings[:f.firstChild]
	w.path, w.frames = w.path[:last], w.frames[:last]
	w.text = w.text[:0]
	w.closed = last == 0
	// Only blanks may stand between elements, and WeCom breaks the line there.
	w.goOn(trimBlanks(w.rest()))
	return nil
}

// chars is told of no blanks between elements: those are passed over.
func (w *walker) chars(text []byte) error {
	if len(w.path) == 0 || w.frames[len(w.frames)-1].hasChild {
		return malformed("text beside elements")
	}
	w.text = append(w.text, text...)
	return nil
}

func blank(text []byte) bool { return len(trimBlanks(text)) == 0 }

func trimBlanks(text []byte) []byte {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\n' || text[0] == '\r' || text[0] == '\t') {
		text = text[1:]
	}
	return text
}

// appendCDATA writes <name><![CDATA[text]]></name>. A "]]>" inside is split over two sections, and characters that XML cannot hold
// are left out.
func appendCDATA(dst []byte, name, text string) []byte {
	dst = append(dst, '<')
	dst = append(dst, name...)
	dst = append(dst, "><![CDATA["...)
	dst = appendCharacters(dst, text)
	dst = append(dst, "]]></"...)
	dst = append(dst, name...)
	return append(dst, '>')
}

func appendCharacters(dst []byte, text string) []byte {
	if !strings.Contains(text, "]]>") && strings.IndexFunc(text, notXML) < 0 {
		return append(dst, text...)
	}
	text = strings.Map(func(r rune) rune {
		if notXML(r) {
			return -1
		}
		return r
	}, text)
	return append(dst, strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>")...)
}

// notXML reports whether XML 1.0 has no such character.
func notXML(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return false
	case r < 0x20, r == utf8.RuneError, r == 0xfffe, r == 0xffff:
		return true
	}
	return false
}
