package asset_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestDeleteIsRememberedAndMayBeRepeated(t *testing.T) {
	h := newHouse(t)
	a, stays := h.mustAdd(t, "a"), h.mustAdd(t, "stays")
	for i := range 3 {
		if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
			t.Fatalf("delete %d: %v", i+1, err)
		}
		_, err := h.Get(t.Context(), h.owner, a.ID)
		domaintest.WantKind(t, "Get after Delete", err, fault.NotFound)
	}
	if w, err := h.Gone(t.Context(), a.ID); err != nil || w != h.w {
		t.Errorf("Gone = %s, %v, want %s", w, err, h.w)
	}
	pg, err := h.List(t.Context(), h.owner, asset.Query{Limit: 10})
	if err != nil || len(pg.Assets) != 1 || pg.Assets[0].ID != stays.ID {
		t.Errorf("after the delete the list is %v, %v", names([][]asset.Asset{pg.Assets}), err)
	}
}

func TestADeletedAssetIsForgottenInTheEnd(t *testing.T) {
	h := newHouse(t)
	a := h.mustAdd(t, "a")
	if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(asset.RememberDeleted - 2*time.Second)
	if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
		t.Errorf("repeated within %v: %v", asset.RememberDeleted, err)
	}
	h.clock.Advance(4 * time.Second)
	domaintest.WantKind(t, "repeated later", h.Delete(t.Context(), h.owner, a.ID), fault.NotFound)
	_, err := h.Gone(t.Context(), a.ID)
	domaintest.WantKind(t, "Gone later", err, fault.NotFound)
}

func TestDeleteRefuses(t *testing.T) {
	h := newHouse(t)
	twin := h.mustTwin(t, h.w)
	a, deleted := h.mustAdd(t, "a"), h.mustAdd(t, "deleted")
	if err := h.Delete(t.Context(), h.owner, deleted.ID); err != nil {
		t.Fatal(err)
	}
	before := h.everything(t)
	for _, tt := range []struct {
		name string
		who  access.Principal
		a    id.Asset
		want fault.Kind
	}{
		{"a viewer", h.viewer, a.ID, fault.Forbidden},
		{"a stranger", h.stranger, a.ID, fault.NotFound},
		{"the owner of a workspace with the same tag", grant(access.Owner, twin), a.ID, fault.NotFound},
		{"a viewer, of what is deleted", h.viewer, deleted.ID, fault.Forbidden},
		{"a stranger, of what is deleted", h.stranger, deleted.ID, fault.NotFound},
		{"the owner of a workspace with the same tag, of what is deleted", grant(access.Owner, twin), deleted.ID, fault.NotFound},
		{"the owner, of what never was", h.owner, id.NewAsset(h.w, h.clock.Now()), fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			domaintest.WantKind(t, "Delete", h.Delete(t.Context(), tt.who, tt.a), tt.want)
			if after := h.everything(t); after != before {
				t.Errorf("the refused delete made %d changes", after-before)
			}
		})
	}
}

// everything counts the changes of the table so far.
func (h *house) everything(t testing.TB) int {
	t.Helper()
	cs, _, err := h.db.Changes(t.Context(), "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return len(cs)
}

// meddling is a table on which somebody else changes an asset right before a transaction, a number of times.
type meddling struct {
	table.Table
	asset asset.Asset
	times int
}

func (m *meddling) Transact(ctx context.Context, ws []table.Write) error {
	if m.times > 0 {
		m.times--
		edit := table.Add(schema.Version, table.Int(1))
		if _, err := m.Table.Write(ctx, table.Update(m.asset.Key(), table.Present(), edit)); err != nil {
			return err
		}
	}
	return m.Table.Transact(ctx, ws)
}

func TestDeleteGoesOnAfterOthersWroteFirst(t *testing.T) {
	for _, tt := range []struct {
		name  string
		times int
		want  fault.Kind // Internal: none
	}{
		{"once", 1, fault.Internal},
		{"four times", 4, fault.Internal},
		{"again and again", 100, fault.Throttled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			a := h.mustAdd(t, "a")
			err := h.on(&meddling{h.db, a, tt.times}, asset.Options{}).Delete(t.Context(), h.owner, a.ID)
			_, getErr := h.Get(t.Context(), h.owner, a.ID)
			_, goneErr := h.Gone(t.Context(), a.ID)
			if tt.want != fault.Internal {
				domaintest.WantKind(t, "Delete", err, tt.want)
				domaintest.WantKind(t, "Gone", goneErr, fault.NotFound)
				if getErr != nil {
					t.Errorf("the delete that gave up removed the asset: %v", getErr)
				}
				return
			}
			if err != nil || goneErr != nil {
				t.Errorf("Delete = %v, Gone = %v", err, goneErr)
			}
			domaintest.WantKind(t, "Get", getErr, fault.NotFound)
		})
	}
}

func TestDeletesAtTheSameTimeAllSucceed(t *testing.T) {
	h := newHouse(t)
	a := h.mustAdd(t, "a")
	var mu sync.Mutex
	var errs []error
	domaintest.Together(16, func(int) {
		if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
	})
	if len(errs) > 0 {
		t.Errorf("%d of 16 deletes failed: %v", len(errs), errs)
	}
}

func TestADeleteWhoseAnswerWasLostMayBeRepeated(t *testing.T) {
	t.Run("by the driver", func(t *testing.T) {
		h := newHouse(t)
		a := h.mustAdd(t, "a")
		if err := h.on(domaintest.Repeating{Table: h.db}, asset.Options{}).Delete(t.Context(), h.owner, a.ID); err != nil {
			t.Errorf("Delete: %v", err)
		}
	})
	for name, f := range map[string]tabletest.Fault{"by the client, though it was done": tabletest.LoseAnswer, "by the client, and it was not done": tabletest.LoseCall} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			a := h.mustAdd(t, "a")
			faulty := tabletest.Faulty(h.db)
			faulty.Script(func(c tabletest.Call) tabletest.Fault {
				if c.Verb == tabletest.VerbTransact && c.Nth == 1 {
					return f
				}
				return tabletest.None
			})
			s := h.on(faulty, asset.Options{})
			domaintest.WantKind(t, "the first Delete", s.Delete(t.Context(), h.owner, a.ID), fault.Unavailable)
			if err := s.Delete(t.Context(), h.owner, a.ID); err != nil {
				t.Errorf("the repeated Delete: %v", err)
			}
		})
	}
}
