package mishap

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"math/rand/v2"
)

// unannounced is the name of the field that nobody was told of.
const unannounced = "UnannouncedField"

// JSON puts the fields of an object, and of the objects in it, into another order and adds one that no document knows.
// What is no object comes back as it is.
func JSON(r *rand.Rand, body []byte) []byte {
	if !json.Valid(body) {
		return body
	}
	return stirred(r, body, true)
}

// stirred takes valid JSON.
func stirred(r *rand.Rand, body []byte, add bool) []byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return body
	}
	var fields [][]byte
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return body
		}
		var value json.RawMessage
		name, err := json.Marshal(key)
		if err != nil || dec.Decode(&value) != nil {
			return body
		}
		fields = append(fields, append(append(name, ':'), stirred(r, value, false)...))
	}
	if add {
		fields = append(fields, []byte(`"`+unannounced+`":{"since":"today","list":[1,null]}`))
	}
	shuffle(r, fields)
	return append(append([]byte("{"), bytes.Join(fields, []byte(","))...), '}')
}

// XML does to the elements inside a document's root what JSON does to the fields of an object; those inside them stay.
func XML(r *rand.Rand, body []byte) []byte {
	dec := xml.NewDecoder(bytes.NewReader(body))
	var elements [][]byte
	depth, from, to := 0, int64(0), int64(0) // of the root's inside
	start := int64(0)
	for {
		before := dec.InputOffset()
		t, err := dec.Token()
		if err != nil {
			break // the end; what is no XML has not closed its root
		}
		switch t.(type) {
		case xml.StartElement:
			if depth == 0 {
				from = dec.InputOffset()
			}
			if depth == 1 {
				start = before
			}
			depth++
		case xml.EndElement:
			depth--
			if depth == 1 {
				elements = append(elements, body[start:dec.InputOffset()])
			}
			if depth == 0 {
				to = before
			}
		}
	}
	if to == 0 || len(elements) == 0 {
		return body
	}
	elements = append(elements, []byte("<"+unannounced+"><![CDATA[<since>today</since>]]></"+unannounced+">"))
	shuffle(r, elements)
	return append(append(append([]byte(nil), body[:from]...), bytes.Join(elements, nil)...), body[to:]...)
}

func shuffle(r *rand.Rand, parts [][]byte) {
	r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
}
