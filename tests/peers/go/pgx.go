package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

var all = context.Background()

// Takes everything from the PG* variables, as psql does.
func connect() *pgx.Conn {
	conn, err := pgx.Connect(all, "")
	must(err)
	return conn
}

func on(call func(conn *pgx.Conn)) func() {
	return func() {
		conn := connect()
		defer conn.Close(all)
		call(conn)
	}
}

func exec(conn *pgx.Conn, sql string, args ...any) pgconn.CommandTag {
	tag, err := conn.Exec(all, sql, args...)
	must(err)
	return tag
}

func one[T any](conn *pgx.Conn, sql string, args ...any) (value T) {
	must(conn.QueryRow(all, sql, args...).Scan(&value))
	return
}

func state(err error) string {
	var told *pgconn.PgError
	if !errors.As(err, &told) {
		return fmt.Sprint(err)
	}
	return told.Code
}

var pgxChecks = []check{
	{"login", on(func(conn *pgx.Conn) {
		must(conn.Ping(all))
		equal(strings.Contains(one[string](conn, "SELECT version()"), "Millrace"), true)
		config, err := pgx.ParseConfig("")
		must(err)
		config.Password = "wrong"
		_, err = pgx.ConnectConfig(all, config)
		equal(state(err), "28P01")
	})},

	{"types", on(func(conn *pgx.Conn) {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol,
			pgx.QueryExecModeExec} {
			pgxTypes(conn, mode)
		}
	})},

	{"arrays", on(func(conn *pgx.Conn) {
		at := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} {
			array(conn, mode, "boolean", true, false)
			array(conn, mode, "smallint", int16(-32768), 7)
			array(conn, mode, "integer", int32(math.MaxInt32), -1)
			array(conn, mode, "bigint", int64(math.MinInt64), 0)
			array(conn, mode, "real", float32(0.5), float32(math.Inf(-1)))
			array(conn, mode, "double precision", -1e300, 0.1)
			array(conn, mode, "text", "", `héllo "q" {,} \`, "NULL")
			array(conn, mode, "varchar", "x y")
			array(conn, mode, "bytea", []byte{0, 1, 255}, []byte{})
			array(conn, mode, "uuid", pgtype.UUID{Bytes: [16]byte{0xa0, 15: 0x11}, Valid: true}, pgtype.UUID{})
			array(conn, mode, "date", pgtype.Date{Time: at.Truncate(24 * time.Hour), Valid: true}, pgtype.Date{})
			array(conn, mode, "timestamp", pgtype.Timestamp{Time: at, Valid: true}, pgtype.Timestamp{})
			array(conn, mode, "time", pgtype.Time{Microseconds: 86399999999, Valid: true}, pgtype.Time{})
			array(conn, mode, "interval", pgtype.Interval{Microseconds: 1, Days: 2, Months: -3, Valid: true}, pgtype.Interval{})
			array(conn, mode, "numeric", pgtype.Numeric{Int: big.NewInt(-12345678), Exp: -3, Valid: true},
				pgtype.Numeric{NaN: true, Valid: true}, pgtype.Numeric{})
		}
		array(conn, pgx.QueryExecModeCacheStatement, "oid", pgtype.Uint32{Uint32: 4294967295, Valid: true}, pgtype.Uint32{})
	})},

	{"prepared", on(func(conn *pgx.Conn) {
		for n := 0; n < 10; n++ {
			equal(one[int](conn, "SELECT $1::int + 1", n), n+1)
		}
		told, err := conn.Prepare(all, "mine", "SELECT $1::int8 + $2, $3 || 'x'")
		must(err)
		equal(told.ParamOIDs, []uint32{20, 20, 25})
		_, err = conn.Exec(all, "SELECT nosuch")
		equal(state(err), "42703")
		equal(one[string](conn, "SELECT 'still here'"), "still here")
	})},

	{"batch", on(func(conn *pgx.Conn) {
		batch := &pgx.Batch{}
		for n := 0; n < 100; n++ {
			batch.Queue("INSERT INTO "+rides+" VALUES ($1, $2)", "Kiel", n)
		}
		batch.Queue("SELECT count(*) FROM "+rides+" WHERE city = $1", "Kiel")
		results := conn.SendBatch(all, batch)
		for n := 0; n < 100; n++ {
			tag, err := results.Exec()
			must(err)
			equal(tag.String(), "INSERT 0 1")
		}
		var count int
		must(results.QueryRow().Scan(&count))
		must(results.Close())
		equal(count, 100)
		tx, err := conn.Begin(all)
		must(err)
		_, err = tx.Exec(all, "INSERT INTO "+rides+" VALUES ('nowhere', 1)")
		must(err)
		must(tx.Rollback(all))
		equal(one[int](conn, "SELECT count(*) FROM "+rides+" WHERE city = 'nowhere'"), 0)
	})},

	{"copy", on(func(conn *pgx.Conn) {
		exec(conn, "CREATE STREAM "+name+"_copy (a integer, b text, c timestamptz)")
		rows := make([][]any, 300)
		for n := range rows {
			rows[n] = []any{n, fmt.Sprint("row ", n), time.Unix(int64(n), 0)}
		}
		count, err := conn.CopyFrom(all, pgx.Identifier{name + "_copy"}, []string{"a", "b", "c"}, pgx.CopyFromRows(rows))
		must(err)
		equal(count, int64(300))
		var out bytes.Buffer
		_, err = conn.PgConn().CopyTo(all, &out, "COPY (SELECT a, b FROM "+name+"_copy WHERE a < 2 ORDER BY a) TO STDOUT")
		must(err)
		equal(out.String(), "0\trow 0\n1\trow 1\n")
		out.Reset()
		_, err = conn.PgConn().CopyTo(all, &out, "COPY "+name+"_copy TO STDOUT (FORMAT binary)")
		must(err)
		tag, err := conn.PgConn().CopyFrom(all, &out, "COPY "+name+"_copy FROM STDIN (FORMAT binary)")
		must(err)
		equal(tag.RowsAffected(), int64(300))
		equal(one[int](conn, "SELECT count(DISTINCT (a, b, c)) FROM "+name+"_copy"), 300)
	})},

	{"cursor", on(func(conn *pgx.Conn) {
		tx, err := conn.Begin(all)
		must(err)
		defer tx.Rollback(all)
		_, err = tx.Exec(all, "DECLARE c SCROLL CURSOR FOR SELECT n FROM generate_series(1, $1::int) AS n", 5)
		must(err)
		for _, step := range []struct {
			sql    string
			wanted []int
		}{{"FETCH 2 FROM c", []int{1, 2}}, {"FETCH ALL FROM c", []int{3, 4, 5}}, {"FETCH BACKWARD 2 FROM c", []int{5, 4}}} {
			rows, err := tx.Query(all, step.sql)
			must(err)
			got, err := pgx.CollectRows(rows, pgx.RowTo[int])
			must(err)
			equal(got, step.wanted)
		}
	})},

	// Its own way: a context that ends sends a CancelRequest and drops the connection; the other is by hand.
	{"cancel", func() {
		conn := connect()
		short, stop := context.WithTimeout(all, 200*time.Millisecond)
		defer stop()
		_, err := conn.Exec(short, "SUBSCRIBE TO "+rides)
		equal(errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err), true)
		second := connect()
		defer second.Close(all)
		rows, err := second.Query(all, "SUBSCRIBE TO "+rides+" WITH (progress = true)")
		must(err)
		equal(rows.Next(), true)
		must(second.PgConn().CancelRequest(all))
		for rows.Next() {
		}
		equal(state(rows.Err()), "57014")
		equal(one[int](second, "SELECT 1"), 1)
	}},

	{"errors", on(func(conn *pgx.Conn) {
		_, err := conn.Exec(all, "SELECT $1::int,\n nosuch", 1)
		var told *pgconn.PgError
		equal(errors.As(err, &told), true)
		equal([]any{told.Code, told.Severity, told.Position}, []any{"42703", "ERROR", int32(18)})
		_, err = conn.Exec(all, "UPDATE "+rides+" SET km = 1")
		equal(errors.As(err, &told) && told.Hint != "", true)
	})},

	{"notify", on(func(conn *pgx.Conn) {
		exec(conn, "LISTEN "+name)
		other := connect()
		defer other.Close(all)
		exec(other, "SELECT pg_notify($1, $2)", name, "hello")
		note, err := conn.WaitForNotification(all)
		must(err)
		equal([]any{note.Channel, note.Payload, note.PID}, []any{name, "hello", other.PgConn().PID()})
	})},

	{"subscribe", on(func(conn *pgx.Conn) {
		other := connect()
		defer other.Close(all)
		exec(other, "INSERT INTO "+rides+" VALUES ('Turku', 7)")
		rows, err := conn.Query(all, "SUBSCRIBE (SELECT km FROM "+rides+" WHERE city = 'Turku')")
		must(err)
		var seen []int64
		for len(seen) < 2 && rows.Next() {
			var seq, diff, km int64
			must(rows.Scan(&seq, &diff, &km))
			equal(diff, int64(1))
			seen = append(seen, km)
			exec(other, "INSERT INTO "+rides+" VALUES ('Turku', 8)")
		}
		equal(seen, []int64{7, 8})
		must(conn.PgConn().CancelRequest(all))
		rows.Close()
		equal(state(rows.Err()), "57014")
	})},

	{"target", on(func(conn *pgx.Conn) {
		exec(conn, "INSERT INTO "+rides+" VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6)")
		exec(conn, "FLUSH")
		target, err := pgx.Connect(all, os.Getenv("PEER_TARGET_URL"))
		must(err)
		defer target.Close(all)
		equal(one[int64](target, "SELECT km FROM "+name+"_pg WHERE city = 'Oslo'"), int64(10))
		equal(one[int64](target, "SELECT km FROM "+name+"_pg WHERE city = 'Bergen'"), int64(9))
	})},
}

// There and back as an array, in the formats of the mode.
func array[T any](conn *pgx.Conn, mode pgx.QueryExecMode, kind string, values ...T) {
	var got []T
	must(conn.QueryRow(all, "SELECT $1::"+kind+"[]", mode, values).Scan(&got))
	equal(got, values)
	must(conn.QueryRow(all, "SELECT $1::"+kind+"[]", mode, []T{}).Scan(&got))
	equal(len(got), 0)
}

type everything struct {
	A bool
	B int16
	C int32
	D int64
	E float32
	F float64
	G string
	H string
	I []byte
	J time.Time
	L time.Time
	M time.Time
	N time.Duration
	O pgtype.UUID
	Q []*int32
	R []string
	S []float64
}

func pgxTypes(conn *pgx.Conn, mode pgx.QueryExecMode) {
	seven := int32(7)
	sent := everything{true, -32768, math.MaxInt32, math.MinInt64, 0.5, -1e30, "-12345.678",
		"héllo \\ 'quoted' \t 日本", []byte{0, 1, 255}, time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC),
		time.Date(2026, 1, 1, 10, 42, 31, 123456000, time.UTC), time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC),
		26 * time.Hour, pgtype.UUID{Bytes: [16]byte{0xa0, 15: 0x11}, Valid: true}, []*int32{&seven, nil}, []string{"a", "b c", `d"e`, "NULL"},
		[]float64{1.5, math.Inf(1)}}
	stream := fmt.Sprintf("%s_types_%d", name, mode)
	exec(conn, "CREATE STREAM "+stream+" (a boolean, b smallint, c integer, d bigint, e real, f double precision, "+
		"g numeric(12,3), h text, i bytea, j date, l timestamp, m timestamptz, n interval, o uuid, q integer[], "+
		"r text[], s double precision[])")
	exec(conn, "INSERT INTO "+stream+" VALUES ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8, $9, $10, $11, $12, $13, $14, $15, "+
		"$16, $17)", mode, sent.A, sent.B, sent.C, sent.D, sent.E, sent.F, sent.G, sent.H, sent.I, sent.J, sent.L,
		sent.M, sent.N, sent.O, sent.Q, sent.R, sent.S)
	var got everything
	must(conn.QueryRow(all, "SELECT a, b, c, d, e, f, g::text, h, i, j, l, m, n, o, q, r, s FROM "+stream, mode).Scan(
		&got.A, &got.B, &got.C, &got.D, &got.E, &got.F, &got.G, &got.H, &got.I, &got.J, &got.L, &got.M, &got.N,
		&got.O, &got.Q, &got.R, &got.S))
	got.M = got.M.UTC()
	equal(got, sent)
}
