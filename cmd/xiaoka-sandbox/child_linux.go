package main

import "syscall"

// childAttributes let the child end with this process even if that is killed: else a server would stay behind that
// nobody knows of.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
