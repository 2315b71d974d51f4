package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/id"
)

// The ids that documents show.
const (
	shownWorkspace = "ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"
	shownKey       = "key_01a1fe9b-804e-77a3-9dd6-58576293f7f3"
	shownClient    = sampleClient
)

// words splits a line as a shell does, as far as the documents need it.
var words = regexp.MustCompile(`"[^"]*"|\S+`)

// shownCommands are the calls of the tool in the code blocks of a document, without comments.
func shownCommands(t *testing.T, path string) (commands [][]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		call, is := strings.CutPrefix(strings.TrimSpace(line), "go run ./infra/assetry ")
		if !is {
			continue
		}
		call, _, _ = strings.Cut(call, " #")
		var args []string
		for _, w := range words.FindAllString(call, -1) {
			args = append(args, strings.Trim(w, `"`))
		}
		commands = append(commands, args)
	}
	return commands
}

func TestTheCommandsOfTheDocumentsWork(t *testing.T) {
	for path, least := range map[string]int{"README.md": 10, "infra/OPERATIONS.md": 5} {
		t.Run(path, func(t *testing.T) {
			p := localPlace(t)
			w, err := p.accounts().CreateWorkspace(t.Context(), "Shown")
			if err != nil {
				t.Fatal(err)
			}
			_, k, err := p.accounts().IssueKey(t.Context(), "shown", map[id.Workspace]access.Role{w.ID: access.Owner})
			if err != nil {
				t.Fatal(err)
			}
			_, cl, err := p.accounts().IssueClient(t.Context(), "shown", w.ID, account.ClientSpec{})
			if err != nil {
				t.Fatal(err)
			}
			real := strings.NewReplacer(shownWorkspace, w.ID.String(), shownKey, k.ID.String(), shownClient, cl.ID.String())
			commands := shownCommands(t, path)
			if len(commands) < least {
				t.Fatalf("%s shows %d commands, want at least %d", path, len(commands), least)
			}
			for _, args := range commands {
				for i := range args {
					args[i] = real.Replace(args[i])
				}
				must(t, p.args(args...)...)
			}
		})
	}
}

func TestTheReadmeHasEveryCommandAndExitCode(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(string(b), "| `"+c.name) {
			t.Errorf("README's table of commands has no `%s`", c.name)
		}
	}
	for _, row := range []string{"| 0 | |", "| 1 | `failed` |", "| 2 | `usage` |", "| 3 | `not_found` |", "| 4 | `refused` |", "| 5 | `try_again` |", "| 130 | `interrupted` |"} {
		if !strings.Contains(string(b), row) {
			t.Errorf("README's table of exit codes has no row %s", row)
		}
	}
}
