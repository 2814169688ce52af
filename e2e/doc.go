// Package e2e walks the members' journeys through the built binaries: the
// real server, run as in production, against the sandbox's simulators of
// everything outside. It has tests only; nothing imports it.
package e2e
