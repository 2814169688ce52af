package kiosk

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// reader reads JSON once, front to back, and goes on after a member of the
// wrong type. encoding/json would leave 0 for a fraction in a batch of a
// till's records, where 0 may be a good number, and takes three times as long.
//
// After a syntax error bad is set, and whatever else is read is nothing. The
// readers of values take any value: of another type than theirs they skip it
// and report false.
type reader struct {
	in    []byte
	at    int
	depth int
	bad   bool
}

// deepest is how far values may nest: nobody means more.
const deepest = 64

// peek gives the first byte of what follows, 0 at the end.
func (r *reader) peek() byte {
	for ; r.at < len(r.in); r.at++ {
		switch b := r.in[r.at]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// take goes past one byte that must follow.
func (r *reader) take(b byte) {
	if r.peek() != b || r.bad {
		r.fail()
		return
	}
	r.at++
}

func (r *reader) fail() { r.bad, r.at = true, len(r.in) }

// done tells whether that was all, without an error.
func (r *reader) done() bool { return r.peek() == 0 && r.at == len(r.in) && !r.bad }

// object calls member for each name; it must read the value, and not keep the
// name.
func (r *reader) object(member func(name []byte)) bool {
	return r.each('{', '}', func() {
		name, ok := r.bytes()
		if !ok {
			r.fail()
		}
		r.take(':')
		member(name)
	})
}

// array calls element for each element; it must read it.
func (r *reader) array(element func()) bool { return r.each('[', ']', element) }

func (r *reader) each(first, last byte, item func()) bool {
	if r.peek() != first {
		r.skip()
		return false
	}
	if r.depth++; r.depth > deepest {
		r.fail()
	}
	r.take(first)
	for more := r.peek() != last; more && !r.bad; {
		item()
		if more = r.peek() == ','; more {
			r.take(',')
		}
	}
	r.take(last)
	r.depth--
	return !r.bad
}

// text reads a string; "" stands for everything else.
func (r *reader) text() string {
	s, _ := r.bytes()
	return string(s)
}

// bytes reads a string, without a copy where none is needed.
func (r *reader) bytes() ([]byte, bool) {
	if r.peek() != '"' {
		r.skip()
		return nil, false
	}
	literal, plain := r.quoted()
	if plain {
		return literal[1 : len(literal)-1], true
	}
	var s string
	if r.bad || json.Unmarshal(literal, &s) != nil {
		r.fail()
		return nil, false
	}
	return []byte(s), true
}

// quoted goes past a string and gives it with its quotes; plain = between them
// it stands as it is meant.
func (r *reader) quoted() (literal []byte, plain bool) {
	start, ascii, escaped := r.at, true, false
	for r.at++; r.at < len(r.in); r.at++ {
		switch b := r.in[r.at]; {
		case b == '"':
			r.at++
			literal = r.in[start:r.at]
			return literal, !escaped && (ascii || utf8.Valid(literal))
		case b == '\\':
			escaped = true
			r.at++
		case b < ' ':
			r.fail()
			return nil, false
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	r.fail()
	return nil, false
}

// integer reads a whole number without fraction or exponent.
func (r *reader) integer() (int64, bool) {
	b := r.peek()
	start := r.at
	r.skip()
	if r.bad || (b != '-' && (b < '0' || b > '9')) {
		return 0, false
	}
	literal := r.in[start:r.at]
	if len(literal) > len("-9223372036854775808") {
		return 0, false
	}
	n, err := strconv.ParseInt(string(literal), 10, 64)
	return n, err == nil
}

// integerOr reads an integer; other stands for everything else.
func (r *reader) integerOr(other int64) int64 {
	if n, ok := r.integer(); ok {
		return n
	}
	return other
}

// skip reads any one value and forgets it.
func (r *reader) skip() {
	switch b := r.peek(); {
	case b == '{':
		r.object(func([]byte) { r.skip() })
	case b == '[':
		r.array(r.skip)
	case b == '"':
		r.bytes()
	case b == 't':
		r.word("true")
	case b == 'f':
		r.word("false")
	case b == 'n':
		r.word("null")
	default:
		r.number()
	}
}

func (r *reader) word(w string) {
	if len(r.in)-r.at < len(w) || string(r.in[r.at:r.at+len(w)]) != w {
		r.fail()
		return
	}
	r.at += len(w)
}

// number goes past a number as RFC 8259, section 6 has it.
func (r *reader) number() {
	if r.next('-'); r.next('0') == 0 && r.digits() == 0 {
		r.fail()
		return
	}
	if r.next('.') > 0 && r.digits() == 0 {
		r.fail()
		return
	}
	if r.next('e')+r.next('E') > 0 {
		if r.next('+') == 0 {
			r.next('-')
		}
		if r.digits() == 0 {
			r.fail()
		}
	}
}

// next goes past b if it follows at once, and tells how many bytes that were.
func (r *reader) next(b byte) int {
	if r.at < len(r.in) && r.in[r.at] == b {
		r.at++
		return 1
	}
	return 0
}

func (r *reader) digits() int {
	start := r.at
	for r.at < len(r.in) && r.in[r.at] >= '0' && r.in[r.at] <= '9' {
		r.at++
	}
	return r.at - start
}
