package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lib/pq"
)

func open() *sql.DB {
	db, err := sql.Open("postgres", "")
	must(err)
	return db
}

func with(call func(db *sql.DB)) func() {
	return func() {
		db := open()
		defer db.Close()
		call(db)
	}
}

func do(db *sql.DB, text string, args ...any) {
	_, err := db.Exec(text, args...)
	must(err)
}

func code(err error) string {
	var told *pq.Error
	if !errors.As(err, &told) {
		return fmt.Sprint(err)
	}
	return string(told.Code)
}

var pqChecks = []check{
	{"login", with(func(db *sql.DB) {
		must(db.Ping())
		wrong, err := sql.Open("postgres", "password=wrong")
		must(err)
		defer wrong.Close()
		equal(code(wrong.Ping()), "28P01")
	})},

	{"types", with(func(db *sql.DB) {
		do(db, "CREATE STREAM "+name+"_types (a boolean, d bigint, f double precision, g numeric(12,3), h text, i bytea, "+
			"l timestamp, m timestamptz, q integer[], r text[])")
		at := time.Date(2026, 7, 1, 12, 0, 0, 123456000, time.UTC)
		do(db, "INSERT INTO "+name+"_types VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", true, int64(-9), -1e30,
			"-12345.678", "héllo '\\ 日本", []byte{0, 1, 255}, at, at, pq.Array([]int64{1, 2}), pq.Array([]string{"a", `d"e`}))
		var a bool
		var d int64
		var f float64
		var g, h string
		var i []byte
		var l, m time.Time
		var q []int64
		var r []string
		must(db.QueryRow("SELECT * FROM "+name+"_types").Scan(&a, &d, &f, &g, &h, &i, &l, &m, pq.Array(&q), pq.Array(&r)))
		equal([]any{a, d, f, g, h, i, l.UTC(), m.UTC(), q, r}, []any{true, int64(-9), -1e30, "-12345.678", "héllo '\\ 日本",
			[]byte{0, 1, 255}, at, at, []int64{1, 2}, []string{"a", `d"e`}})
		// The rest as text, as database/sql gives what Go has no type for; a NULL of each.
		for _, each := range [][2]string{{"smallint", "-32768"}, {"integer", "2147483647"}, {"real", "0.5"}, {"varchar(9)", "x y"},
			{"json", `{"b": 1}`}, {"jsonb", `{"a": [1, 2.5, null]}`}, {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
			{"interval", "1 mon 2 days 00:00:03.5"}, {"oid", "4294967295"}, {"name", "n"}, {"uuid[]", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"},
			{"numeric(5,2)[]", "{1.50,NULL}"}, {"date[]", "{2026-01-01}"}, {"jsonb[]", `{"{\"a\": 1}"}`}} {
			var text, nothing sql.NullString
			must(db.QueryRow("SELECT $1::"+each[0]+", NULL::"+each[0], each[1]).Scan(&text, &nothing))
			equal([]any{each[0], text.String, nothing.Valid}, []any{each[0], each[1], false})
		}
		var day, hour time.Time
		must(db.QueryRow("SELECT $1::date, $2::time", "2026-02-28", "23:59:59.999999").Scan(&day, &hour))
		equal([]string{day.Format("2006-01-02"), hour.Format("15:04:05.000000")}, []string{"2026-02-28", "23:59:59.999999"})
		var bools []bool
		var floats []float64
		var pieces [][]byte
		must(db.QueryRow("SELECT $1::boolean[], $2::double precision[], $3::bytea[]", pq.Array([]bool{true, false}),
			pq.Array([]float64{0.5, -1e300}), pq.Array([][]byte{{0, 1, 255}, {}})).Scan(
			pq.Array(&bools), pq.Array(&floats), pq.Array(&pieces)))
		equal([]any{bools, floats, pieces}, []any{[]bool{true, false}, []float64{0.5, -1e300}, [][]byte{{0, 1, 255}, {}}})
		var none sql.NullString
		must(db.QueryRow("SELECT $1::text", nil).Scan(&none))
		equal(none.Valid, false)
		binary, err := sql.Open("postgres", "binary_parameters=yes")
		must(err)
		defer binary.Close()
		must(binary.QueryRow("SELECT $1::bigint, $2::bytea", 7, []byte{1}).Scan(&d, &i))
		equal([]any{d, i}, []any{int64(7), []byte{1}})
	})},

	{"prepared", with(func(db *sql.DB) {
		statement, err := db.Prepare("SELECT $1::int + 1")
		must(err)
		defer statement.Close()
		for n := 0; n < 10; n++ {
			var got int
			must(statement.QueryRow(n).Scan(&got))
			equal(got, n+1)
		}
		tx, err := db.Begin()
		must(err)
		_, err = tx.Exec("INSERT INTO "+rides+" VALUES ($1, $2)", "nowhere", 1)
		must(err)
		must(tx.Rollback())
	})},

	{"copy", with(func(db *sql.DB) {
		do(db, "CREATE STREAM "+name+"_copy (a integer, b text)")
		tx, err := db.Begin()
		must(err)
		statement, err := tx.Prepare(pq.CopyIn(name+"_copy", "a", "b"))
		must(err)
		for n := 0; n < 300; n++ {
			_, err = statement.Exec(n, fmt.Sprint("row\t", n))
			must(err)
		}
		_, err = statement.Exec()
		must(err)
		must(statement.Close())
		must(tx.Commit())
		var count, length int
		must(db.QueryRow("SELECT count(*), sum(length(b)) FROM "+name+"_copy").Scan(&count, &length))
		equal([]int{count, length}, []int{300, 300*4 + 10 + 90*2 + 200*3})
	})},

	{"cursor", with(func(db *sql.DB) {
		tx, err := db.Begin()
		must(err)
		defer tx.Rollback()
		_, err = tx.Exec("DECLARE c CURSOR FOR SELECT n FROM generate_series(1, 5) AS n")
		must(err)
		var n int
		must(tx.QueryRow("FETCH ABSOLUTE 3 FROM c").Scan(&n))
		equal(n, 3)
	})},

	{"cancel", with(func(db *sql.DB) {
		must(db.Ping()) // the time is the statement's, not that of logging in
		short, stop := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer stop()
		_, err := db.ExecContext(short, "SUBSCRIBE TO "+rides)
		equal(err != nil && (code(err) == "57014" || errors.Is(err, context.DeadlineExceeded)), true)
		var n int
		must(db.QueryRow("SELECT 1").Scan(&n))
	})},

	{"errors", with(func(db *sql.DB) {
		_, err := db.Exec("SELECT $1::int,\n nosuch", 1)
		var told *pq.Error
		equal(errors.As(err, &told), true)
		equal([]string{string(told.Code), told.Severity, told.Position}, []string{"42703", "ERROR", "18"})
		_, err = db.Exec("UPDATE " + rides + " SET km = 1")
		equal(errors.As(err, &told) && told.Hint != "", true)
	})},

	{"notify", with(func(db *sql.DB) {
		listener := pq.NewListener("", time.Second, time.Second, nil)
		defer listener.Close()
		must(listener.Listen(name))
		must(listener.Ping())
		do(db, "SELECT pg_notify($1, $2)", name, "hello")
		note := <-listener.Notify
		equal([]string{note.Channel, note.Extra}, []string{name, "hello"})
	})},

	{"subscribe", with(func(db *sql.DB) {
		do(db, "INSERT INTO "+rides+" VALUES ('Turku', 7)")
		whole, stop := context.WithCancel(context.Background())
		defer stop()
		rows, err := db.QueryContext(whole, "SUBSCRIBE (SELECT km FROM "+rides+" WHERE city = 'Turku')")
		must(err)
		var seen []int64
		for len(seen) < 2 && rows.Next() {
			var seq, diff, km int64
			must(rows.Scan(&seq, &diff, &km))
			seen = append(seen, km)
			do(db, "INSERT INTO "+rides+" VALUES ('Turku', 8)")
		}
		equal(seen, []int64{7, 8})
		stop()
		for rows.Next() {
		}
		rows.Close()
	})},

	{"target", with(func(db *sql.DB) {
		do(db, "INSERT INTO "+rides+" VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6)")
		do(db, "FLUSH")
		target, err := sql.Open("postgres", os.Getenv("PEER_TARGET_URL"))
		must(err)
		defer target.Close()
		var km int64
		must(target.QueryRow("SELECT km FROM " + name + "_pg WHERE city = 'Oslo'").Scan(&km))
		equal(km, int64(10))
	})},
}
