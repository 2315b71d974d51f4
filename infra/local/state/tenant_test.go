package state_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
)

func TestTenantMakesWhatIsMissingAndNoMore(t *testing.T) {
	accounts := account.New(domaintest.NewTable(t), account.Options{})
	var first state.Settings
	for range 2 {
		was := first
		if err := first.Tenant(t.Context(), accounts); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(was, first); was.APIKey != "" && diff != "" {
			t.Errorf("the second start changes (-was +is):\n%s", diff)
		}
	}
	older := first // from before there were clients
	older.Orders = state.Client{}
	if err := older.Tenant(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	if older.Workspace != first.Workspace || older.APIKey != first.APIKey || older.Orders.ID == first.Orders.ID {
		t.Errorf("a folder without a client has become %+v, of %+v", older, first)
	}
	p, err := accounts.Authenticate(t.Context(), first.APIKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []state.Client{first.Orders, older.Orders} {
		tok, err := accounts.Exchange(t.Context(), c.ID, c.Secret, "read write")
		if err != nil {
			t.Fatalf("Exchange: %v", err)
		}
		of, _, err := accounts.AuthenticateToken(t.Context(), tok.Secret)
		if diff := cmp.Diff(p.Workspaces(), of.Workspaces()); err != nil || diff != "" {
			t.Errorf("workspaces of the client, %v (-key +client):\n%s", err, diff)
		}
	}
	broken := state.Settings{APIKey: "sk_live_1", Workspace: "nowhere"}
	if err := broken.Tenant(t.Context(), accounts); err == nil {
		t.Error("settings with a workspace that is none: no error")
	}
}
