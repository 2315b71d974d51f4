package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

// confirm asks before something that cannot be undone. Where nobody can be asked, only --yes goes on.
func (c *call) confirm(format string, args ...any) error {
	if c.yes {
		return nil
	}
	if !c.asks || c.json {
		return fault.New(fault.Forbidden, "This cannot be undone, and nobody can be asked here: say --yes.")
	}
	fmt.Fprintf(c.err, format+" Type yes: ", args...)
	line, _ := bufio.NewReader(c.in).ReadString('\n')
	if strings.TrimSpace(line) != "yes" {
		return fault.New(fault.Forbidden, "It was not confirmed, and nothing was done.")
	}
	return nil
}
