package asset_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/tabletest"
)

func TestGetFindsAnAssetAmongWorkspacesWithItsTag(t *testing.T) {
	h := newHouse(t)
	twin := h.mustTwin(t, h.w)
	if twin.Tag() != h.w.Tag() || twin == h.w {
		t.Fatalf("%s and %s are no twins", twin, h.w)
	}
	mine, theirs := h.mustAddTo(t, h.w, "mine"), h.mustAddTo(t, twin, "theirs")
	both := access.Principal{Key: h.owner.Key, Grants: map[id.Workspace]access.Role{h.w: access.Viewer, twin: access.Owner}}
	gone := access.Principal{Key: h.owner.Key, Grants: map[id.Workspace]access.Role{h.w: access.Owner, id.Workspace(id.In(h.w, time.Now())): access.Owner}}
	for _, tt := range []struct {
		name string
		who  access.Principal
		do   access.Action
		a    asset.Asset
		want fault.Kind // Internal: none
	}{
		{"of the first workspace", both, access.ReadAsset, mine, fault.Internal},
		{"of the second workspace", both, access.ReadAsset, theirs, fault.Internal},
		{"the role counts where the asset is, not where its tag is too", both, access.DeleteAsset, mine, fault.Forbidden},
		{"and so does a right", both, access.DeleteAsset, theirs, fault.Internal},
		{"a workspace with the same tag opens no door", grant(access.Owner, twin), access.ReadAsset, mine, fault.NotFound},
		{"neither does it the other way round", grant(access.Owner, h.w), access.ReadAsset, theirs, fault.NotFound},
		{"a twin that never was does not hide the asset", gone, access.ReadAsset, mine, fault.Internal},
		{"another tag", h.stranger, access.ReadAsset, mine, fault.NotFound},
		{"nobody", access.Principal{}, access.ReadAsset, mine, fault.NotFound},
		{"a viewer may not delete", h.viewer, access.DeleteAsset, mine, fault.Forbidden},
		{"a viewer may not complete", h.viewer, access.CompleteAsset, mine, fault.Forbidden},
		{"a viewer may read", h.viewer, access.ReadAsset, mine, fault.Internal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Allowed(t.Context(), tt.who, tt.do, tt.a.ID)
			if tt.want != fault.Internal {
				domaintest.WantKind(t, "Allowed", err, tt.want)
				return
			}
			if err != nil {
				t.Fatalf("Allowed: %v", err)
			}
			if diff := cmp.Diff(tt.a, got); diff != "" {
				t.Errorf("asset (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAForeignAssetLooksLikeOneThatNeverWas(t *testing.T) {
	h := newHouse(t)
	a := h.mustAdd(t, "a")
	_, foreign := h.Get(t.Context(), h.stranger, a.ID)
	_, never := h.Get(t.Context(), h.owner, id.NewAsset(h.w, h.clock.Now()))
	domaintest.WantKind(t, "a foreign asset", foreign, fault.NotFound)
	domaintest.WantKind(t, "an asset that never was", never, fault.NotFound)
	if foreign.Error() != never.Error() {
		t.Errorf("a foreign asset answers %q, one that never was %q", foreign, never)
	}
}

func TestFindAllKeepsTheOrderAndLeavesOutWhatIsMissing(t *testing.T) {
	h := newHouse(t)
	var ids []id.Asset
	var want []asset.Asset
	for i := range 230 { // more than two batches
		if i%3 == 1 {
			ids = append(ids, id.NewAsset(h.w, h.clock.Now()))
			continue
		}
		a := h.mustAdd(t, "a")
		ids, want = append(ids, a.ID), append(want, a)
	}
	got, err := h.FindAll(t.Context(), h.w, ids)
	if err != nil {
		t.Fatalf("FindAll: %v", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}
	if got, err := h.FindAll(t.Context(), h.w, nil); err != nil || len(got) != 0 {
		t.Errorf("FindAll of nothing = %v, %v", got, err)
	}
	_, err = h.FindAll(t.Context(), id.NewWorkspace(time.Now()), ids)
	domaintest.WantKind(t, "FindAll in a workspace that never was", err, fault.NotFound)
}

func TestGetIsNotFoundOnlyWhenTheTableSaysSo(t *testing.T) {
	h := newHouse(t)
	a := h.mustAdd(t, "a")
	faulty := tabletest.Faulty(h.db)
	s := h.on(faulty, asset.Options{})
	for want, f := range map[fault.Kind]tabletest.Fault{fault.Throttled: tabletest.Throttle, fault.Unavailable: tabletest.LoseCall} {
		faulty.Script(func(tabletest.Call) tabletest.Fault { return f })
		_, err := s.Get(t.Context(), h.owner, a.ID)
		domaintest.WantKind(t, "Get", err, want)
		domaintest.WantKind(t, "Delete", s.Delete(t.Context(), h.owner, a.ID), want)
	}
	broken := h.on(domaintest.Broken{Err: errors.New("disk on fire")}, asset.Options{})
	_, err := broken.Get(t.Context(), h.owner, a.ID)
	domaintest.WantKind(t, "Get on a broken table", err, fault.Internal)
}
