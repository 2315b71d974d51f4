package folder_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// house is a service on a fresh table, a workspace, and a key of each role in it.
type house struct {
	*folder.Service
	table                 table.Table
	w                     id.Workspace
	owner, editor, viewer access.Principal
	stranger              access.Principal // owner of another workspace
}

func newHouse(t testing.TB) house {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatalf("open table: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close table: %v", err)
		}
	})
	w := id.NewWorkspace(time.Now())
	as := func(w id.Workspace, r access.Role) access.Principal {
		return access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{w: r}}
	}
	return house{
		Service: folder.New(db, folder.Options{}), table: db, w: w,
		owner: as(w, access.Owner), editor: as(w, access.Editor), viewer: as(w, access.Viewer),
		stranger: as(id.NewWorkspace(time.Now()), access.Owner),
	}
}

func (h house) mustCreate(t testing.TB, title string) folder.Folder {
	t.Helper()
	f, err := h.Create(t.Context(), h.editor, h.w, title)
	if err != nil {
		t.Fatalf("Create(%q): %v", title, err)
	}
	return f
}

// rows counts the rows of the workspace whose sort keys begin with prefix.
func (h house) rows(t testing.TB, prefix string) int {
	t.Helper()
	page, err := h.table.Query(t.Context(), table.Query{
		PK: h.w.String(), From: prefix, To: schema.AfterPrefix(prefix), Limit: table.MaxQuery,
	})
	if err != nil {
		t.Fatalf("count rows: %v", err)
	}
	return len(page.Items)
}

func wantKind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("%s: got error %v, want kind %q", what, err, want)
	}
}

// spent runs f and gives what it consumed.
func spent(t testing.TB, f func(context.Context)) (read, write float64, requests int) {
	t.Helper()
	ctx, m := table.WithMeter(t.Context())
	f(ctx)
	return m.Spent()
}

// repeating does every transaction twice and gives the second answer: a driver whose first answer was lost.
type repeating struct{ table.Table }

func (r repeating) Transact(ctx context.Context, ws []table.Write) error {
	if err := r.Table.Transact(ctx, ws); err != nil {
		return err
	}
	return r.Table.Transact(ctx, ws)
}

// contending refuses the first transactions as if others were writing the same items.
type contending struct {
	table.Table
	mu    sync.Mutex
	times int
}

func (c *contending) Transact(ctx context.Context, ws []table.Write) error {
	c.mu.Lock()
	refuse := c.times > 0
	c.times--
	c.mu.Unlock()
	if !refuse {
		return c.Table.Transact(ctx, ws)
	}
	e := &table.TransactError{Reasons: make([]table.Reason, len(ws)), Current: make([]table.Item, len(ws))}
	e.Reasons[0] = table.Contended
	return e
}

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}
