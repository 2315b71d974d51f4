package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/assetry/assetry/shared/fault"
)

func TestHelp(t *testing.T) {
	overview := must(t, "help").out
	golden(t, "help", overview)
	for _, args := range [][]string{{"-h"}, {"--help"}} {
		if s := must(t, args...); s.out != overview {
			t.Errorf("assetry %v says something else than help:\n%s", args, s.out)
		}
	}
	golden(t, "help-names", must(t, "help", "names").out)
	for _, c := range commands() {
		words := strings.Fields(c.name)
		asked := must(t, append(words, "-h")...).out
		golden(t, "help-"+strings.Join(words, "-"), asked)
		if s := must(t, append([]string{"help"}, words...)...); s.out != asked {
			t.Errorf("assetry help %s says something else than -h:\n%s", c.name, s.out)
		}
		for _, e := range c.examples {
			line, _, _ := strings.Cut(e, " | ")
			if !strings.HasPrefix(line, "assetry "+c.name) {
				t.Errorf("the example %q is not one of %s", e, c.name)
			}
		}
	}
}

func TestWithoutACommandHelpIsAnError(t *testing.T) {
	if s := run(t); s.code != exitUsage || s.out != "" || s.err != must(t, "help").out {
		t.Errorf("assetry: exit code %d, says %q and\n%s", s.code, s.out, s.err)
	}
}

func TestWhatMakesNoSenseIsRefusedWithTheWayOut(t *testing.T) {
	signedIn(t)
	data := localPlace(t).flags
	const ws = "ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"
	for _, tt := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"an unknown command", []string{"workspaces"}, exitUsage, []string{`"workspaces"`, "workspace", "dead-letters", "assetry help"}},
		{"half a command", []string{"key"}, exitUsage, []string{"`key create`", "`key list`", "`key revoke`"}},
		{"a wrong second word", []string{"key", "delete"}, exitUsage, []string{`"key delete"`, "`key revoke`"}},
		{"help about an unknown command", []string{"help", "keys"}, exitUsage, []string{`"keys"`}},
		{"an unknown flag", []string{"key", "list", "--all"}, exitUsage, []string{"-all", "assetry key list -h"}},
		{"an unknown flag in front", []string{"--all", "key", "list"}, exitUsage, []string{"-all", "assetry help"}},
		{"too many operands", []string{"link", "rotate", ws, "and more"}, exitUsage, []string{`"and more"`, "-h"}},
		{"no name", append([]string{"workspace", "create"}, data...), exitUsage, []string{"name"}},
		{"a name that is too long", append([]string{"workspace", "create", "--name", strings.Repeat("x", 256)}, data...), exitUsage, []string{"255"}},
		{"no workspace", append([]string{"link", "rotate"}, data...), exitUsage, []string{"workspace list"}},
		{"a workspace that is none", append([]string{"link", "rotate", "First"}, data...), exitUsage, []string{`"First"`, "ws_"}},
		{"a workspace that is not there", append([]string{"link", "rotate", ws, "--yes"}, data...), exitMissing, []string{ws, "workspace list"}},
		{"keys of a workspace that is not there", append([]string{"key", "list", "--workspace", ws}, data...), exitMissing, []string{ws}},
		{"a key that is not there", append([]string{"key", "revoke", "key_01a1fe9b-804e-77a3-9dd6-58576293f7f3", "--yes"}, data...), exitMissing, []string{"key list"}},
		{"a key that is not there, of a workspace", append([]string{"key", "revoke", "key_01a1fe9b-804e-77a3-9dd6-58576293f7f3", "--workspace", ws}, data...), exitMissing, []string{"key list"}},
		{"no key", append([]string{"key", "revoke"}, data...), exitUsage, []string{"key list"}},
		{"a key without grants", append([]string{"key", "create", "--name", "x"}, data...), exitUsage, []string{"grants"}},
		{"a grant without a role", append([]string{"key", "create", "--name", "x", "--grant", ws}, data...), exitUsage, []string{"WORKSPACE=ROLE", "editor"}},
		{"a role that is none", append([]string{"key", "create", "--name", "x", "--grant", ws + "=admin"}, data...), exitUsage, []string{"admin", "editor"}},
		{"a workspace granted twice", append([]string{"key", "create", "--name", "x", "--grant", ws + "=owner," + ws + "=viewer"}, data...), exitUsage, []string{"twice"}},
		{"a client of no workspace", append([]string{"client", "create", "--name", "x"}, data...), exitUsage, []string{"--workspace"}},
		{"a client of a workspace that is not there", append([]string{"client", "create", "--name", "x", "--workspace", ws}, data...), exitMissing, []string{ws}},
		{"a client without a name", append([]string{"client", "create", "--workspace", ws}, data...), exitUsage, []string{"name"}},
		{"a client of another scope", append([]string{"client", "create", "--name", "x", "--workspace", ws, "--scope", "read,admin"}, data...), exitUsage, []string{"admin", "write"}},
		{"a client of another tier", append([]string{"client", "create", "--name", "x", "--workspace", ws, "--tier", "gold"}, data...), exitUsage, []string{"gold", "premium"}},
		{"clients of a workspace that is not there", append([]string{"client", "list", "--workspace", ws}, data...), exitMissing, []string{ws}},
		{"no client", append([]string{"client", "rotate"}, data...), exitUsage, []string{"client list"}},
		{"a client that is none", append([]string{"client", "delete", "shop"}, data...), exitUsage, []string{"cl_"}},
		{"a client that is not there", append([]string{"client", "delete", sampleClient, "--yes"}, data...), exitMissing, []string{sampleClient, "client list"}},
		{"a secret of a client that is not there", append([]string{"client", "drop-secret", sampleClient, "--secret", "1"}, data...), exitMissing, []string{"client list"}},
		{"half a command about clients", []string{"client"}, exitUsage, []string{"`client create`", "`client drop-secret`"}},
		{"a split of nothing", append([]string{"workspace", "split", ws}, data...), exitMissing, []string{ws}},
		{"a register of nothing", append([]string{"workspace", "register", ws}, data...), exitMissing, []string{ws}},
		{"a reindex of nothing", append([]string{"search", "reindex", ws}, data...), exitMissing, []string{ws}},
		{"a place that is none", append([]string{"dead-letters", "list", "--source", "mail"}, data...), exitUsage, []string{`"mail"`, "imports"}},
		{"two stores", []string{"workspace", "list", "--data", "x", "--stack", "y"}, exitUsage, []string{"--data"}},
		{"a region for a local stack", []string{"workspace", "list", "--region", "eu-west-1"}, exitUsage, []string{"--stack"}},
		{"a bucket without its table", []string{"sweep", "--bucket", "b"}, exitUsage, []string{"--stack", "--table"}},
		{"a table without its bucket", []string{"sweep", "--table", "t"}, exitUsage, []string{"--bucket"}},
		{"a folder that is none", []string{"workspace", "list", "--data", filepath.Join(t.TempDir(), "nothing")}, exitFailed, []string{"nothing", "make run"}},
		{"a profile that is none", []string{"workspace", "list", "--stack", "x", "--profile", "nobody"}, exitFailed, []string{"nobody"}},
		{"an index that nobody keeps", []string{"search", "reindex", "--table", "t"}, exitRefused, []string{"--search-table", "SearchIndex"}},
		{"dead letters of no place", []string{"dead-letters", "list", "--table", "t"}, exitUsage, []string{"--failed-bucket"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := run(t, tt.args...)
			message := lastLine(s.err)
			if s.code != tt.code || s.out != "" || !strings.HasPrefix(message, "assetry: ") {
				t.Errorf("exit code %d, want %d, and it says %q and\n%s", s.code, tt.code, s.out, s.err)
			}
			for _, part := range tt.says {
				if !strings.Contains(message, part) {
					t.Errorf("the message does not say %s:\n%s", part, message)
				}
			}
			var machine struct {
				Error struct{ Code, Message string }
			}
			m := run(t, append([]string{"--json"}, tt.args...)...)
			decode(t, m.err, &machine)
			if m.code != s.code || "assetry: "+machine.Error.Message != message || machine.Error.Code == "" {
				t.Errorf("with --json: exit code %d, and it says\n%s", m.code, m.err)
			}
		})
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestFlagsStandAnywhere(t *testing.T) {
	p := localPlace(t)
	w, err := p.accounts().CreateWorkspace(t.Context(), "Anywhere")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--data", p.folder, "--yes", "link", "rotate", w.ID.String()},
		{"link", "rotate", "--yes", w.ID.String(), "--data", p.folder},
		{"--yes", "link", "rotate", "--data=" + p.folder, "--", w.ID.String()},
	} {
		must(t, args...)
	}
	if got := listedWorkspace(t, p).LinkEpoch; got != 4 {
		t.Errorf("after three rotations the epoch is %d, want 4", got)
	}
	t.Chdir(filepath.Dir(p.folder))
	t.Setenv(envStack, "")
	if err := os.Rename(p.folder, defaultData); err != nil {
		t.Fatal(err)
	}
	if s := must(t, "workspace", "list"); !strings.Contains(s.out, w.ID.String()) || !strings.Contains(s.err, defaultData) {
		t.Errorf("without a stack's name it does not act on %s:\n%s%s", defaultData, s.out, s.err)
	}
}

func TestExitCodesOfErrors(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		name string
		says string
	}{
		{fault.BadField("name", "is empty"), exitUsage, "usage", "name: is empty"},
		{fault.New(fault.NotFound, "There is none."), exitMissing, "not_found", "There is none."},
		{fault.New(fault.Conflict, "Not now."), exitRefused, "refused", "Not now."},
		{fault.Wrap(errors.New("dial tcp: refused"), fault.Unavailable, "The table did not answer."), exitAgain, "try_again", "The table did not answer. (dial tcp: refused)"},
		{fmt.Errorf("sweep: %w", fault.New(fault.Throttled, "Busy.")), exitAgain, "try_again", "Busy."},
		{fault.Wrap(context.Canceled, fault.Unavailable, "ended"), exitInterrupted, "interrupted", "interrupted; what was done until then stays, and the command can be repeated"},
		{errors.New("line one\nline two"), exitFailed, "failed", "line one line two"},
		{
			fmt.Errorf("read: %w", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User x is not authorized to perform: dynamodb:Query."}),
			exitFailed, "failed", `AWS answered AccessDeniedException: User x is not authorized to perform: dynamodb:Query; README, "Operate it", lists the rights that an operator needs`,
		},
		{&smithy.GenericAPIError{Code: "InternalError", Message: "Try later"}, exitFailed, "failed", "AWS answered InternalError: Try later"},
	} {
		if code, name := codeOf(tt.err); code != tt.code || name != tt.name || sentence(tt.err) != tt.says {
			t.Errorf("%v: exit code %d, %s, %q; want %d, %s, %q", tt.err, code, name, sentence(tt.err), tt.code, tt.name, tt.says)
		}
	}
}

func TestVersion(t *testing.T) {
	v := mustJSON[struct{ Version, Commit, Go, Platform string }](t, "version")
	if v.Version == "" || v.Commit == "" || !strings.HasPrefix(v.Go, "go1.") || !strings.Contains(v.Platform, "/") {
		t.Errorf("version: %+v", v)
	}
	if s := must(t, "version"); !strings.HasPrefix(s.out, "assetry "+v.Version+" (commit "+v.Commit+", ") {
		t.Errorf("version says %q", s.out)
	}
	version, commit = "1.2.3", "abc"
	defer func() { version, commit = "", "" }()
	if s := must(t, "version"); !strings.HasPrefix(s.out, "assetry 1.2.3 (commit abc, ") {
		t.Errorf("version of an installed tool says %q", s.out)
	}
}
