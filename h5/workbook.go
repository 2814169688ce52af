package h5

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"time"

	"xiaoka/ledger"
)

// A workbook of one sheet in Office Open XML (ECMA-376, part 1): a zip of a
// few parts, of which only the sheet and its name change. The libraries that
// write it all hold megabytes of what a list of amounts needs nothing of.
const (
	workbookHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	officeDoc    = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	spreadsheet  = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	packageRels  = "http://schemas.openxmlformats.org/package/2006/relationships"
	contentType  = "application/vnd.openxmlformats-officedocument.spreadsheetml."

	workbookTypes = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + contentType + `sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="` + contentType + `worksheet+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + contentType + `styles+xml"/></Types>`
	workbookRoot = `<Relationships xmlns="` + packageRels + `"><Relationship Id="rId1" Type="` + officeDoc + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	workbookRels = `<Relationships xmlns="` + packageRels + `"><Relationship Id="rId1" Type="` + officeDoc + `/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="` + officeDoc + `/styles" Target="styles.xml"/></Relationships>`
	// Each of the formats, plain and bold, in the order of the styles below.
	workbookStyles = `<styleSheet xmlns="` + spreadsheet + `"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/>` +
		`<numFmt numFmtId="165" formatCode="yyyy\-mm\-dd"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
		`<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill>` +
		`<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="9">` +
		`<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>` +
		`<xf numFmtId="2" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="2" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>` +
		`<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="164" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>` +
		`<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>` +
		`<xf numFmtId="165" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs></styleSheet>`
	workbookColumns = `<cols><col min="1" max="1" width="20" customWidth="1"/><col min="2" max="2" width="12" customWidth="1"/>` +
		`<col min="3" max="3" width="26" customWidth="1"/><col min="4" max="8" width="13" customWidth="1"/><col min="9" max="9" width="28" customWidth="1"/></cols>`
)

// The formats of cells; one more is the same in bold. A text has the format for
// texts too: what looks like a formula is none even once it is edited.
const (
	textCell   = 1
	amountCell = 3
	momentCell = 5
	dayCell    = 7
	bold       = 1
)

// workbook writes an export as a workbook whose amounts are numbers, to the
// fen, whose dates are dates, and whose texts are texts.
func workbook(title string, columns []string, records []record) ([]byte, error) {
	var sheet bytes.Buffer
	sheet.WriteString(workbookHead + `<worksheet xmlns="` + spreadsheet + `">` + workbookColumns + `<sheetData>`)
	heads := make([]any, len(columns))
	for i, c := range columns {
		heads[i] = c
	}
	writeRow(&sheet, 1, bold, heads...)
	for i, r := range records {
		weight := 0
		if i == 0 || i == len(records)-1 {
			weight = bold
		}
		writeRow(&sheet, i+2, weight, r.at, r.kind, r.where, r.terminal, r.in, r.out, r.balance, r.booked, r.remark)
	}
	sheet.WriteString(`</sheetData></worksheet>`)

	var b, name bytes.Buffer
	_ = xml.EscapeText(&name, []byte(title)) // a buffer takes everything
	z := zip.NewWriter(&b)
	for _, part := range []struct{ name, content string }{
		{"[Content_Types].xml", workbookHead + workbookTypes},
		{"_rels/.rels", workbookHead + workbookRoot},
		{"xl/workbook.xml", workbookHead + `<workbook xmlns="` + spreadsheet + `" xmlns:r="` + officeDoc + `"><sheets><sheet name="` + name.String() +
			`" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", workbookHead + workbookRels},
		{"xl/styles.xml", workbookHead + workbookStyles},
		{"xl/worksheets/sheet1.xml", sheet.String()},
	} {
		w, err := z.Create(part.name)
		if err == nil {
			_, err = io.WriteString(w, part.content)
		}
		if err != nil {
			return nil, fmt.Errorf("write the workbook: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write the workbook: %w", err)
	}
	return b.Bytes(), nil
}

// writeRow writes texts, amounts, moments and days, of at most 26 columns; what
// is empty has no cell.
func writeRow(b *bytes.Buffer, row, weight int, cells ...any) {
	fmt.Fprintf(b, `<row r="%d">`, row)
	for i, cell := range cells {
		number := func(format int, value string) {
			fmt.Fprintf(b, `<c r="%c%d" s="%d"><v>%s</v></c>`, 'A'+i, row, format+weight, value)
		}
		switch c := cell.(type) {
		case *ledger.Fen:
			if c != nil {
				number(amountCell, c.Yuan())
			}
		case time.Time:
			number(momentCell, serial(c))
		case day:
			if !c.IsZero() {
				number(dayCell, serial(c.Time))
			}
		case string:
			if c != "" {
				fmt.Fprintf(b, `<c r="%c%d" s="%d" t="inlineStr"><is><t xml:space="preserve">`, 'A'+i, row, textCell+weight)
				_ = xml.EscapeText(b, []byte(c)) // a buffer takes everything
				b.WriteString(`</t></is></c>`)
			}
		}
	}
	b.WriteString(`</row>`)
}

// serial is a moment as a cell holds it: the days of the clock on the wall
// since the last but one of 1899, to the second.
func serial(t time.Time) string {
	_, offset := t.Zone()
	seconds := t.Unix() + int64(offset) - time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Unix()
	return strconv.FormatFloat(float64(seconds)/(24*60*60), 'f', -1, 64)
}
