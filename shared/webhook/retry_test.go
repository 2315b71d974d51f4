package webhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/webhook"
)

func TestTheAttemptsFollowTheTable(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.says(503)
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	last, begun := h.clock.Now(), h.clock.Now()
	for i, wait := range webhook.Waits() {
		step := wait / 40
		for seen := len(h.requests()); len(h.requests()) == seen; h.mustDue(t) {
			h.clock.Advance(step)
			if h.clock.Now().Sub(last) > 2*wait {
				t.Fatalf("attempt %d was not made %v after the one before", i+2, 2*wait)
			}
		}
		if took := h.clock.Now().Sub(last); took < wait-wait/10 || took > wait+wait/10+step {
			t.Errorf("attempt %d came after %v, want %v give or take a tenth", i+2, took, wait)
		}
		last = h.clock.Now()
	}
	d := h.only(t, wh.ID)
	if d.State != webhook.Dead || d.Attempts != webhook.MaxAttempts() || d.Status != 503 || !strings.Contains(d.Failure, "503") {
		t.Errorf("after all attempts the delivery is %+v, want it dead", d)
	}
	if whole := last.Sub(begun); whole < 20*time.Hour || whole > 28*time.Hour {
		t.Errorf("the attempts took %v, want about a day", whole)
	}
	h.clock.Advance(48 * time.Hour)
	if n := h.mustDue(t); n != 0 || len(h.requests()) != webhook.MaxAttempts() {
		t.Errorf("a dead delivery was tried again: %d requests", len(h.requests()))
	}
	if got := h.get(t, wh.ID); got.Failures != 1 || !got.Enabled {
		t.Errorf("the webhook counts %d failures, enabled %t; want 1 and true", got.Failures, got.Enabled)
	}
}

func TestWhatFailedTogetherDoesNotComeBackTogether(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.says(500)
	for range 20 {
		h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	}
	next := map[time.Time]bool{}
	for _, d := range h.deliveries(t, wh.ID) {
		next[d.NextAt()] = true
	}
	if len(next) < 15 {
		t.Errorf("20 deliveries are due at %d different times, want nearly 20", len(next))
	}
}

func TestWhatTheReceiverAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		status  int // 0: none
		state   webhook.State
		enabled bool
		failure string
	}{
		{"200", 200, webhook.Delivered, true, ""},
		{"204 without a body", 204, webhook.Delivered, true, ""},
		{"299", 299, webhook.Delivered, true, ""},
		{"a redirect, which is not followed", 302, webhook.Pending, true, "302"},
		{"404", 404, webhook.Pending, true, "404"},
		{"429", 429, webhook.Pending, true, "429"},
		{"a server that fails", 500, webhook.Pending, true, "500"},
		{"no answer", 0, webhook.Pending, true, "nobody listens"},
		{"410 disables at once", 410, webhook.Dead, false, "410"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			wh := h.mustCreate(t, address)
			h.says(tt.status)
			h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
			d := h.only(t, wh.ID)
			if d.State != tt.state || d.Status != tt.status || !strings.Contains(d.Failure, tt.failure) || (tt.failure == "") != (d.Failure == "") {
				t.Errorf("the delivery is %+v, want %s with %q", d, tt.state, tt.failure)
			}
			got := h.get(t, wh.ID)
			if got.Enabled != tt.enabled || got.DisabledAt.IsZero() != tt.enabled || (got.Reason == "") != tt.enabled {
				t.Errorf("the webhook is %+v, want enabled %t", got, tt.enabled)
			}
			want := 0
			if d.State == webhook.Pending {
				want = 1
			}
			if n := h.dueRows(t); n != want {
				t.Errorf("%d due rows, want %d", n, want)
			}
		})
	}
}

func TestWhatIsKeptOfAFailureTellsNoSecrets(t *testing.T) {
	h := newHouse(t)
	const private = "https://user:pa55@hooks.example/in?token=s3cret"
	wh := h.mustCreate(t, private)
	h.answer = func(u string) (int, error) {
		return 0, &fault.Error{Kind: fault.Unavailable, Message: "Post " + u + ": " + strings.Repeat("é", 300)}
	}
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	f := h.only(t, wh.ID).Failure
	if strings.Contains(f, "s3cret") || strings.Contains(f, "pa55") || len(f) > 210 || !strings.Contains(f, "hooks.example/in") {
		t.Errorf("kept of the failure: %q", f)
	}
}

func TestAWebhookIsDisabledAfterDeadDeliveriesInARow(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	die := func(n int) {
		t.Helper()
		h.says(500)
		for range n {
			h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
		}
		h.runOut(t)
	}
	die(webhook.MaxFailures - 1)
	if got := h.get(t, wh.ID); got.Failures != webhook.MaxFailures-1 || !got.Enabled {
		t.Fatalf("after %d dead deliveries: %d counted, enabled %t", webhook.MaxFailures-1, got.Failures, got.Enabled)
	}
	h.says(200)
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	if got := h.get(t, wh.ID); got.Failures != 0 || got.Version != wh.Version {
		t.Errorf("after one that was taken %d are counted at version %d, want 0 at %d", got.Failures, got.Version, wh.Version)
	}
	die(webhook.MaxFailures)
	got := h.get(t, wh.ID)
	if got.Enabled || got.Failures != webhook.MaxFailures || got.DisabledAt.IsZero() || got.Version != wh.Version+1 {
		t.Fatalf("after %d dead deliveries the webhook is %+v, want it disabled", webhook.MaxFailures, got)
	}
	contains(t, "the reason", got.Reason, "20 deliveries")
	n := len(h.requests())
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	if len(h.requests()) != n {
		t.Error("a disabled webhook was sent to")
	}
	yes := true
	if got, err := h.Update(t.Context(), h.owner, h.w, wh.ID, webhook.Change{Enabled: &yes}, got.Version); err != nil || !got.Enabled || got.Failures != 0 || got.Reason != "" {
		t.Errorf("enabled again it is %+v, %v", got, err)
	}
	h.says(200)
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	if len(h.requests()) != n+1 {
		t.Error("a webhook that was enabled again was not sent to")
	}
}

func TestManyThatDieAtOnceAreAllCounted(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.says(500)
	for range 8 {
		h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	}
	h.runOut(t)
	if got := h.get(t, wh.ID); got.Failures != 8 {
		t.Errorf("%d of 8 dead deliveries are counted", got.Failures)
	}
}

func TestARetryOfADisabledWebhookIsDead(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.says(500)
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	no := false
	if _, err := h.Update(t.Context(), h.owner, h.w, wh.ID, webhook.Change{Enabled: &no}, 0); err != nil {
		t.Fatal(err)
	}
	h.runOut(t)
	if d := h.only(t, wh.ID); d.State != webhook.Dead || !strings.Contains(d.Failure, "disabled") || len(h.requests()) != 1 {
		t.Errorf("the delivery is %+v after %d requests, want it dead after 1", d, len(h.requests()))
	}
	if got := h.get(t, wh.ID); got.Failures != 0 {
		t.Errorf("%d failures are counted, want none", got.Failures)
	}
}

func TestNothingIsSentToADeletedWebhook(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.says(500)
	for range 3 {
		h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	}
	if err := h.Delete(t.Context(), h.owner, h.w, wh.ID); err != nil {
		t.Fatal(err)
	}
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	h.runOut(t)
	if n := len(h.requests()); n != 3 {
		t.Errorf("%d requests, want the 3 from before the deletion", n)
	}
	if rows := h.rowsOf(t, wh.ID); rows != 0 {
		t.Errorf("%d deliveries are left, want none", rows)
	}
}

func TestRemoveDeliveriesRemovesThoseOfOneWebhook(t *testing.T) {
	h := newHouse(t)
	goes, stays := h.mustCreate(t, "https://goes.example/"), h.mustCreate(t, "https://stays.example/")
	h.says(500)
	for range 120 {
		h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	}
	if err := h.Delete(t.Context(), h.owner, h.w, goes.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the stream may deliver twice
		if err := h.RemoveDeliveries(t.Context(), goes.ID); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := h.rowsOf(t, goes.ID), h.rowsOf(t, stays.ID); a != 0 || b != 120 {
		t.Errorf("%d and %d deliveries are left, want 0 and 120", a, b)
	}
	h.clock.Advance(2 * time.Minute)
	h.says(200)
	h.mustDue(t)
	if n := h.dueRows(t); n != 0 {
		t.Errorf("%d due rows are left, want none", n)
	}
	if n := len(h.versions(goes.URL)); n != 120 {
		t.Errorf("the deleted webhook got %d requests, want the 120 from before", n)
	}
}

func TestATest(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address, bus.AssetDeleted)
	no := false
	if _, err := h.Update(t.Context(), h.owner, h.w, wh.ID, webhook.Change{Enabled: &no}, 0); err != nil {
		t.Fatal(err)
	}
	d, err := h.Test(t.Context(), h.owner, h.w, wh.ID)
	if err != nil || d.State != webhook.Delivered || d.Type != webhook.TypeTest || d.Attempts != 1 {
		t.Fatalf("Test = %+v, %v, want it delivered, though the webhook is disabled and wants other types", d, err)
	}
	contains(t, "the body", h.requests()[0].body, `"type":"webhook.test"`, wh.ID.String(), h.w.String(), d.ID.String())
	h.clock.Advance(time.Second)
	h.says(500)
	d, err = h.Test(t.Context(), h.owner, h.w, wh.ID)
	if err != nil || d.State != webhook.Dead || d.Status != 500 {
		t.Errorf("a test that failed = %+v, %v, want it dead", d, err)
	}
	if n := h.dueRows(t); n != 0 || len(h.deliveries(t, wh.ID)) != 2 || h.get(t, wh.ID).Failures != 0 {
		t.Errorf("%d due rows, %d deliveries, %d failures; want 0, 2, 0", n, len(h.deliveries(t, wh.ID)), h.get(t, wh.ID).Failures)
	}
	_, err = h.Test(t.Context(), h.owner, h.w, id.NewWebhook(h.w, h.clock.Now()))
	domaintest.WantKind(t, "Test of an unknown webhook", err, fault.NotFound)
}

func TestReplay(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.says(500)
	a := h.newAsset()
	h.mustHandle(t, h.event(a, bus.AssetReady, 2))
	d := h.only(t, wh.ID)
	_, err := h.Replay(t.Context(), h.owner, h.w, wh.ID, d.ID)
	domaintest.WantKind(t, "Replay of one that is being tried", err, fault.Conflict)
	h.runOut(t)
	d, err = h.Replay(t.Context(), h.owner, h.w, wh.ID, d.ID)
	if err != nil || d.State != webhook.Pending || d.Attempts != 1 {
		t.Fatalf("Replay that fails = %+v, %v, want all attempts to begin anew", d, err)
	}
	h.says(200)
	h.runOut(t)
	if d = h.only(t, wh.ID); d.State != webhook.Delivered {
		t.Errorf("the replayed delivery is %+v, want it delivered", d)
	}
	n := len(h.requests())
	if d, err = h.Replay(t.Context(), h.owner, h.w, wh.ID, d.ID); err != nil || d.State != webhook.Delivered || len(h.requests()) != n+1 {
		t.Errorf("Replay of one that was taken = %+v, %v, want it sent once more", d, err)
	}
	first, last := h.requests()[0], h.requests()[n]
	if first.body != last.body || first.headers[webhook.HeaderID] != last.headers[webhook.HeaderID] {
		t.Error("what is replayed differs from what was sent first")
	}
	h.mustHandle(t, h.event(a, bus.AssetDeleted, 3))
	_, err = h.Replay(t.Context(), h.owner, h.w, wh.ID, d.ID)
	domaintest.WantKind(t, "Replay after a later version was sent", err, fault.Conflict)
}

func TestReplayRefuses(t *testing.T) {
	h := newHouse(t)
	wh := h.mustCreate(t, address)
	h.mustHandle(t, h.event(h.newAsset(), bus.AssetReady, 2))
	d := h.only(t, wh.ID)
	_, err := h.Replay(t.Context(), h.owner, h.w, wh.ID, id.NewDelivery(h.clock.Now()))
	domaintest.WantKind(t, "Replay of an unknown delivery", err, fault.NotFound)
	_, err = h.Replay(t.Context(), h.stranger, h.w, wh.ID, d.ID)
	domaintest.WantKind(t, "Replay by a stranger", err, fault.NotFound)
	no := false
	if _, err := h.Update(t.Context(), h.owner, h.w, wh.ID, webhook.Change{Enabled: &no}, 0); err != nil {
		t.Fatal(err)
	}
	_, err = h.Replay(t.Context(), h.owner, h.w, wh.ID, d.ID)
	domaintest.WantKind(t, "Replay while disabled", err, fault.Conflict)
	h.clock.Advance(webhook.KeepDeliveries + time.Second)
	_, err = h.Replay(t.Context(), h.owner, h.w, wh.ID, d.ID)
	domaintest.WantKind(t, "Replay of one that is too old", err, fault.NotFound)
	if n := len(h.requests()); n != 1 {
		t.Errorf("%d requests, want only the first", n)
	}
}
