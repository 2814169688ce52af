package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the build (-ldflags -X).
var version, commit = "dev", ""

type versionCmd struct{}

// Run prints what this binary was built from.
func (versionCmd) Run(p *program) error {
	fmt.Fprintf(p.stdout, "xiaoka %s (commit %s, %s)\n", version, revision(), runtime.Version())
	return nil
}

func revision() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
