//go:build !linux

package main

import "syscall"

// childAttributes are the system's own: only Linux can tie a child to its parent's end.
func childAttributes() *syscall.SysProcAttr { return nil }
