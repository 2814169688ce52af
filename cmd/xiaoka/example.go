package main

import (
	"fmt"

	"xiaoka/config"
)

type exampleCmd struct{}

// Run prints what xiaoka.example.yaml holds.
func (exampleCmd) Run(p *program) error {
	_, err := fmt.Fprint(p.stdout, config.Example())
	return err
}
