package webhook_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/webhook"
)

// world is a house in which everything goes wrong for a while.
type world struct {
	*house
	faulty *tabletest.FaultyTable
	hooks  []webhook.Webhook
	owner  access.Principal // of hooks: of the workspace, or the client whose only one it is
	events []bus.Event
	owed   []bus.Event // what the queue delivers again: Handle failed
	gone   map[id.Webhook]int

	mu     sync.Mutex
	random *rand.Rand
	rate   int // faults in a hundred calls of the table
}

// newWorld is a world with a few webhooks, and the events of a few assets in any order, some of them twice.
func newWorld(t *testing.T, rt *rapid.T, h *house) *world {
	w := &world{house: h, faulty: tabletest.Faulty(h.table), gone: map[id.Webhook]int{}}
	h.w = id.NewWorkspace(h.clock.Now())
	h.owner.Grants[h.w] = "owner"
	*h.receiver = receiver{}
	w.Service = h.with(w.faulty)
	w.random = rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
	w.rate = rapid.SampledFrom([]int{0, 5, 25}).Draw(rt, "faults in 100 calls")
	w.owner = h.owner
	if rapid.Bool().Draw(rt, "of a client") {
		w.ofClient(t, rt)
		return w
	}
	for i := range rapid.IntRange(1, 3).Draw(rt, "webhooks") {
		w.hooks = append(w.hooks, h.mustCreate(t, fmt.Sprintf("https://%d.example/", i)))
	}
	for range rapid.IntRange(1, 3).Draw(rt, "assets") {
		a := h.newAsset()
		for v := range rapid.IntRange(1, 4).Draw(rt, "versions") {
			w.events = append(w.events, h.event(a, rapid.SampledFrom(webhook.Types()).Draw(rt, "type"), int64(v+1)))
		}
	}
	return w
}

// ofClient gives the world one webhook, a client's, and the events of its orders.
func (w *world) ofClient(t *testing.T, rt *rapid.T) {
	w.owner = w.newClient(access.Editor)
	w.hooks = append(w.hooks, w.mustOwn(t, w.owner, "https://client.example/"))
	for range rapid.IntRange(1, 3).Draw(rt, "orders") {
		o := w.newOrder()
		for v := range rapid.IntRange(1, 4).Draw(rt, "versions") {
			status := rapid.SampledFrom([]string{"INITIALIZED", "UPLOADING", "PROCESSING", "ERROR"}).Draw(rt, "status")
			w.events = append(w.events, w.orderEvent(w.owner, o, int64(v+1), status))
		}
	}
}

// rotate gives a webhook another secret.
func (w *world) rotate(ctx context.Context, h webhook.Webhook) {
	if h.Client != (id.Client{}) {
		_, _, _ = w.RotateOwn(ctx, w.owner, h.ID)
		return
	}
	_, _, _ = w.RotateSecret(ctx, w.owner, w.w, h.ID)
}

// drop deletes a webhook.
func (w *world) drop(ctx context.Context, h webhook.Webhook) error {
	if h.Client != (id.Client{}) {
		_, err := w.DeleteOwn(ctx, w.owner, h.ID)
		return err
	}
	return w.Delete(ctx, w.owner, w.w, h.ID)
}

// trouble makes calls of the table fail, in each of the ways in which they can.
func (w *world) trouble(on bool) {
	if !on || w.rate == 0 {
		w.faulty.Script(nil)
		return
	}
	w.faulty.Script(func(tabletest.Call) tabletest.Fault {
		if w.random.IntN(100) >= w.rate {
			return tabletest.None
		}
		return []tabletest.Fault{tabletest.Throttle, tabletest.LoseCall, tabletest.LoseAnswer}[w.random.IntN(3)]
	})
}

// handle is what the queue's consumer does with an event; now and then it is cut off in the middle.
func (w *world) handle(ctx context.Context, e bus.Event) {
	if err := w.Handle(ctx, e); err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.owed = append(w.owed, e)
	}
}

// answers draws how the receivers answer from now on; what is on its way may be cut off.
func (w *world) answers(rt *rapid.T, cut context.CancelFunc) {
	status := rapid.SampledFrom([]int{200, 200, 204, 302, 500, 0}).Draw(rt, "answer")
	w.says(status)
	w.during = nil
	if rapid.IntRange(0, 9).Draw(rt, "cut off") == 0 {
		w.during = cut
	}
}

// round runs a few things at once.
func (w *world) round(rt *rapid.T) {
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	w.answers(rt, cut)
	var wg sync.WaitGroup
	for range rapid.IntRange(1, 4).Draw(rt, "at once") {
		var do func()
		switch rapid.IntRange(0, 5).Draw(rt, "step") {
		case 0, 1, 2:
			e := rapid.SampledFrom(w.events).Draw(rt, "event")
			do = func() { w.handle(ctx, e) }
		case 3, 4:
			do = func() { _, _ = w.Due(ctx) }
		default:
			h := rapid.SampledFrom(w.hooks).Draw(rt, "webhook")
			do = func() { w.rotate(ctx, h) }
		}
		wg.Go(do)
	}
	wg.Wait()
	w.clock.Advance(rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute, time.Hour}).Draw(rt, "time passes"))
}

// remove deletes a webhook and notes how many requests it has had: no more may come.
func (w *world) remove(t *testing.T, rt *rapid.T) {
	if len(w.gone) > 0 || rapid.IntRange(0, 9).Draw(rt, "delete") > 0 {
		return
	}
	w.trouble(false)
	h := w.hooks[0]
	if err := w.drop(t.Context(), h); err != nil {
		rt.Fatalf("Delete: %v", err)
	}
	w.gone[h.ID] = len(w.versions(h.URL))
	w.trouble(true)
}

// heal ends all trouble: the queue delivers everything again, and time passes until nothing is due.
func (w *world) heal(t *testing.T, rt *rapid.T) {
	w.trouble(false)
	w.during = nil
	w.says(rapid.SampledFrom([]int{200, 200, 500}).Draw(rt, "answer in the end"))
	for _, e := range append(slices.Clone(w.events), w.owed...) {
		if err := w.Handle(t.Context(), e); err != nil {
			rt.Errorf("Handle(%s) without trouble: %v", e.Detail.ID, err)
		}
	}
	w.runOut(t)
}

// check complains about everything that must never be.
func (w *world) check(t *testing.T, rt *rapid.T) {
	if w.clash {
		rt.Error("two were on their way at once for one asset or order at one webhook")
	}
	for _, h := range w.hooks {
		last := map[string]int64{}
		for _, s := range w.requests() {
			if s.url != h.URL {
				continue
			}
			if s.version < last[s.subject] {
				rt.Errorf("%s got version %d of %s after %d", h.URL, s.version, s.subject, last[s.subject])
			}
			last[s.subject] = s.version
		}
		if before, deleted := w.gone[h.ID]; deleted {
			if n := len(w.versions(h.URL)); n != before {
				rt.Errorf("%d requests after the webhook was deleted", n-before)
			}
			continue
		}
		w.checkDeliveries(t, rt, h)
	}
}

func (w *world) checkDeliveries(t *testing.T, rt *rapid.T, h webhook.Webhook) {
	sends := map[string]int{}
	for _, s := range w.requests() {
		if s.url == h.URL {
			sends[s.headers[webhook.HeaderID]]++
		}
	}
	ended := map[string]int{}
	for _, d := range w.deliveries(t, h.ID) {
		ended[d.Event]++
		n := sends[d.Event]
		switch {
		case d.State == webhook.Pending:
			rt.Errorf("delivery %s of %s is still pending", d.ID, d.Event)
		case n > webhook.MaxAttempts() || n > d.Attempts && d.State != webhook.Superseded:
			rt.Errorf("event %s was sent %d times; its delivery counts %d, %d are allowed", d.Event, n, d.Attempts, webhook.MaxAttempts())
		case d.State == webhook.Delivered && n == 0:
			rt.Errorf("event %s is delivered and was never sent", d.Event)
		}
	}
	for _, e := range w.events {
		if ended[e.Detail.ID] != 1 {
			rt.Errorf("event %s has %d deliveries, want 1", e.Detail.ID, ended[e.Detail.ID])
		}
	}
}

// Whatever comes twice, late, in any order, at once, fails or is cut off: no older version follows a newer one, every event ends delivered,
// superseded or dead, no delivery is tried more often than the table of attempts says, and nothing is sent to what is deleted.
func TestEveryEventEndsAndNoneOvertakes(t *testing.T) {
	onBothDrivers(t, func(t *testing.T, h *house) {
		histories := 40
		if strings.HasSuffix(t.Name(), "dynamo") {
			histories = 8 // it is the same code, and far slower
		}
		domaintest.Checks(t, histories)
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(t, rt, h)
			w.trouble(true)
			for range rapid.IntRange(1, 12).Draw(rt, "rounds") {
				w.round(rt)
				w.remove(t, rt)
			}
			w.heal(t, rt)
			w.check(t, rt)
		})
	})
}
