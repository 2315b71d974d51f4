package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

type (
	oneWorkspace struct{ Workspace workspaceJSON }
	workspaces   struct{ Workspaces []workspaceJSON }
	newKey       struct {
		Key    keyJSON
		Secret string
	}
	keys struct{ Keys []keyJSON }
)

func TestWorkspacesAndKeysFromTheFirstToTheLast(t *testing.T) {
	onEachStore(t, func(t *testing.T, p place) {
		if got := mustJSON[workspaces](t, p.args("workspace", "list")...); got.Workspaces == nil || len(got.Workspaces) != 0 {
			t.Errorf("a new store lists %v, want an empty list", got.Workspaces)
		}
		first := mustJSON[oneWorkspace](t, p.args("workspace", "create", "--name", "First")...).Workspace
		second := mustJSON[oneWorkspace](t, p.args("workspace", "create", "--name", "Second <&>")...).Workspace
		if first.Name != "First" || first.LinkEpoch != 1 || first.Partitions != 1 || time.Since(first.CreatedAt) > time.Minute {
			t.Errorf("the first workspace is %+v", first)
		}
		if diff := cmp.Diff([]workspaceJSON{first, second}, mustJSON[workspaces](t, p.args("workspace", "list")...).Workspaces); diff != "" {
			t.Errorf("workspace list (-made +listed):\n%s", diff)
		}
		made := mustJSON[newKey](t, p.args("key", "create", "--name", "CI", "--grant", first.ID+"=owner", "--grant", second.ID+"=viewer")...)
		want := keyJSON{made.Key.ID, "CI", first.ID, map[string]string{first.ID: "owner", second.ID: "viewer"}, made.Key.CreatedAt, false}
		if diff := cmp.Diff(want, made.Key); diff != "" {
			t.Errorf("key create (-want +got):\n%s", diff)
		}
		who, err := p.accounts().Authenticate(t.Context(), made.Secret)
		if err != nil || who.Key.String() != made.Key.ID {
			t.Errorf("the secret opens %v, %v, want the key", who, err)
		}
		for _, flags := range [][]string{nil, {"--workspace", first.ID}, {"--workspace", second.ID}} {
			var got []keyJSON
			polltest.Eventually(t, "the key is listed", func() bool {
				got = mustJSON[keys](t, p.args(append([]string{"key", "list"}, flags...)...)...).Keys
				return len(got) > 0
			})
			if diff := cmp.Diff([]keyJSON{made.Key}, got); diff != "" {
				t.Errorf("key list %v (-made +listed):\n%s", flags, diff)
			}
		}
		revoked := mustJSON[struct{ Key keyJSON }](t, p.args("key", "revoke", made.Key.ID, "--yes")...)
		if !revoked.Key.Revoked {
			t.Error("key revoke answers with a key that is not revoked")
		}
		_, err = p.accounts().Authenticate(t.Context(), made.Secret)
		if !fault.Is(err, fault.BadCredentials) {
			t.Errorf("the revoked key opens the store: %v", err)
		}
		must(t, p.args("key", "revoke", made.Key.ID, "--yes")...) // again is no error
		rotated := mustJSON[oneWorkspace](t, p.args("link", "rotate", first.ID, "--yes")...)
		if rotated.Workspace.LinkEpoch != 2 {
			t.Errorf("after link rotate the epoch is %d, want 2", rotated.Workspace.LinkEpoch)
		}
		split := mustJSON[struct {
			Workspace workspaceJSON
			From      time.Time
		}](t, p.args("workspace", "split", "--yes", first.ID, "--partitions", "4")...)
		if ahead := time.Until(split.From); split.Workspace.Partitions != 4 || ahead < 9*time.Minute || ahead > 11*time.Minute {
			t.Errorf("workspace split: %+v, want 4 partitions in ten minutes", split)
		}
	})
}

func TestASecretIsShownOnceAndNowhereElse(t *testing.T) {
	p := localPlace(t)
	w, err := p.accounts().CreateWorkspace(t.Context(), "Quiet")
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{nil, {"--json"}} {
		s := must(t, p.args(append(flags, "key", "create", "--name", "shown", "--grant", w.ID.String()+"=editor")...)...)
		if n := strings.Count(s.out, account.SecretPrefix); n != 1 || strings.Contains(s.err, account.SecretPrefix) {
			t.Errorf("key create %v shows %d secrets on standard output, and on standard error:\n%s", flags, n, s.err)
		}
	}
	kid := mustJSON[keys](t, p.args("key", "list")...).Keys[0].ID
	for _, args := range [][]string{
		{"key", "list"}, {"key", "list", "--json"}, {"key", "list", "--workspace", w.ID.String()}, {"workspace", "list"},
		{"key", "revoke", kid, "--yes"}, {"key", "revoke", kid, "--yes", "--json"}, {"dead-letters", "list"},
	} {
		if s := must(t, p.args(args...)...); strings.Contains(s.out+s.err, account.SecretPrefix) {
			t.Errorf("assetry %s shows a secret:\n%s%s", strings.Join(args, " "), s.out, s.err)
		}
	}
	// A secret that was given in the place of an id is not repeated either.
	const mistake = account.SecretPrefix + "0123456789012345678901234567890123456789012345678"
	if s := run(t, p.args("key", "revoke", mistake, "--yes")...); s.code != exitUsage || strings.Contains(s.out+s.err, mistake) {
		t.Errorf("key revoke SECRET: exit code %d, and says\n%s%s", s.code, s.out, s.err)
	}
}

func TestWhatPeopleRead(t *testing.T) {
	p := localPlace(t)
	folder := []string{p.folder, "FOLDER"}
	golden(t, "workspace-list-empty", plain(must(t, p.args("workspace", "list")...), folder...))
	golden(t, "key-list-empty", plain(must(t, p.args("key", "list")...), folder...))
	made := must(t, p.args("workspace", "create", "--name", "Küche")...)
	w := listedWorkspace(t, p)
	pairs := append(folder, w.ID.String(), "ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3", date(w.CreatedAt), "2026-11-21 12:00")
	golden(t, "workspace-create", plain(made, pairs...))
	golden(t, "workspace-list", plain(must(t, p.args("workspace", "list")...), pairs...))
	key := must(t, p.args("key", "create", "--name", "CI", "--grant", w.ID.String()+"=owner")...)
	k := keyOfWorkspace(t, p, w.ID)
	secret := account.SecretPrefix + strings.Fields(strings.SplitN(key.out, account.SecretPrefix, 2)[1])[0]
	pairs = append(pairs, k.ID.String(), "key_01a1fe9b-804e-77a3-9dd6-58576293f7f3", secret, "sk_live_SECRET", date(k.CreatedAt), "2026-11-21 12:00")
	golden(t, "key-create", plain(key, pairs...))
	golden(t, "key-list", plain(must(t, p.args("key", "list")...), pairs...))
	golden(t, "key-revoke", plain(must(t, p.args("key", "revoke", k.ID.String(), "--yes")...), pairs...))
	golden(t, "key-list-revoked", plain(must(t, p.args("key", "list")...), pairs...))
	golden(t, "link-rotate", plain(must(t, p.args("link", "rotate", w.ID.String(), "--yes")...), pairs...))
	golden(t, "sweep", plain(must(t, p.args("sweep")...), pairs...))
	golden(t, "search-reindex", plain(must(t, p.args("search", "reindex")...), pairs...))
	golden(t, "workspace-register", plain(must(t, p.args("workspace", "register")...), pairs...))
	golden(t, "dead-letters-list-empty", plain(must(t, p.args("dead-letters", "list")...), pairs...))
}

// plain is what was said, with the second of each pair in place of the first.
func plain(s said, pairs ...string) string {
	replace := strings.NewReplacer(pairs...).Replace
	return "$ standard output\n" + replace(s.out) + "$ standard error\n" + replace(s.err)
}

func listedWorkspace(t *testing.T, p place) account.Workspace {
	t.Helper()
	for w, err := range p.accounts().Workspaces(t.Context(), id.Workspace{}) {
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	t.Fatal("no workspace is listed")
	return account.Workspace{}
}

func keyOfWorkspace(t *testing.T, p place, w id.Workspace) account.Key {
	t.Helper()
	ks, err := p.accounts().Keys(t.Context(), w)
	if err != nil || len(ks) == 0 {
		t.Fatalf("the workspace has the keys %v, %v", ks, err)
	}
	return ks[0]
}

func TestWhatIsNotConfirmedIsNotDone(t *testing.T) {
	p := localPlace(t)
	w, err := p.accounts().CreateWorkspace(t.Context(), "Careful")
	if err != nil {
		t.Fatal(err)
	}
	_, k, err := p.accounts().IssueKey(t.Context(), "kept", map[id.Workspace]access.Role{w.ID: access.Owner})
	if err != nil {
		t.Fatal(err)
	}
	commands := [][]string{
		{"key", "revoke", k.ID.String()}, {"link", "rotate", w.ID.String()}, {"workspace", "split", w.ID.String(), "--partitions", "2"},
	}
	for _, tt := range []struct {
		name  string
		typed string
		asks  bool
		flags []string
		code  int
		says  string
	}{
		{"nobody can be asked", "", false, nil, exitRefused, "--yes"},
		{"a machine is not asked", "yes\n", true, []string{"--json"}, exitRefused, "--yes"},
		{"no", "no\n", true, nil, exitRefused, "not confirmed"},
		{"the input ends", "", true, nil, exitRefused, "not confirmed"},
		{"something like yes", "y\n", true, nil, exitRefused, "not confirmed"},
	} {
		for _, args := range commands {
			s := runWith(t, program{in: strings.NewReader(tt.typed), asks: tt.asks}, p.args(append(args, tt.flags...)...)...)
			if s.code != tt.code || !strings.Contains(s.err, tt.says) || s.out != "" {
				t.Errorf("%s: assetry %s: exit code %d\n%s%s", tt.name, strings.Join(args, " "), s.code, s.out, s.err)
			}
		}
	}
	if now := listedWorkspace(t, p); now.LinkEpoch != 1 || now.MaxShards() != 1 || keyOfWorkspace(t, p, w.ID).Revoked {
		t.Errorf("something was done: %+v", now)
	}
	for _, args := range commands {
		if s := runWith(t, program{in: strings.NewReader("yes\n"), asks: true}, p.args(args...)...); s.code != exitOK || !strings.Contains(s.err, "Type yes: ") {
			t.Errorf("assetry %s after yes: exit code %d\n%s", strings.Join(args, " "), s.code, s.err)
		}
	}
	if now := listedWorkspace(t, p); now.LinkEpoch != 2 || now.MaxShards() != 2 || !keyOfWorkspace(t, p, w.ID).Revoked {
		t.Errorf("not all was done: %+v", now)
	}
}

func TestRegisterFindsWorkspacesThatWereActive(t *testing.T) {
	onEachStore(t, func(t *testing.T, p place) {
		ctx := context.Background()
		var ws []id.Workspace
		for range 2 {
			w, err := p.accounts().CreateWorkspace(ctx, "From before")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.table.Write(ctx, table.Delete(schema.KnownKey(w.ID), table.Present())); err != nil {
				t.Fatal(err)
			}
			ws = append(ws, w.ID)
		}
		k := schema.ActiveKey(time.Now().Add(-3*24*time.Hour), ws[0])
		marker := table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}
		if _, err := p.table.Write(ctx, table.Put(marker, table.Absent())); err != nil {
			t.Fatal(err)
		}
		type registered struct{ Registered []string }
		if got := mustJSON[registered](t, p.args("workspace", "register")...).Registered; len(got) != 1 || got[0] != ws[0].String() {
			t.Errorf("registered: %v, want the one that was active", got)
		}
		if got := mustJSON[registered](t, p.args("workspace", "register", ws[0].String(), ws[1].String())...).Registered; len(got) != 1 || got[0] != ws[1].String() {
			t.Errorf("registered by id: %v, want the one that was missing", got)
		}
		if got := mustJSON[workspaces](t, p.args("workspace", "list")...).Workspaces; len(got) != 2 {
			t.Errorf("listed: %v, want both", got)
		}
	})
}
