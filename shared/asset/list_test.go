package asset_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestListIsNewestFirstInFullPages(t *testing.T) {
	h := newHouse(t)
	for i := range 7 {
		h.mustAdd(t, fmt.Sprint("a", i))
	}
	for _, tt := range []struct {
		name  string
		limit int
		want  [][]string
	}{
		{"pages of three", 3, [][]string{{"a6", "a5", "a4"}, {"a3", "a2", "a1"}, {"a0"}}},
		{"one page that is exactly full", 7, [][]string{{"a6", "a5", "a4", "a3", "a2", "a1", "a0"}}},
		{"one page with room left", 100, [][]string{{"a6", "a5", "a4", "a3", "a2", "a1", "a0"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := names(walk(t, lister(t, h.Service, h.viewer), asset.Query{Workspace: h.w, Limit: tt.limit}))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a workspace without assets", func(t *testing.T) {
		if got := walk(t, lister(t, h.Service, h.stranger), asset.Query{Limit: 1}); got != nil {
			t.Errorf("the empty list gave %v", names(got))
		}
	})
	t.Run("a key without workspaces", func(t *testing.T) {
		if got := walk(t, lister(t, h.Service, access.Principal{}), asset.Query{Limit: 1}); got != nil {
			t.Errorf("the list of nobody gave %v", names(got))
		}
	})
}

func TestListShowsAssetsInEveryState(t *testing.T) {
	h := newHouse(t)
	var want []asset.Asset
	for _, state := range []asset.State{asset.Pending, asset.Ready, asset.Failed} {
		h.clock.Advance(time.Millisecond)
		a := h.pending(t, h.w)
		a.State = state
		h.mustPut(t, a)
		want = append(want, a)
	}
	pg, err := h.List(t.Context(), h.viewer, asset.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(newestFirst(want), pg.Assets); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestEveryLimitShowsEachAssetOfAllShardsOnce(t *testing.T) {
	h := newHouse(t)
	second, third := h.mustWorkspace(t), h.mustTwin(t, h.w)
	p := grant(access.Viewer, h.w, second, third)
	var want []asset.Asset
	for i := range 33 {
		switch i { // before, between and after two splits
		case 10:
			h.mustSplit(t, h.w, 2)
		case 25:
			h.mustSplit(t, h.w, 4)
			h.mustSplit(t, second, 2)
		}
		a := h.mustAddTo(t, []id.Workspace{h.w, second, third}[i%3], fmt.Sprint("a", i))
		want = append(want, a)
	}
	same := h.pending(t, third) // one id in two workspaces, as only chance could make it
	same.ID = want[27].ID
	h.mustPut(t, same)
	want = newestFirst(append(want, same))
	for limit := 1; limit <= page.MaxLimit; limit++ {
		var got []asset.Asset
		pages := walk(t, lister(t, h.Service, p), asset.Query{Limit: limit})
		for i, pg := range pages {
			if got = append(got, pg...); len(pg) != limit && i < len(pages)-1 {
				t.Errorf("limit %d: page %d has %d assets", limit, i, len(pg))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

// mustSplit splits a workspace and lets the time pass at which that begins.
func (h *house) mustSplit(t testing.TB, w id.Workspace, count int) {
	t.Helper()
	if _, err := h.accounts.Split(t.Context(), w, count); err != nil {
		t.Fatalf("Split: %v", err)
	}
	h.clock.Advance(account.ShardLead + time.Second)
}

func TestListOfAProject(t *testing.T) {
	h := newHouse(t)
	var all []asset.Asset
	for i := range 30 {
		all = append(all, h.mustAdd(t, fmt.Sprint("a", i)))
	}
	pr := h.mustProject(t, all...)
	h.mustProject(t, all[3])
	for _, a := range all[5:25] { // their rows on the project outlive them until the clean-up has run
		if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name  string
		query asset.Query
		want  [][]string
	}{
		{"pages are filled across deleted assets", asset.Query{Project: pr, Limit: 4}, [][]string{{"a29", "a28", "a27", "a26"}, {"a25", "a4", "a3", "a2"}, {"a1", "a0"}}},
		{"one at a time", asset.Query{Project: pr, Limit: 1}, [][]string{{"a29"}, {"a28"}, {"a27"}, {"a26"}, {"a25"}, {"a4"}, {"a3"}, {"a2"}, {"a1"}, {"a0"}}},
		{"a page that ends where only deleted ones follow", asset.Query{Project: pr, Limit: 5}, [][]string{{"a29", "a28", "a27", "a26", "a25"}, {"a4", "a3", "a2", "a1", "a0"}}},
		{"with its workspace named", asset.Query{Project: pr, Workspace: h.w, Limit: 100}, [][]string{{"a29", "a28", "a27", "a26", "a25", "a4", "a3", "a2", "a1", "a0"}}},
		{"searched", asset.Query{Project: pr, Search: "a2", Limit: 100}, [][]string{{"a29", "a28", "a27", "a26", "a25", "a2"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, names(walk(t, lister(t, h.Service, h.viewer), tt.query))); diff != "" {
				t.Errorf("pages (-want +got):\n%s", diff)
			}
		})
	}
	for _, a := range append(all[:5:5], all[25:]...) {
		if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := walk(t, lister(t, h.Service, h.viewer), asset.Query{Project: pr, Limit: 3}); got != nil {
		t.Errorf("the project whose assets are all deleted lists %v", names(got))
	}
}

func TestListHidesWhatTheCallerMayNotSee(t *testing.T) {
	h := newHouse(t)
	twin := h.mustTwin(t, h.w)
	pr := h.mustProject(t, h.mustAdd(t, "a"))
	both := grant(access.Viewer, h.w, twin)
	for _, tt := range []struct {
		name string
		who  access.Principal
		q    asset.Query
	}{
		{"a workspace of others", h.stranger, asset.Query{Workspace: h.w}},
		{"a workspace that never was", grant(access.Owner, id.NewWorkspace(time.Now())), asset.Query{}},
		{"a project of others", h.stranger, asset.Query{Project: pr}},
		{"a project that never was", h.viewer, asset.Query{Project: id.NewProject(h.w, time.Now())}},
		{"a project with another workspace's id", both, asset.Query{Project: pr, Workspace: twin}},
		{"a project seen from a workspace with the same tag", grant(access.Owner, twin), asset.Query{Project: pr}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Limit = 10
			pg, err := h.List(t.Context(), tt.who, tt.q)
			domaintest.WantKind(t, "List", err, fault.NotFound)
			if len(pg.Assets) > 0 {
				t.Errorf("the refusal came with %d assets", len(pg.Assets))
			}
		})
	}
	t.Run("a project is found among workspaces with the same tag", func(t *testing.T) {
		pg, err := h.List(t.Context(), both, asset.Query{Project: pr, Limit: 10})
		if err != nil || len(pg.Assets) != 1 {
			t.Errorf("List gave %d assets, %v, want 1", len(pg.Assets), err)
		}
	})
}

func TestACursorOpensOnlyItsOwnList(t *testing.T) {
	h := newHouse(t)
	other := h.mustWorkspace(t)
	p := grant(access.Viewer, h.w, other)
	pr := h.mustProject(t, h.mustAdd(t, "sun a"), h.mustAdd(t, "sun b"), h.mustAdd(t, "sun c"))
	pr2 := h.mustProject(t)
	queries := map[string]asset.Query{
		"all workspaces":      {},
		"one workspace":       {Workspace: h.w},
		"another workspace":   {Workspace: other},
		"a project":           {Project: pr},
		"another project":     {Project: pr2},
		"project, workspace":  {Project: pr, Workspace: h.w},
		"a search":            {Search: "sun"},
		"the same in capital": {Search: "SUN"},
		"a workspace's":       {Workspace: h.w, Search: "sun"},
	}
	for from, q := range queries {
		q.Limit = 1
		pg, err := h.List(t.Context(), p, q)
		if err != nil {
			t.Fatalf("List(%s): %v", from, err)
		}
		if pg.Next == "" {
			continue // the empty ones
		}
		for to, q := range queries {
			q.Limit, q.Cursor = 1, pg.Next
			_, err := h.List(t.Context(), p, q)
			if from == to && err != nil {
				t.Errorf("the cursor of %s does not open its own list: %v", from, err)
			}
			if from != to {
				wantField(t, fmt.Sprintf("the cursor of %s given to %s", from, to), err, "cursor")
			}
		}
		foreign := asset.New(h.db, h.accounts, page.NewSealer(secret.NewRoot()), asset.Options{Now: h.clock.Now})
		q.Cursor = pg.Next
		_, err = foreign.List(t.Context(), p, q)
		wantField(t, "the cursor of "+from+" given to another installation", err, "cursor")
	}
}

func TestACursorGoesOnWithAnotherLimitAndKey(t *testing.T) {
	h := newHouse(t)
	for i := range 5 {
		h.mustAdd(t, fmt.Sprint("a", i))
	}
	first, err := h.List(t.Context(), h.owner, asset.Query{Workspace: h.w, Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := h.List(t.Context(), h.viewer, asset.Query{Workspace: h.w, Limit: 100, Cursor: first.Next})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"a2", "a1", "a0"}}, names([][]asset.Asset{rest.Assets})); diff != "" || rest.Next != "" {
		t.Errorf("the rest (-want +got):\n%s, next %q", diff, rest.Next)
	}
	_, err = h.List(t.Context(), h.stranger, asset.Query{Workspace: h.w, Limit: 2, Cursor: first.Next})
	domaintest.WantKind(t, "a good cursor in the hands of a stranger", err, fault.NotFound)
}

func TestListRefuses(t *testing.T) {
	h := newHouse(t)
	h.mustAdd(t, "a")
	h.mustAdd(t, "b")
	pg, err := h.List(t.Context(), h.viewer, asset.Query{Limit: 1})
	if err != nil || pg.Next == "" {
		t.Fatalf("List = next %q, %v", pg.Next, err)
	}
	for _, tt := range []struct {
		name  string
		q     asset.Query
		field string
	}{
		{"a limit of 0", asset.Query{}, "limit"},
		{"a limit of -1", asset.Query{Limit: -1}, "limit"},
		{"a limit of 101", asset.Query{Limit: 101}, "limit"},
		{"a cursor that is made up", asset.Query{Limit: 1, Cursor: "abc"}, "cursor"},
		{"a cursor that is cut", asset.Query{Limit: 1, Cursor: pg.Next[:len(pg.Next)-1]}, "cursor"},
		{"a cursor with a space behind it", asset.Query{Limit: 1, Cursor: pg.Next + " "}, "cursor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.List(t.Context(), h.viewer, tt.q)
			wantField(t, "List", err, tt.field)
		})
	}
}

// wantField complains unless err blames exactly one field.
func wantField(t testing.TB, what string, err error, field string) {
	t.Helper()
	f, ok := err.(*fault.Error)
	if !ok || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != field {
		t.Errorf("%s: got %v, want %s refused", what, err, field)
	}
}

func TestAListFailsAsAWholeWhenOnePartitionDoes(t *testing.T) {
	h := newHouse(t)
	ws := []id.Workspace{h.w, h.mustWorkspace(t), h.mustWorkspace(t)}
	for _, w := range ws {
		h.mustAddTo(t, w, "a")
	}
	faulty := tabletest.Faulty(h.db)
	s := h.on(faulty, asset.Options{})
	for nth := 1; nth <= len(ws); nth++ {
		calls := 0
		faulty.Script(func(c tabletest.Call) tabletest.Fault {
			if c.Verb != tabletest.VerbQuery {
				return tabletest.None
			}
			if calls++; calls == nth {
				return tabletest.Throttle
			}
			return tabletest.None
		})
		pg, err := s.List(t.Context(), grant(access.Viewer, ws...), asset.Query{Limit: 10})
		domaintest.WantKind(t, fmt.Sprintf("List with query %d throttled", nth), err, fault.Throttled)
		if len(pg.Assets) > 0 {
			t.Errorf("the failed list came with %d assets", len(pg.Assets))
		}
	}
}

func TestAProjectListDoesNotTakeAFailureForADeletion(t *testing.T) {
	h := newHouse(t)
	pr := h.mustProject(t, h.mustAdd(t, "a"))
	faulty := tabletest.Faulty(h.db)
	faulty.Script(func(c tabletest.Call) tabletest.Fault {
		if c.Verb == tabletest.VerbBatchGet {
			return tabletest.LoseCall
		}
		return tabletest.None
	})
	_, err := h.on(faulty, asset.Options{}).List(t.Context(), h.viewer, asset.Query{Project: pr, Limit: 10})
	domaintest.WantKind(t, "List", err, fault.Unavailable)
}
