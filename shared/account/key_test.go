package account_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestIssueKey(t *testing.T) {
	s, other, c := newService(t)
	a, b := mustWorkspace(t, s, "a").ID, mustWorkspace(t, s, "b").ID
	home := (access.Principal{Grants: map[id.Workspace]access.Role{a: "", b: ""}}).Workspaces()[0]
	grants := map[id.Workspace]access.Role{b: access.Viewer, a: access.Owner}
	secret, k, err := s.IssueKey(t.Context(), "laptop", grants)
	if err != nil {
		t.Fatalf("IssueKey: %v", err)
	}
	want := account.Key{ID: k.ID, Name: "laptop", Home: home, Grants: grants, CreatedAt: c.Now(), Version: 1}
	if diff := cmp.Diff(want, k); diff != "" {
		t.Errorf("IssueKey (-want +got):\n%s", diff)
	}
	if len(secret) != 57 || !strings.HasPrefix(secret, "sk_live_") {
		t.Errorf("secret has %d characters and begins %.8q, want 57 and sk_live_", len(secret), secret)
	}
	p, err := other.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatalf("Authenticate: %v", err)
	}
	if diff := cmp.Diff(access.Principal{Key: k.ID, Grants: grants}, p); diff != "" {
		t.Errorf("Authenticate (-want +got):\n%s", diff)
	}
	ks, err := s.Keys(t.Context(), home)
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	if diff := cmp.Diff([]account.Key{k}, ks); diff != "" {
		t.Errorf("Keys (-want +got):\n%s", diff)
	}
}

func TestIssueKeyKeepsOnlyTheHash(t *testing.T) {
	tab := domaintest.NewTable(t)
	s := account.New(tab, account.Options{})
	secret, _ := mustKey(t, s, access.Owner, mustWorkspace(t, s, "w").ID)
	row, err := tab.Get(t.Context(), schema.APIKeyKey(sha256.Sum256([]byte(secret))), table.Strong)
	if err != nil {
		t.Fatalf("the key's row: %v", err)
	}
	for attr, v := range row {
		if text, ok := v.(table.String); ok && strings.Contains(string(text), secret[8:20]) {
			t.Errorf("attribute %s = %q has a part of the secret", attr, text)
		}
	}
}

func TestIssueKeyRefuses(t *testing.T) {
	s, _, c := newService(t)
	w := mustWorkspace(t, s, "w").ID
	many := map[id.Workspace]access.Role{}
	for range 21 {
		many[id.NewWorkspace(c.Now())] = access.Owner
	}
	unknown := id.NewWorkspace(c.Now())
	for _, tt := range []struct {
		name, title string
		grants      map[id.Workspace]access.Role
		fields      []string
	}{
		{"no name", "", map[id.Workspace]access.Role{w: access.Owner}, []string{"name"}},
		{"no workspace", "k", nil, []string{"grants"}},
		{"more than 20 workspaces", "k", many, []string{"grants"}},
		{"a workspace that does not exist", "k", map[id.Workspace]access.Role{w: access.Owner, unknown: access.Owner}, []string{"grants"}},
		{"a role that does not exist", "k", map[id.Workspace]access.Role{w: "admin"}, []string{"grants"}},
		{"everything wrong at once", "\x07", map[id.Workspace]access.Role{unknown: "admin"}, []string{"name", "grants", "grants"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				_, _, err := s.IssueKey(ctx, tt.title, tt.grants)
				domaintest.WantKind(t, "IssueKey", err, fault.Invalid)
				if diff := cmp.Diff(tt.fields, fieldNames(err)); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
			})
			if write != 0 {
				t.Errorf("a refused IssueKey wrote %v units, want nothing", write)
			}
		})
	}
}

func fieldNames(err error) []string {
	var names []string
	if f, ok := err.(*fault.Error); ok {
		for _, field := range f.Fields {
			names = append(names, field.Name)
		}
	}
	return names
}

func TestIssueKeySucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	tab := domaintest.NewTable(t)
	s := account.New(domaintest.Repeating{Table: tab}, account.Options{})
	secret, k := mustKey(t, s, access.Editor, mustWorkspace(t, s, "w").ID)
	if p, err := s.Authenticate(t.Context(), secret); err != nil || p.Key != k.ID {
		t.Errorf("Authenticate = %v, %v, want key %s", p, err, k.ID)
	}
}

func TestRevokeKey(t *testing.T) {
	s, other, c := newService(t)
	w := mustWorkspace(t, s, "w").ID
	secret, k := mustKey(t, s, access.Owner, w)
	for _, svc := range []*account.Service{s, other} {
		if _, err := svc.Authenticate(t.Context(), secret); err != nil {
			t.Fatalf("Authenticate before: %v", err)
		}
	}
	if err := s.RevokeKey(t.Context(), k.ID, w); err != nil {
		t.Fatalf("RevokeKey: %v", err)
	}
	_, err := s.Authenticate(t.Context(), secret)
	domaintest.WantKind(t, "Authenticate in the process that revoked", err, fault.BadCredentials)
	c.Advance(account.CacheFor)
	_, err = other.Authenticate(t.Context(), secret)
	domaintest.WantKind(t, "Authenticate in another process after CacheFor", err, fault.BadCredentials)
	if err := other.RevokeKey(t.Context(), k.ID, w); err != nil {
		t.Errorf("RevokeKey again: %v", err)
	}
	ks, err := s.Keys(t.Context(), w)
	if err != nil || len(ks) != 1 || !ks[0].Revoked || ks[0].Version != 2 {
		t.Errorf("Keys = %+v, %v, want the one key, revoked by one write", ks, err)
	}
}

func TestRevokeKeyLooksOnlyInItsHome(t *testing.T) {
	s, _, c := newService(t)
	w, foreign := mustWorkspace(t, s, "w").ID, mustWorkspace(t, s, "foreign").ID
	secret, k := mustKey(t, s, access.Owner, w)
	domaintest.WantKind(t, "RevokeKey from another home", s.RevokeKey(t.Context(), k.ID, foreign), fault.NotFound)
	domaintest.WantKind(t, "RevokeKey of an unknown key", s.RevokeKey(t.Context(), id.NewKey(c.Now()), w), fault.NotFound)
	if _, err := s.Authenticate(t.Context(), secret); err != nil {
		t.Errorf("Authenticate after both: %v", err)
	}
}

func TestRevokeKeyAtOnceSucceedsForAll(t *testing.T) {
	s, _, _ := newService(t)
	w := mustWorkspace(t, s, "w").ID
	_, k := mustKey(t, s, access.Owner, w)
	domaintest.Together(16, func(int) {
		if err := s.RevokeKey(t.Context(), k.ID, w); err != nil {
			t.Errorf("RevokeKey: %v", err)
		}
	})
	if ks, err := s.Keys(t.Context(), w); err != nil || len(ks) != 1 || ks[0].Version != 2 {
		t.Errorf("Keys = %+v, %v, want one key written twice", ks, err)
	}
}

func TestKeysAreListedOldestFirst(t *testing.T) {
	s, _, c := newService(t)
	w := mustWorkspace(t, s, "w").ID
	var want []id.Key
	for range 5 {
		_, k := mustKey(t, s, access.Viewer, w)
		want = append(want, k.ID)
		c.Advance(time.Second)
	}
	ks, err := s.Keys(t.Context(), w)
	if err != nil {
		t.Fatalf("Keys: %v", err)
	}
	var got []id.Key
	for _, k := range ks {
		got = append(got, k.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Keys (-want +got):\n%s", diff)
	}
}
