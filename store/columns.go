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

// Whole tables travel as one parameter: an array on PostgreSQL, JSON on SQLite,
// so that a batch of a thousand records is one statement.

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

// numbers is a table of whole numbers, row by row.
type numbers struct {
	columns int
	all     []int64
}

// table has room for rows.
func table(columns, rows int) numbers { return numbers{columns, make([]int64, 0, columns*rows)} }

// add adds a row.
func (t *numbers) add(row ...int64) { t.all = append(t.all, row...) }

// from is a FROM clause over the table v, its columns named c0, c1, …, with one
// parameter. PostgreSQL would unpack an array for each column at twice the
// cost, and without OFFSET look into the one again at each use of a column.
func (s *Store) from(t numbers) (clause string, arg any) {
	picks := make([]string, t.columns)
	if !s.Embedded() {
		for i := range picks {
			picks[i] = fmt.Sprintf("a[i + %d] AS c%d", i, i)
		}
		return fmt.Sprintf("(SELECT %s FROM (SELECT ?::bigint[] AS a) AS t, generate_series(1, cardinality(a), %d) AS i OFFSET 0) AS v",
			strings.Join(picks, ", "), t.columns), t.all
	}
	rows := [][]int64{} // "null" would be a row
	for row := range slices.Chunk(t.all, t.columns) {
		rows = append(rows, row)
	}
	b, err := json.Marshal(rows)
	if err != nil {
		b = []byte("[]") // numbers always marshal
	}
	for i := range picks {
		picks[i] = fmt.Sprintf("json_extract(value, '$[%d]') AS c%d", i, i)
	}
	return "(SELECT " + strings.Join(picks, ", ") + " FROM json_each(?)) AS v", string(b)
}

// quickNumbers has a connection write whole tables of numbers quickly.
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
	numbers, ok := value.([]int64)
	if !ok {
		return nil, fmt.Errorf("a table of numbers is a %T", value)
	}
	if numbers == nil {
		return nil, nil
	}
	const header, element = 20, 12
	buf = slices.Grow(buf, header+element*len(numbers))
	big := binary.BigEndian
	dimensions := min(len(numbers), 1)
	for _, n := range []int{dimensions, 0, pgtype.Int8OID, len(numbers), 1}[:3+2*dimensions] {
		buf = big.AppendUint32(buf, uint32(n))
	}
	for _, n := range numbers {
		buf = big.AppendUint64(big.AppendUint32(buf, 8), uint64(n))
	}
	return buf, nil
}
