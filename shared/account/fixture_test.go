package account_test

import (
	"testing"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
)

// newService is a service on a fresh table, and another one as a second process would have it.
func newService(t testing.TB) (s, other *account.Service, c *domaintest.Clock) {
	t.Helper()
	tab, c := domaintest.NewTable(t), domaintest.NewClock()
	return account.New(tab, account.Options{Now: c.Now}), account.New(tab, account.Options{Now: c.Now}), c
}

func mustWorkspace(t testing.TB, s *account.Service, title string) account.Workspace {
	t.Helper()
	w, err := s.CreateWorkspace(t.Context(), title)
	if err != nil {
		t.Fatalf("CreateWorkspace(%q): %v", title, err)
	}
	return w
}

func mustKey(t testing.TB, s *account.Service, r access.Role, ws ...id.Workspace) (string, account.Key) {
	t.Helper()
	grants := map[id.Workspace]access.Role{}
	for _, w := range ws {
		grants[w] = r
	}
	secret, k, err := s.IssueKey(t.Context(), "a key", grants)
	if err != nil {
		t.Fatalf("IssueKey: %v", err)
	}
	return secret, k
}
