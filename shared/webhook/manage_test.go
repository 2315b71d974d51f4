package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/webhook"
)

func TestCreate(t *testing.T) {
	h := newHouse(t)
	spec := webhook.Spec{URL: address, Description: "the shop", Events: []bus.Type{bus.AssetReady, bus.AssetDeleted}}
	wh, secret, err := h.Create(t.Context(), h.owner, h.w, spec)
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	want := webhook.Webhook{
		ID: wh.ID, Workspace: h.w, URL: address, Description: "the shop", Events: []bus.Type{bus.AssetDeleted, bus.AssetReady},
		Enabled: true, Epoch: 1, CreatedBy: h.owner.Key, Version: 1,
	}
	if diff := cmp.Diff(want, wh); diff != "" {
		t.Errorf("Create (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, h.get(t, wh.ID)); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	if secret == "" || !wh.CreatedAt().Equal(h.clock.Now()) {
		t.Errorf("secret is empty: %t; created at %v, want %v", secret == "", wh.CreatedAt(), h.clock.Now())
	}
}

func TestCreateRefuses(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		name   string
		who    access.Principal
		spec   webhook.Spec
		want   fault.Kind
		fields []string
	}{
		{"no address", h.owner, webhook.Spec{}, fault.Invalid, []string{"url"}},
		{"an address that the sender refuses", h.owner, webhook.Spec{URL: "http://a.example"}, fault.Invalid, []string{"url"}},
		{"an address of 100 kB", h.owner, webhook.Spec{URL: address + strings.Repeat("x", 100_000)}, fault.Invalid, []string{"url"}},
		{"a type that is not known", h.owner, webhook.Spec{URL: address, Events: []bus.Type{"asset.exploded"}}, fault.Invalid, []string{"events"}},
		{"a type of our own workers", h.owner, webhook.Spec{URL: address, Events: []bus.Type{"import.requested"}}, fault.Invalid, []string{"events"}},
		{"a type twice", h.owner, webhook.Spec{URL: address, Events: []bus.Type{bus.AssetReady, bus.AssetReady}}, fault.Invalid, []string{"events"}},
		{"all of it wrong", h.owner, webhook.Spec{URL: "x", Description: "a\x00b", Events: []bus.Type{""}}, fault.Invalid, []string{"url", "description", "events"}},
		{"an editor", grant(h.w, access.Editor), webhook.Spec{URL: address}, fault.Forbidden, nil},
		{"a viewer", grant(h.w, access.Viewer), webhook.Spec{URL: address}, fault.Forbidden, nil},
		{"a stranger", h.stranger, webhook.Spec{URL: address}, fault.NotFound, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			read, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				_, _, err := h.Create(ctx, tt.who, h.w, tt.spec)
				domaintest.WantKind(t, "Create", err, tt.want)
				var names []string
				for _, f := range fault.FieldsOf(err) {
					names = append(names, f.Name)
				}
				if diff := cmp.Diff(tt.fields, names); diff != "" {
					t.Errorf("refused fields (-want +got):\n%s", diff)
				}
			})
			if read+write != 0 {
				t.Errorf("a refused Create cost %v and %v units, want nothing", read, write)
			}
		})
	}
}

func TestThereAreTenWebhooksAtMost(t *testing.T) {
	h := newHouse(t)
	var made, refused atomic.Int64
	domaintest.Together(16, func(int) {
		for {
			_, _, err := h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
			switch {
			case err == nil:
				made.Add(1)
			case fault.Is(err, fault.Conflict):
				refused.Add(1)
			case fault.Is(err, fault.Throttled):
				continue // it lost to others, and is told to repeat
			default:
				t.Errorf("Create: %v", err)
			}
			return
		}
	})
	if made.Load() != webhook.MaxWebhooks || refused.Load() != 16-webhook.MaxWebhooks {
		t.Fatalf("%d made and %d refused of 16 at once, want %d and the rest", made.Load(), refused.Load(), webhook.MaxWebhooks)
	}
	all, next, err := h.List(t.Context(), h.owner, h.w, "", 100)
	if err != nil || len(all) != webhook.MaxWebhooks || next != "" {
		t.Fatalf("List = %d, cursor %q, %v", len(all), next, err)
	}
	for _, err := range []error{
		h.Delete(t.Context(), h.owner, h.w, all[0].ID),
		h.Delete(t.Context(), h.owner, h.w, all[1].ID),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	domaintest.WantKind(t, "Delete again", h.Delete(t.Context(), h.owner, h.w, all[0].ID), fault.NotFound)
	h.mustCreate(t, address)
	h.mustCreate(t, address)
	_, _, err = h.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
	domaintest.WantKind(t, "the eleventh", err, fault.Conflict)
}

func TestCreateAndUpdateSucceedWhenTheFirstAnswerWasLost(t *testing.T) {
	h := newHouse(t)
	s := h.with(domaintest.Repeating{Table: h.table})
	wh, _, err := s.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	other := "https://other.example/"
	if got, err := s.Update(t.Context(), h.owner, h.w, wh.ID, webhook.Change{URL: &other}, 0); err != nil || got.Version != 2 {
		t.Errorf("Update = %+v, %v, want version 2", got, err)
	}
	h.Service = s
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	if vs := h.versions(other); len(vs) != 1 {
		t.Errorf("an event was sent %d times, want once", len(vs))
	}
	all, _, err := h.List(t.Context(), h.owner, h.w, "", 100)
	if err != nil || len(all) != 1 {
		t.Errorf("List = %v, %v, want the one webhook", all, err)
	}
}

func TestCreateUnderAGivenIdMakesOne(t *testing.T) {
	h := newHouse(t)
	spec := webhook.Spec{ID: id.NewWebhook(h.w, h.clock.Now()), URL: address}
	wh, first, err := h.Create(t.Context(), h.owner, h.w, spec)
	if err != nil || wh.ID != spec.ID || first == "" {
		t.Fatalf("Create = %v, %v, want the webhook %s and its secret", wh, err, spec.ID)
	}
	_, _, err = h.Create(t.Context(), h.owner, h.w, spec)
	domaintest.WantKind(t, "Create again", err, fault.Duplicate)
	for range webhook.MaxWebhooks - 1 {
		h.mustCreate(t, address)
	}
	_, _, err = h.Create(t.Context(), h.owner, h.w, spec)
	domaintest.WantKind(t, "Create again when there are ten", err, fault.Duplicate)
}

func TestUpdate(t *testing.T) {
	h := newHouse(t)
	other, none, yes, no := "https://other.example/", "", true, false
	types := []bus.Type{bus.AssetReady}
	every := []bus.Type{}
	wh := h.mustCreate(t, address)
	for _, tt := range []struct {
		name    string
		change  webhook.Change
		want    func(*webhook.Webhook)
		version int64
	}{
		{"nothing", webhook.Change{}, func(*webhook.Webhook) {}, 1},
		{"the same address", webhook.Change{URL: &wh.URL}, func(*webhook.Webhook) {}, 1},
		{"another address", webhook.Change{URL: &other}, func(w *webhook.Webhook) { w.URL = other }, 2},
		{"fewer types", webhook.Change{Events: &types}, func(w *webhook.Webhook) { w.Events = types }, 3},
		{"all types", webhook.Change{Events: &every}, func(w *webhook.Webhook) { w.Events = nil }, 4},
		{"a description", webhook.Change{Description: &other}, func(w *webhook.Webhook) { w.Description = other }, 5},
		{"no description", webhook.Change{Description: &none}, func(w *webhook.Webhook) { w.Description = "" }, 6},
		{"disabled", webhook.Change{Enabled: &no}, func(w *webhook.Webhook) {
			w.Enabled, w.DisabledAt, w.Reason = false, h.clock.Now(), "It was disabled by request."
		}, 7},
		{"disabled again", webhook.Change{Enabled: &no}, func(*webhook.Webhook) {}, 7},
		{"enabled", webhook.Change{Enabled: &yes}, func(w *webhook.Webhook) { w.Enabled, w.DisabledAt, w.Reason = true, time.Time{}, "" }, 8},
	} {
		before := h.get(t, wh.ID)
		tt.want(&before)
		before.Version = tt.version
		got, err := h.Update(t.Context(), h.owner, h.w, wh.ID, tt.change, h.get(t, wh.ID).Version)
		if err != nil {
			t.Fatalf("%s: Update: %v", tt.name, err)
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("%s: Update (-want +got):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(before, h.get(t, wh.ID)); diff != "" {
			t.Errorf("%s: Get (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestUpdateRefuses(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	private, unknown, off := "https://10.0.0.1/", []bus.Type{"x"}, false
	for _, tt := range []struct {
		name    string
		who     access.Principal
		id      id.Webhook
		change  webhook.Change
		version int64
		want    fault.Kind
	}{
		{"a private address", h.owner, wh.ID, webhook.Change{URL: &private}, 0, fault.Invalid},
		{"an unknown type", h.owner, wh.ID, webhook.Change{Events: &unknown}, 0, fault.Invalid},
		{"a version that has passed", h.owner, wh.ID, webhook.Change{Enabled: &off}, 7, fault.Stale},
		{"an unknown webhook", h.owner, id.NewWebhook(h.w, h.clock.Now()), webhook.Change{Enabled: &off}, 0, fault.NotFound},
		{"an editor", grant(h.w, access.Editor), wh.ID, webhook.Change{Enabled: &off}, 0, fault.Forbidden},
		{"a stranger", h.stranger, wh.ID, webhook.Change{Enabled: &off}, 0, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Update(t.Context(), tt.who, h.w, tt.id, tt.change, tt.version)
			domaintest.WantKind(t, "Update", err, tt.want)
			if diff := cmp.Diff(wh, h.get(t, wh.ID)); diff != "" {
				t.Errorf("a refused Update changed (-was +is):\n%s", diff)
			}
		})
	}
}

func TestOfChangesAtOnceNoneIsLost(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	var mu sync.Mutex
	epochs, secrets, changed := map[int]bool{}, map[string]bool{}, 0
	domaintest.Together(6, func(i int) {
		if i%2 == 0 {
			got, secret, err := h.RotateSecret(t.Context(), h.owner, h.w, wh.ID)
			if err != nil {
				domaintest.WantKind(t, "RotateSecret", err, fault.Throttled)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			epochs[got.Epoch], secrets[secret] = true, true
			return
		}
		mine := fmt.Sprint("changed by ", i)
		if _, err := h.Update(t.Context(), h.owner, h.w, wh.ID, webhook.Change{Description: &mine}, wh.Version); err != nil {
			domaintest.WantKind(t, "Update of a version", err, fault.Stale)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		changed++
	})
	got := h.get(t, wh.ID)
	if got.Epoch != 1+len(epochs) || len(secrets) != len(epochs) {
		t.Errorf("epoch %d after the epochs %v with %d secrets were given", got.Epoch, epochs, len(secrets))
	}
	if changed > 1 || (changed == 1) != (got.Description != "") {
		t.Errorf("%d changes of one version succeeded; the description is %q", changed, got.Description)
	}
}

func TestLists(t *testing.T) {
	h := newHouse(t)
	var made []id.Webhook
	for range 5 {
		made = append(made, h.mustCreate(t, address).ID)
	}
	var found []id.Webhook
	pages := 0
	for cursor := ""; ; pages++ {
		ws, next, err := h.List(t.Context(), h.owner, h.w, cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range ws {
			found = append(found, w.ID)
		}
		if cursor = next; next == "" {
			break
		}
	}
	slices.Reverse(found)
	if diff := cmp.Diff(made, found); diff != "" || pages != 2 {
		t.Errorf("List over %d pages (-want +got):\n%s", pages+1, diff)
	}
	_, _, err := h.List(t.Context(), h.owner, h.w, "", 101)
	domaintest.WantKind(t, "List of 101", err, fault.Invalid)
	_, _, err = h.Deliveries(t.Context(), h.owner, h.w, made[0], "x", 10)
	domaintest.WantKind(t, "a made-up cursor", err, fault.Invalid)
	_, cursor, err := h.List(t.Context(), h.owner, h.w, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = h.Deliveries(t.Context(), h.owner, h.w, made[0], cursor, 10)
	domaintest.WantKind(t, "a cursor of another list", err, fault.Invalid)
	_, _, err = h.Deliveries(t.Context(), h.stranger, h.w, made[0], "", 10)
	domaintest.WantKind(t, "Deliveries for a stranger", err, fault.NotFound)
	_, _, err = h.List(t.Context(), grant(h.w, access.Viewer), h.w, "", 10)
	domaintest.WantKind(t, "List for a viewer", err, fault.Forbidden)
}

func TestDeliveriesAreListedNewestFirst(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	var want []string
	for range 7 {
		h.clock.Advance(time.Second)
		e := h.event(h.newAsset(), bus.AssetReady, 2)
		want = append([]string{e.Detail.ID}, want...)
		h.mustHandle(t, e)
	}
	var got []string
	for cursor := ""; ; {
		ds, next, err := h.Deliveries(t.Context(), h.owner, h.w, wh.ID, cursor, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			got = append(got, d.Event)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Deliveries (-want +got):\n%s", diff)
	}
}

func TestBrokenTableIsAnInternalError(t *testing.T) {
	h := newHouse(t)
	cause := errors.New("disk on fire")
	s := h.with(domaintest.Broken{Err: cause})
	_, _, create := s.Create(t.Context(), h.owner, h.w, webhook.Spec{URL: address})
	_, get := s.Get(t.Context(), h.owner, h.w, id.NewWebhook(h.w, h.clock.Now()))
	_, _, list := s.List(t.Context(), h.owner, h.w, "", 1)
	_, due := s.Due(t.Context())
	for call, err := range map[string]error{
		"Create": create, "Get": get, "List": list, "Due": due,
		"Delete": s.Delete(t.Context(), h.owner, h.w, id.NewWebhook(h.w, h.clock.Now())),
		"Handle": s.Handle(t.Context(), h.event(h.newAsset(), bus.AssetReady, 1)),
		"Remove": s.RemoveDeliveries(t.Context(), id.NewWebhook(h.w, h.clock.Now())),
	} {
		if !errors.Is(err, cause) || !fault.Is(err, fault.Internal) {
			t.Errorf("%s on a broken table gave %v, want an internal error with its cause", call, err)
		}
	}
}
