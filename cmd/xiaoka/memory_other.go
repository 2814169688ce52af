//go:build !linux

package main

import "runtime/debug"

// giveBack returns freed memory to the system.
func giveBack() { debug.FreeOSMemory() }
