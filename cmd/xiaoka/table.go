package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table reads a CSV file with a header line that names its columns, in any
// order.
type table struct {
	rows  *csv.Reader
	at    map[string]int
	width int
}

// record is one line of a table; bad says why it cannot be taken.
type record struct {
	table  *table
	line   int
	fields []string
	bad    error
}

// openTable reads the header; a column that is not among known ones is a typing
// mistake and refused.
func openTable(in io.Reader, known []string) (*table, error) {
	t := &table{rows: csv.NewReader(in), at: map[string]int{}}
	t.rows.FieldsPerRecord = -1
	t.rows.TrimLeadingSpace = true
	header, err := t.rows.Read()
	if err != nil {
		return nil, errors.New("the file needs a header line that names its columns")
	}
	t.width = len(header)
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown column %q; known are %s", name, strings.Join(known, ", "))
		}
		if t.has(name) {
			return nil, fmt.Errorf("column %q stands twice", name)
		}
		t.at[name] = i
	}
	return t, nil
}

func (t *table) has(column string) bool {
	_, ok := t.at[column]
	return ok
}

// next reads a line; io.EOF after the last. Lines of nothing but separators,
// as spreadsheets leave them below the last row, are passed over.
func (t *table) next() (record, error) {
	fields, err := t.rows.Read()
	for err == nil && strings.TrimSpace(strings.Join(fields, "")) == "" {
		fields, err = t.rows.Read()
	}
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return record{table: t, line: syntax.StartLine, bad: syntax.Err}, nil
	case err != nil:
		return record{}, err
	}
	r := record{table: t, fields: fields}
	r.line, _ = t.rows.FieldPos(0)
	switch {
	case len(fields) != t.width:
		r.bad = fmt.Errorf("%d fields where the header has %d", len(fields), t.width)
	case !utf8.ValidString(strings.Join(fields, "")):
		r.bad = errors.New("the row is not UTF-8")
	}
	return r, nil
}

// get gives a column's value; empty without it. Characters that cannot be seen
// are left out: no holder would type them when asked for the same again.
func (r record) get(column string) string {
	i, ok := r.table.at[column]
	if !ok || i >= len(r.fields) {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case unicode.In(c, unicode.Cc, unicode.Cf):
			return -1
		}
		return c
	}, r.fields[i]))
}
