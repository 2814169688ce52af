//go:build race

package intent

const underRace = true
