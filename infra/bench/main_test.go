package main

import (
	"io"
	"testing"
)

func TestFlags(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		ok   bool
	}{
		"none":                    {nil, true},
		"two parts":               {[]string{"-only", "sign,inspect"}, true},
		"a part that is none":     {[]string{"-only", "sign,nothing"}, false},
		"a word that is no flag":  {[]string{"quick"}, false},
		"everything that may be":  {[]string{"-quick", "-markdown", "-json", "x", "-only", "api"}, true},
		"a flag that is not here": {[]string{"-slow"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(c.args, io.Discard); (err == nil) != c.ok {
				t.Errorf("parse(%q) gives the error %v, want success: %v", c.args, err, c.ok)
			}
		})
	}
}
