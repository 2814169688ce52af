package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Whole columns travel as one parameter each: arrays on PostgreSQL, JSON on
// SQLite, so that a batch of a thousand records is one statement.

// sqlFor completes a statement for the database: `list` is the table of the
// one list parameter, and row locks are dropped where there is one writer.
func (s *Store) sqlFor(query string) string {
	if s.Embedded() {
		query = strings.ReplaceAll(query, " FOR UPDATE OF c", "")
		return "WITH list AS (SELECT value FROM json_each(?)) " + query
	}
	return "WITH list AS MATERIALIZED (SELECT unnest($1::text[]) AS value) " + query
}

// list is a list of texts as one parameter.
func (s *Store) list(values []string) any {
	if !s.Embedded() {
		return values
	}
	b, err := json.Marshal(values)
	if err != nil {
		return "[]" // texts always marshal
	}
	return string(b)
}

// numbers is a table of whole numbers, one slice a column.
type numbers [][]int64

// table has room for rows.
func table(columns, rows int) numbers {
	t := make(numbers, columns)
	all := make([]int64, columns*rows)
	for i := range t {
		t[i] = all[i*rows : i*rows : (i+1)*rows]
	}
	return t
}

// add adds a row.
func (t numbers) add(values ...int64) {
	for i, v := range values {
		t[i] = append(t[i], v)
	}
}

// from is a FROM clause over the columns, named c0, c1, …, and its arguments.
func (s *Store) from(columns numbers) (clause string, args []any) {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = fmt.Sprintf("c%d", i)
	}
	if !s.Embedded() {
		params := make([]string, len(columns))
		for i, c := range columns {
			params[i] = fmt.Sprintf("$%d::bigint[]", i+1)
			args = append(args, c)
		}
		return "unnest(" + strings.Join(params, ", ") + ") AS v(" + strings.Join(names, ", ") + ")", args
	}
	rows := make([][]int64, len(columns[0]))
	for i := range rows {
		for _, c := range columns {
			rows[i] = append(rows[i], c[i])
		}
	}
	b, err := json.Marshal(rows)
	if err != nil {
		b = []byte("[]") // numbers always marshal
	}
	picks := make([]string, len(columns))
	for i, name := range names {
		picks[i] = fmt.Sprintf("json_extract(value, '$[%d]') AS %s", i, name)
	}
	return "(SELECT " + strings.Join(picks, ", ") + " FROM json_each(?)) AS v", []any{string(b)}
}

// quickNumbers has a connection write whole columns of numbers quickly.
func quickNumbers(_ context.Context, conn *pgx.Conn) error {
	types := conn.TypeMap()
	array, ok := types.TypeForOID(pgtype.Int8ArrayOID)
	if !ok {
		return fmt.Errorf("the driver does not know bigint[]")
	}
	types.RegisterType(&pgtype.Type{Name: array.Name, OID: array.OID, Codec: bigints{array.Codec}})
	return nil
}

// bigints is the driver's codec of bigint[], but for a []int64, whose elements
// the driver would look at one by one.
type bigints struct{ pgtype.Codec }

// PlanEncode chooses how a value is written.
func (b bigints) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.([]int64); ok && format == pgtype.BinaryFormatCode {
		return b
	}
	return b.Codec.PlanEncode(m, oid, format, value)
}

// Encode appends what array_recv reads: dimensions, no nulls, the element's
// type, length and lower bound, and each element after its size. See
// https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/arrayfuncs.c
func (bigints) Encode(value any, buf []byte) ([]byte, error) {
	column, ok := value.([]int64)
	if !ok {
		return nil, fmt.Errorf("a column of numbers is a %T", value)
	}
	if column == nil {
		return nil, nil
	}
	const header, element = 20, 12
	buf = slices.Grow(buf, header+element*len(column))
	big := binary.BigEndian
	dimensions := min(len(column), 1)
	for _, n := range []int{dimensions, 0, pgtype.Int8OID, len(column), 1}[:3+2*dimensions] {
		buf = big.AppendUint32(buf, uint32(n))
	}
	for _, n := range column {
		buf = big.AppendUint64(big.AppendUint32(buf, 8), uint64(n))
	}
	return buf, nil
}
