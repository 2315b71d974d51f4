package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
)

type (
	newClient struct {
		Client clientJSON
		Secret string
	}
	clients struct{ Clients []clientJSON }
)

func TestClientsFromTheFirstToTheLast(t *testing.T) {
	onEachStore(t, func(t *testing.T, p place) {
		if got := mustJSON[clients](t, p.args("client", "list")...); got.Clients == nil || len(got.Clients) != 0 {
			t.Errorf("a new store lists %v, want an empty list", got.Clients)
		}
		first := mustJSON[oneWorkspace](t, p.args("workspace", "create", "--name", "First")...).Workspace
		second := mustJSON[oneWorkspace](t, p.args("workspace", "create", "--name", "Second")...).Workspace
		made := mustJSON[newClient](t, p.args("client", "create", "--name", "Desk <&>", "--workspace", first.ID)...)
		want := clientJSON{made.Client.ID, "Desk <&>", first.ID, []string{"read", "write"}, "standard", made.Client.Secrets, made.Client.CreatedAt}
		if diff := cmp.Diff(want, made.Client); diff != "" || len(made.Client.Secrets) != 1 || made.Client.Secrets[0].Number != 1 {
			t.Errorf("client create gives the secrets %v (-want +got):\n%s", made.Client.Secrets, diff)
		}
		viewer := mustJSON[newClient](t, p.args("client", "create", "--name", "View", "--workspace", second.ID, "--scope", "read", "--tier", "premium")...)
		if cmp.Diff([]string{"read"}, viewer.Client.Scopes) != "" || viewer.Client.Tier != "premium" {
			t.Errorf("client create: %+v, want one that may read, premium", viewer.Client)
		}
		for _, tt := range []struct {
			flags []string
			want  []clientJSON
		}{{nil, []clientJSON{made.Client, viewer.Client}}, {[]string{"--workspace", second.ID}, []clientJSON{viewer.Client}}} {
			if diff := cmp.Diff(tt.want, mustJSON[clients](t, p.args(append([]string{"client", "list"}, tt.flags...)...)...).Clients); diff != "" {
				t.Errorf("client list %v (-made +listed):\n%s", tt.flags, diff)
			}
		}
		p.rotate(t, made)
		deleted := mustJSON[struct{ Deleted string }](t, p.args("client", "delete", viewer.Client.ID, "--yes")...)
		if deleted.Deleted != viewer.Client.ID || p.signsIn(t, viewer.Client.ID, viewer.Secret) {
			t.Errorf("client delete answers %+v, and the secret works: %t", deleted, p.signsIn(t, viewer.Client.ID, viewer.Secret))
		}
		if s := run(t, p.args("client", "delete", viewer.Client.ID, "--yes")...); s.code != exitMissing {
			t.Errorf("client delete again: exit code %d\n%s", s.code, s.err)
		}
	})
}

// rotate gives a client another secret, and takes the first one.
func (p place) rotate(t *testing.T, made newClient) {
	t.Helper()
	rotated := mustJSON[newClient](t, p.args("client", "rotate", made.Client.ID)...)
	if !p.signsIn(t, made.Client.ID, made.Secret) || !p.signsIn(t, made.Client.ID, rotated.Secret) || len(rotated.Client.Secrets) != 2 {
		t.Errorf("after client rotate: %+v; want both secrets to work", rotated.Client)
	}
	if s := run(t, p.args("client", "rotate", made.Client.ID)...); s.code != exitRefused || !strings.Contains(s.err, "2 secrets") {
		t.Errorf("client rotate of two secrets: exit code %d\n%s", s.code, s.err)
	}
	for range 2 { // again is no error
		dropped := mustJSON[struct{ Client clientJSON }](t, p.args("client", "drop-secret", made.Client.ID, "--secret", "1", "--yes")...)
		if len(dropped.Client.Secrets) != 1 || dropped.Client.Secrets[0].Number != 2 {
			t.Errorf("client drop-secret: %+v, want secret 2 alone", dropped.Client)
		}
	}
	if p.signsIn(t, made.Client.ID, made.Secret) || !p.signsIn(t, made.Client.ID, rotated.Secret) {
		t.Error("after client drop-secret the first secret works, or the second does not")
	}
	for number, want := range map[string]int{"2": exitRefused, "3": exitMissing, "x": exitUsage, "": exitUsage} {
		if s := run(t, p.args("client", "drop-secret", made.Client.ID, "--secret="+number, "--yes")...); s.code != want {
			t.Errorf("client drop-secret --secret=%s: exit code %d, want %d\n%s", number, s.code, want, s.err)
		}
	}
	if s := run(t, p.args("client", "drop-secret", made.Client.ID)...); s.code != exitUsage || !strings.Contains(s.err, "--secret NUMBER") {
		t.Errorf("client drop-secret of no number: exit code %d\n%s", s.code, s.err)
	}
}

// signsIn says whether a client's secret works.
func (p place) signsIn(t *testing.T, client, secret string) bool {
	t.Helper()
	_, err := p.accounts().Exchange(t.Context(), client, secret, "")
	if err != nil && !fault.Is(err, fault.BadCredentials) {
		t.Fatal(err)
	}
	return err == nil
}

func TestWhatPeopleSeeOfClients(t *testing.T) {
	p := localPlace(t)
	w, err := p.accounts().CreateWorkspace(t.Context(), "First")
	if err != nil {
		t.Fatal(err)
	}
	pairs := []string{p.folder, "FOLDER", w.ID.String(), "ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"}
	golden(t, "client-list-empty", plain(must(t, p.args("client", "list")...), pairs...))
	made := must(t, p.args("client", "create", "--name", "Desk", "--workspace", w.ID.String())...)
	cs, err := p.accounts().Clients(t.Context(), w.ID)
	if err != nil || len(cs) != 1 {
		t.Fatalf("Clients = %v, %v", cs, err)
	}
	c := cs[0]
	pairs = append(pairs, c.ID.String(), sampleClient, date(c.CreatedAt), "2026-11-21 12:00")
	secretIn := func(out string) []string {
		return []string{account.ClientSecretPrefix + strings.Fields(strings.SplitN(out, account.ClientSecretPrefix, 2)[1])[0], "cs_live_SECRET"}
	}
	golden(t, "client-create", plain(made, append(pairs, secretIn(made.out)...)...))
	golden(t, "client-list", plain(must(t, p.args("client", "list")...), pairs...))
	rotated := must(t, p.args("client", "rotate", c.ID.String())...)
	golden(t, "client-rotate", plain(rotated, append(pairs, secretIn(rotated.out)...)...))
	golden(t, "client-drop-secret", plain(must(t, p.args("client", "drop-secret", c.ID.String(), "--secret", "1", "--yes")...), pairs...))
	golden(t, "client-delete", plain(must(t, p.args("client", "delete", c.ID.String(), "--yes")...), pairs...))
}

func TestAClientsSecretIsShownOnceAndNowhereElse(t *testing.T) {
	p := localPlace(t)
	w, err := p.accounts().CreateWorkspace(t.Context(), "Quiet")
	if err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{nil, {"--json"}} {
		s := must(t, p.args(append(flags, "client", "create", "--name", "shown", "--workspace", w.ID.String())...)...)
		if n := strings.Count(s.out, account.ClientSecretPrefix); n != 1 || strings.Contains(s.err, account.ClientSecretPrefix) {
			t.Errorf("client create %v shows %d secrets on standard output, and on standard error:\n%s", flags, n, s.err)
		}
	}
	cid := mustJSON[clients](t, p.args("client", "list")...).Clients[0].ID
	must(t, p.args("client", "rotate", cid)...)
	for _, args := range [][]string{
		{"client", "list"}, {"client", "list", "--json"}, {"client", "list", "--workspace", w.ID.String()},
		{"client", "drop-secret", cid, "--secret", "1", "--yes"}, {"client", "drop-secret", cid, "--secret", "1", "--yes", "--json"},
		{"client", "delete", cid, "--yes", "--json"},
	} {
		if s := must(t, p.args(args...)...); strings.Contains(s.out+s.err, account.ClientSecretPrefix) {
			t.Errorf("assetry %s shows a secret:\n%s%s", strings.Join(args, " "), s.out, s.err)
		}
	}
	// A secret that was given in the place of an id is not repeated either.
	const mistake = account.ClientSecretPrefix + "0123456789012345678901234567890123456789012345678"
	if s := run(t, p.args("client", "delete", mistake, "--yes")...); s.code != exitUsage || strings.Contains(s.out+s.err, mistake) {
		t.Errorf("client delete SECRET: exit code %d, and says\n%s%s", s.code, s.out, s.err)
	}
}

func TestClientsAreNotEndedUnlessConfirmed(t *testing.T) {
	p := localPlace(t)
	w, err := p.accounts().CreateWorkspace(t.Context(), "Careful")
	if err != nil {
		t.Fatal(err)
	}
	secret, c, err := p.accounts().IssueClient(t.Context(), "kept", w.ID, account.ClientSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.accounts().RotateClient(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	commands := [][]string{{"client", "drop-secret", c.ID.String(), "--secret", "1"}, {"client", "delete", c.ID.String()}}
	for _, args := range commands {
		if s := runWith(t, program{in: strings.NewReader("no\n"), asks: true}, p.args(args...)...); s.code != exitRefused || s.out != "" {
			t.Errorf("assetry %s after no: exit code %d\n%s%s", strings.Join(args, " "), s.code, s.out, s.err)
		}
	}
	if !p.signsIn(t, c.ID.String(), secret) {
		t.Error("something was done")
	}
	for _, args := range commands {
		if s := runWith(t, program{in: strings.NewReader("yes\n"), asks: true}, p.args(args...)...); s.code != exitOK {
			t.Errorf("assetry %s after yes: exit code %d\n%s", strings.Join(args, " "), s.code, s.err)
		}
	}
	if cs, err := p.accounts().Clients(t.Context(), w.ID); err != nil || len(cs) != 0 {
		t.Errorf("Clients = %v, %v, want none", cs, err)
	}
}
