package account_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// desk is a workspace on a table whose clock the test moves, seen from two processes.
type desk struct {
	*account.Service                  // the process that changes things
	other            *account.Service // one that has cached what it read
	table            table.Table
	now              func() time.Time
	advance          func(time.Duration)
	w                id.Workspace
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	c := domaintest.NewClock()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return newDeskOn(t, db, c.Now, c.Advance)
}

func newDeskOn(t testing.TB, tab table.Table, now func() time.Time, advance func(time.Duration)) *desk {
	t.Helper()
	o := account.Options{Now: now}
	d := &desk{Service: account.New(tab, o), other: account.New(tab, o), table: tab, now: now, advance: advance}
	d.w = mustWorkspace(t, d.Service, "w").ID
	return d
}

// onBothDesks runs a test on SQLite and on DynamoDB Local.
func onBothDesks(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Run("sqlite", func(t *testing.T) { f(t, newDesk(t)) })
	t.Run("dynamo", func(t *testing.T) {
		db := dynamotest.Open(t, schema.Indexes()...)
		c := domaintest.NewClock()
		c.Advance(time.Since(c.Now()).Truncate(time.Millisecond)) // the table's own clock is the machine's
		f(t, newDeskOn(t, db, c.Now, func(by time.Duration) { c.Advance(by); db.Advance(by) }))
	})
}

// mustClient is a new client of the desk's workspace, with its secret.
func (d *desk) mustClient(t testing.TB, scopes ...account.Scope) (secret string, c account.Client) {
	t.Helper()
	secret, c, err := d.IssueClient(t.Context(), "a client", d.w, account.ClientSpec{Scopes: scopes})
	if err != nil {
		t.Fatalf("IssueClient: %v", err)
	}
	return secret, c
}

func (d *desk) mustExchange(t testing.TB, c account.Client, secret, scope string) account.Token {
	t.Helper()
	tok, err := d.Exchange(t.Context(), c.ID.String(), secret, scope)
	if err != nil {
		t.Fatalf("Exchange: %v", err)
	}
	return tok
}

// mustKnow complains unless both processes take a token; from then on both have it cached.
func (d *desk) mustKnow(t testing.TB, token string) {
	t.Helper()
	for _, s := range []*account.Service{d.Service, d.other} {
		if _, _, err := s.AuthenticateToken(t.Context(), token); err != nil {
			t.Fatalf("AuthenticateToken: %v", err)
		}
	}
}
