// The Go peers: pgx (binary, named statements, its own pool of types) and lib/pq (text, database/sql).
package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"
)

var (
	name  = os.Getenv("PEER")
	rides = name + "_rides"
)

const patience = 30 * time.Second

// A check fails by a panic, so that it reads from top to bottom.
type check struct {
	name string
	call func()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		panic(fmt.Errorf("%#v instead of %#v", got, wanted))
	}
}

func run(checks []check) {
	failed := 0
	for _, one := range checks {
		err := attempt(one.call)
		if err == nil {
			fmt.Println("ok - " + one.name)
			continue
		}
		failed++
		fmt.Println("not ok - " + one.name)
		for _, line := range strings.Split(fmt.Sprint(err), "\n") {
			fmt.Println("#   " + line)
		}
	}
	os.Exit(failed)
}

func attempt(call func()) (err any) {
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		call()
	}()
	select {
	case err = <-done:
	case <-time.After(patience):
		err = "it takes too long"
	}
	return
}

func main() {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "pgx":
		run(pgxChecks)
	case len(os.Args) > 1 && os.Args[1] == "pq":
		run(pqChecks)
	default:
		fmt.Fprintln(os.Stderr, "peer pgx | peer pq")
		os.Exit(2)
	}
}
