package bot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// leaves is a visitor that notes what it is told of.
type leaves []string

func (l *leaves) open([]string) {}

func (l *leaves) leaf(path []string, text []byte) {
	*l = append(*l, strings.Join(path, "/")+"="+string(text))
}

// decoderLeaves reads data by xml.Decoder.Token alone, which matches tags and translates name spaces by itself.
func decoderLeaves(data []byte) (leaves, error) {
	var out leaves
	var path []string
	var text []byte
	hasChild := true
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			path, text, hasChild = append(path, t.Name.Local), nil, false
		case xml.CharData:
			text = append(text, t...)
		case xml.EndElement:
			if !hasChild {
				out.leaf(path, text)
			}
			path, hasChild = path[:len(path)-1], true
		}
	}
}

// agree holds walkXML to the decoder: what we accept it accepts, and reads the same from it.
func agree(t *testing.T, data []byte) (leaves, error) {
	t.Helper()
	var ours leaves
	err := walkXML(data, &ours)
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("%q: %v", data, err)
		}
		return nil, err
	}
	theirs, err := decoderLeaves(data)
	if err != nil || !slices.Equal(ours, theirs) {
		t.Fatalf("%q:\nwe read      %q\nencoding/xml %q, %v", data, ours, theirs, err)
	}
	return ours, nil
}

func TestWalkXML_Values(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string][2]string{
		"Section":          {"<a><![CDATA[x < y & z]]></a>", "x < y & z"},
		"SectionEmpty":     {"<a><![CDATA[]]></a>", ""},
		"SectionBrackets":  {"<a><![CDATA[]]]]></a>", "]]"},
		"SectionSplit":     {"<a><![CDATA[]]]]><![CDATA[>]]></a>", "]]>"},
		"SectionThenText":  {"<a><![CDATA[x]]>y</a>", "xy"},
		"TextThenSection":  {"<a>x<![CDATA[y]]></a>", "xy"},
		"SectionLines":     {"<a><![CDATA[x\ny\tz]]></a>", "x\ny\tz"},
		"SectionCRLF":      {"<a><![CDATA[x\r\ny\rz]]></a>", "x\ny\nz"},
		"SectionMarkup":    {"<a><![CDATA[</a><a>]]></a>", "</a><a>"},
		"SectionChinese":   {"<a><![CDATA[余额，￥12｡]]></a>", "余额，￥12｡"},
		"SectionReplaced":  {"<a><![CDATA[\ufffd]]></a>", "\ufffd"},
		"SectionHalfwidth": {"<a><![CDATA[\uffe8\U0001f600]]></a>", "\uffe8\U0001f600"},
		"SectionSpaces":    {"<a> <![CDATA[x]]>\n</a>", " x\n"},
		"Digits":           {"<a>0123456789</a>", "0123456789"},
		"DigitsAndMore":    {"<a>12 &amp; 3</a>", "12 & 3"},
		"Text":             {"<a>&lt;&#20313;&#x989d;&gt;</a>", "<余额>"},
		"EndTagSpace":      {"<a><![CDATA[x]]></a\n>", "x"},
		"Empty":            {"<a></a>", ""},
		"EmptyTag":         {"<a/>", ""},
		"EmptyTagSpace":    {"<a />", ""},
	} {
		got, err := agree(t, []byte(" \n<xml>\r\n\t"+tc[0]+"\n<b/><c>1</c>\n</xml>\n"))
		if want := (leaves{"xml/a=" + tc[1], "xml/b=", "xml/c=1"}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// In every case the document would be right without what the name tells of.
func TestWalkXML_Refuses(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]string{
		"NothingButBlanks":     " \n",
		"EndAlone":             "</xml>",
		"EndTwice":             "<xml><a>1</a></xml></xml>",
		"EndEarly":             "<xml><a>1</xml></a>",
		"EndOther":             "<xml><a>1</b></xml>",
		"EndOtherSection":      "<xml><a><![CDATA[1]]></b></xml>",
		"EndOtherCase":         "<xml><a><![CDATA[1]]></A></xml>",
		"EndLonger":            "<xml><a><![CDATA[1]]></ab></xml>",
		"EndShorter":           "<xml><ab>1</a></xml>",
		"EndPrefix":            "<xml><a>1</b:a></xml>",
		"EndAttribute":         `<xml><a>1</a b="c"></xml>`,
		"EndCut":               "<xml><a><![CDATA[1]]></a",
		"EndMissing":           "<xml><a>1</a>",
		"EndMissingInside":     "<xml><a>1</xml>",
		"SectionOpen":          "<xml><a><![CDATA[1</a></xml>",
		"SectionBegin":         "<xml><a><![CDAT[1]]></a></xml>",
		"SectionAfterEmptyTag": "<xml><a/><![CDATA[1]]></a></xml>",
		"SectionInEmptyTag":    "<xml><a><a/><![CDATA[1]]></a></xml>",
		"DigitsInEmptyTag":     "<xml><a><a/>1</a></xml>",
		"EndNotATag":           "<xml><a><![CDATA[1]]>00a></xml>",
		"SectionBesides":       "<xml><a>1</a><![CDATA[ ]]></xml>",
		"SectionBefore":        "<![CDATA[ ]]><xml><a>1</a></xml>",
		"SectionAfter":         "<xml><a>1</a></xml><![CDATA[ ]]>",
		"SectionNUL":           "<xml><a><![CDATA[\x00]]></a></xml>",
		"SectionControl":       "<xml><a><![CDATA[\x1b]]></a></xml>",
		"SectionNoCharacter":   "<xml><a><![CDATA[\uffff]]></a></xml>",
		"SectionUTF8":          "<xml><a><![CDATA[\xc0\x80]]></a></xml>",
		"SectionSurrogate":     "<xml><a><![CDATA[\xed\xa0\x80]]></a></xml>",
		"SectionUTF8Cut":       "<xml><a><![CDATA[\xe4\xbd]]></a></xml>",
		"SectionEndInText":     "<xml><a>1]]></a></xml>",
		"TextNUL":              "<xml><a>1\x00</a></xml>",
		"NameNUL":              "<xml><a\x00>1</a\x00></xml>",
		"NameUTF8":             "<xml><\xff>1</\xff></xml>",
		"NameDigit":            "<xml><1>1</1></xml>",
		"NameColons":           "<xml><a:b:c>1</a:b:c></xml>",
		"ReferenceNUL":         "<xml><a>&#0;</a></xml>",
		"ReferenceControl":     "<xml><a>&#x1b;</a></xml>",
		"ReferenceTooLarge":    "<xml><a>&#x110000;</a></xml>",
		"EntityUnknown":        "<xml><a>&nbsp;</a></xml>",
		"EntityCut":            "<xml><a>&lt</a></xml>",
		"EntityBefore":         "&#32;<xml><a>1</a></xml>",
		"EntityAfter":          "<xml><a>1</a></xml>&#32;",
		"Attribute":            `<xml><a b="c">1</a></xml>`,
		"AttributeOfRoot":      `<xml b="c"><a>1</a></xml>`,
		"AttributeOfEmptyTag":  `<xml><a b="c"/></xml>`,
		"NameSpaceDefault":     `<xml xmlns="b"><a>1</a></xml>`,
		"NameSpacePrefix":      "<xml><b:a>1</b:a></xml>",
		"NameSpaceOfRoot":      "<b:xml><a>1</a></b:xml>",
		"InstructionInside":    "<xml><?a b?><a>1</a></xml>",
		"InstructionInLeaf":    "<xml><a>1<?a b?></a></xml>",
		"InstructionAfter":     "<xml><a>1</a></xml><?a b?>",
		"CommentBefore":        "<!-- --><xml><a>1</a></xml>",
		"CommentInLeaf":        "<xml><a>1<!-- --></a></xml>",
		"CommentAfter":         "<xml><a>1</a></xml><!-- -->",
		"DirectiveInside":      "<xml><!ENTITY a 'b'><a>1</a></xml>",
		"DirectiveAfter":       "<xml><a>1</a></xml><!DOCTYPE x>",
		"ByteOrderMark":        "\ufeff<xml><a>1</a></xml>",
		"UTF16":                "\xff\xfe<\x00x\x00m\x00l\x00>\x00",
		"SecondRoot":           "<xml><a>1</a></xml><xml/>",
		"SecondRootEmptyFirst": "<xml/><xml><a>1</a></xml>",
		"TextBeside":           "<xml><a>1</a>2</xml>",
		"TextBefore":           "<xml>2<a>1</a></xml>",
		"Twice":                "<xml><a>1</a><a>1</a></xml>",
		"TwiceSectionAndTag":   "<xml><a><![CDATA[1]]></a><a/></xml>",
		"TwiceApart":           "<xml><a>1</a><b><a>1</a></b><a>1</a></xml>",
		"TooDeep":              "<xml>" + strings.Repeat("<a>", maxXMLDepth) + strings.Repeat("</a>", maxXMLDepth) + "</xml>",
		"TooMany":              "<xml>" + strings.Repeat("<item>1</item>", maxXMLElements) + "</xml>",
	} {
		if got, err := agree(t, []byte(x)); err == nil {
			t.Errorf("%s: accepted as %q", name, got)
		}
	}
	for name, x := range map[string]string{
		"Deep": "<xml>" + strings.Repeat("<a>", maxXMLDepth-1) + strings.Repeat("</a>", maxXMLDepth-1) + "</xml>",
		"Many": "<xml>" + strings.Repeat("<item>1</item>", maxXMLElements-1) + "</xml>",
	} {
		if _, err := agree(t, []byte(x)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A document leaves nothing behind for the next one, whether it was right or wrong.
func TestWalkXML_NothingStays(t *testing.T) {
	t.Parallel()
	documents := []string{"<xml/>", "<xml><a>1</a></xml>", "<xml>1</xml> ", "<xml><a/></xml>", "<xml>", "<xml/>x", "<xml><a>1", "<xml><a b", "", "&", "<xml><![CDATA[x]]></xml>"}
	want := make([]leaves, len(documents))
	for i, x := range documents {
		want[i], _ = agree(t, []byte(x))
	}
	for _, first := range documents {
		for i, x := range documents {
			_, _ = agree(t, []byte(first))
			if got, _ := agree(t, []byte(x)); !slices.Equal(got, want[i]) {
				t.Errorf("%q after %q: %q, want %q", x, first, got, want[i])
			}
		}
	}
}
