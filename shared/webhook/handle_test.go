package webhook_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/webhook"
)

func TestAnEventIsSentOnceToEveryWebhookThatWantsIt(t *testing.T) {
	h := newHouse(t)
	all := h.mustCreate(t, "https://all.example/")
	ready := h.mustCreate(t, "https://ready.example/", bus.AssetReady)
	deleted := h.mustCreate(t, "https://deleted.example/", bus.AssetDeleted, bus.AssetFailed)
	off := h.mustCreate(t, "https://off.example/")
	no := false
	if _, err := h.Update(t.Context(), h.owner, h.w, off.ID, webhook.Change{Enabled: &no}, 0); err != nil {
		t.Fatal(err)
	}
	e := h.event(h.newAsset(), bus.AssetReady, 2)
	for range 3 { // the queue may deliver again
		h.mustHandle(t, e)
	}
	for _, tt := range []struct {
		wh   webhook.Webhook
		want []int64
	}{{all, []int64{2}}, {ready, []int64{2}}, {deleted, nil}, {off, nil}} {
		if diff := cmp.Diff(tt.want, h.versions(tt.wh.URL)); diff != "" {
			t.Errorf("%s got (-want +got):\n%s", tt.wh.URL, diff)
		}
	}
	d := h.only(t, all.ID)
	if d.State != webhook.Delivered || d.Attempts != 1 || d.Status != 200 || d.Event != e.Detail.ID || !d.NextAt().IsZero() || d.Failure != "" {
		t.Errorf("the delivery is %+v", d)
	}
	if n := h.dueRows(t); n != 0 {
		t.Errorf("%d due rows are left, want none", n)
	}
}

func TestWhatIsSentIsTheEventAsTheBusHasIt(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, address)
	e := h.event(h.newAsset(), bus.AssetReady, 2)
	h.mustHandle(t, e)
	var got struct {
		Type      string
		Timestamp time.Time
		Data      bus.Detail
	}
	req := h.requests()[0]
	if err := json.Unmarshal([]byte(req.body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "asset.ready" || !got.Timestamp.Equal(e.Time) {
		t.Errorf("body is of %s at %v, want asset.ready at %v", got.Type, got.Timestamp, e.Time)
	}
	if diff := cmp.Diff(e.Detail, got.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	if req.headers["content-type"] != "application/json" || req.headers[webhook.HeaderID] != e.Detail.ID {
		t.Errorf("headers are %v", req.headers)
	}
}

func TestWhatIsNotForClientsIsNotSent(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	for _, ty := range []bus.Type{"import.requested", "webhook.test", "", "asset.exploded"} {
		h.mustHandle(t, h.event(h.newAsset(), ty, 1))
	}
	if n, ds := len(h.requests()), h.deliveries(t, wh.ID); n > 0 || len(ds) > 0 {
		t.Errorf("%d requests and deliveries %v, want none", n, ds)
	}
	broken := h.event(h.newAsset(), bus.AssetReady, 1)
	broken.Detail.Workspace = "ws_1"
	if err := h.Handle(t.Context(), broken); err == nil {
		t.Error("an event of no workspace gave no error")
	}
}

func TestAnEventOfAnotherWorkspaceStaysThere(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, address)
	e := h.event(h.newAsset(), bus.AssetReady, 1)
	e.Detail.Workspace = h.stranger.Workspaces()[0].String()
	h.mustHandle(t, e)
	if n := len(h.requests()); n > 0 {
		t.Errorf("%d requests, want none", n)
	}
}

// The price of an event: what README and DESIGN state.
func TestWhatAnEventCosts(t *testing.T) {
	for _, tt := range []struct {
		name        string
		webhooks    int
		status      int
		read, write float64
		requests    int
	}{
		{"no webhook", 0, 200, 1, 0, 1},
		{"one webhook, taken at once", 1, 200, 1, 8, 6},
		{"two webhooks, taken at once", 2, 200, 1, 16, 11},
		{"one webhook, to be tried again", 1, 500, 1, 4 + 1 + 6 + 1, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBothDrivers(t, func(t *testing.T, h *house) {
				for range tt.webhooks {
					h.mustCreate(t, address)
				}
				h.says(tt.status)
				e := h.event(h.newAsset(), bus.AssetReady, 2)
				read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
					if err := h.Handle(ctx, e); err != nil {
						t.Error(err)
					}
				})
				if read != tt.read || write != tt.write || requests != tt.requests {
					t.Errorf("Handle cost %v read and %v write units in %d requests, want %v, %v, %d", read, write, requests, tt.read, tt.write, tt.requests)
				}
			})
		})
	}
}

func TestAnOlderVersionIsNotSentAfterALaterOne(t *testing.T) {
	for _, tt := range []struct {
		name         string
		status       int // of the answer to version 3
		first, later webhook.State
	}{
		{"that was taken", 200, webhook.Delivered, webhook.Superseded},
		{"that was not taken, but may have been read", 500, webhook.Pending, webhook.Superseded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			wh := h.mustCreate(t, address)
			a := h.newAsset()
			h.says(tt.status)
			h.mustHandle(t, h.event(a, bus.AssetDeleted, 3))
			h.says(200)
			h.mustHandle(t, h.event(a, bus.AssetReady, 2))
			h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2)) // another asset has an order of its own
			if diff := cmp.Diff([]int64{3, 2}, h.versions(wh.URL)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			states := map[string]webhook.State{}
			for _, d := range h.deliveries(t, wh.ID) {
				states[d.Event] = d.State
			}
			if states[a.String()+":3"] != tt.first || states[a.String()+":2"] != tt.later {
				t.Errorf("states are %v, want %s and %s", states, tt.first, tt.later)
			}
		})
	}
}

func TestAVersionWaitsWhileAnotherIsOnItsWay(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	a := h.newAsset()
	nested := false
	h.during = func() {
		if !nested {
			nested = true
			h.mustHandle(t, h.event(a, bus.AssetDeleted, 3))
		}
	}
	h.mustHandle(t, h.event(a, bus.AssetReady, 2))
	if diff := cmp.Diff([]int64{2}, h.versions(wh.URL)); diff != "" {
		t.Errorf("sent at first (-want +got):\n%s", diff)
	}
	h.mustDue(t)
	if n := len(h.requests()); n != 1 {
		t.Errorf("%d requests before the waiting one is due, want 1", n)
	}
	h.clock.Advance(time.Minute)
	h.mustDue(t)
	if diff := cmp.Diff([]int64{2, 3}, h.versions(wh.URL)); diff != "" {
		t.Errorf("sent at last (-want +got):\n%s", diff)
	}
	for _, d := range h.deliveries(t, wh.ID) {
		if d.State != webhook.Delivered || d.Attempts != 1 {
			t.Errorf("delivery %+v, want it delivered by one attempt", d)
		}
	}
	if h.clash || h.dueRows(t) != 0 {
		t.Errorf("two at once: %t, %d due rows; want neither", h.clash, h.dueRows(t))
	}
}

func TestAnAttemptThatIsCutOffIsFollowed(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	ctx, cancel := context.WithCancel(t.Context())
	h.during = cancel
	if err := h.Handle(ctx, h.event(h.newAsset(), bus.AssetReady, 2)); err == nil {
		t.Fatal("a Handle that was cut off gave no error")
	}
	h.during = nil
	h.mustDue(t)
	if d := h.only(t, wh.ID); d.State != webhook.Pending || len(h.requests()) != 1 {
		t.Errorf("under the lease the delivery is %s after %d requests, want it pending after 1", d.State, len(h.requests()))
	}
	h.clock.Advance(time.Minute)
	if n := h.mustDue(t); n != 1 {
		t.Errorf("Due took %d, want 1", n)
	}
	if d := h.only(t, wh.ID); d.State != webhook.Delivered || d.Attempts != 2 {
		t.Errorf("the delivery is %+v, want it delivered by the second attempt", d)
	}
}

func TestEveryAttemptThatIsNotTakenIsToldOf(t *testing.T) {
	h := newHouse(t)
	h.mustCreate(t, "https://one.example/")
	h.mustCreate(t, "https://two.example/")
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	if n := h.failures.Load(); n != 0 {
		t.Errorf("%d attempts that were taken are told of", n)
	}
	e := h.event(h.newAsset(), bus.AssetReady, 2)
	for i, status := range []int{500, 0} {
		h.says(status)
		h.mustHandle(t, e) // again is no attempt
		if n := h.failures.Load(); n != 2 {
			t.Errorf("after delivery %d of the event %d failures are told of, want 2: one for each webhook", i+1, n)
		}
	}
	h.clock.Advance(2 * time.Minute)
	h.mustDue(t)
	if n := h.failures.Load(); n != 4 {
		t.Errorf("after the second attempts %d failures are told of, want 4", n)
	}
}
