//go:build race

package store_test

// underRace: the race detector makes each step ten times as long.
const underRace = true
