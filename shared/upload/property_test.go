package upload_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
)

// form is a grant somebody holds.
type form struct {
	upload.Grant
	asset id.Asset
	until time.Time // after it and the slack, S3 no longer takes it
}

// history is a random sequence of everything that may happen to uploads.
type history struct {
	*world
	t      *rapid.T
	forms  []form
	assets map[id.Asset]bool   // true: deleted
	ready  map[id.Asset][]byte // bytes that were ready once
	sent   map[string][]byte   // bytes by version id
	shade  uint8
	within bool // another action is under way
}

// step is one thing that may happen.
func (h *history) step() {
	actions := map[string]func(){
		"begin": h.begin, "send": h.send, "deliver": h.deliver, "duplicate": h.duplicate, "lose": h.lose, "complete": h.complete,
		"retry": h.retry, "sweep": h.sweep, "clean up": func() { h.ok("clean up", h.cleanUp()) }, "wait": h.wait, "delete": h.delete,
		"another process": h.boot,
	}
	names := []string{"begin", "send", "send", "send", "deliver", "deliver", "duplicate", "lose", "complete", "complete", "retry",
		"sweep", "clean up", "wait", "delete", "another process"}
	actions[rapid.SampledFrom(names).Draw(h.t, "action")]()
	h.observe()
}

// ok accepts success and the faults that were injected; everything else is a bug.
func (h *history) ok(what string, err error, also ...fault.Kind) {
	if err == nil {
		return
	}
	for _, k := range append(also, fault.Throttled, fault.Unavailable) {
		if fault.Is(err, k) {
			return
		}
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			h.ok(what, e, also...)
		}
		return
	}
	h.t.Fatalf("%s: %v", what, err)
}

func (h *history) begin() {
	a, g, err := h.uploads.Begin(context.Background(), h.who, upload.Draft{Workspace: h.ws.ID, Declared: "image/png"})
	if h.ok("begin", err); err != nil {
		return
	}
	h.assets[a.ID] = false
	h.forms = append(h.forms, form{g, a.ID, g.Expires.Add(upload.DefaultSlack)})
}

func (h *history) form() (form, bool) {
	if len(h.forms) == 0 {
		return form{}, false
	}
	return h.forms[rapid.IntRange(0, len(h.forms)-1).Draw(h.t, "form")], true
}

func (h *history) send() {
	f, ok := h.form()
	if !ok || h.clock.now().After(f.until) {
		return
	}
	body := html
	if rapid.IntRange(0, 3).Draw(h.t, "good") > 0 {
		h.shade++
		body = picture(h.shade)
	}
	before := h.waiting()
	h.world.send(h.t, f.Grant, body)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.arrived[before:] {
		h.sent[e.Version] = body
	}
}

func (h *history) event() int {
	if h.waiting() == 0 {
		return -1
	}
	return rapid.IntRange(0, h.waiting()-1).Draw(h.t, "event")
}

func (h *history) deliver() {
	if i := h.event(); i >= 0 {
		e, _ := h.take(i)
		if err := h.world.deliver(e); err != nil {
			h.ok("deliver", err)
			h.mu.Lock()
			h.arrived = append(h.arrived, e) // the queue keeps what failed
			h.mu.Unlock()
		}
	}
}

func (h *history) duplicate() {
	if i := h.event(); i >= 0 {
		h.mu.Lock()
		e := h.arrived[i]
		h.mu.Unlock()
		h.ok("deliver", h.world.deliver(e))
	}
}

func (h *history) lose() {
	if i := h.event(); i >= 0 {
		h.take(i)
	}
}

func (h *history) complete() {
	if f, ok := h.form(); ok {
		_, err := h.uploads.Complete(context.Background(), h.who, f.asset)
		h.ok("complete", err, fault.Conflict, fault.NotFound)
	}
}

func (h *history) retry() {
	f, ok := h.form()
	if !ok {
		return
	}
	_, way, err := h.uploads.Retry(context.Background(), h.who, f.asset, "")
	if h.ok("retry", err, fault.Conflict, fault.NotFound); err == nil {
		h.forms = append(h.forms, form{*way.Form, f.asset, way.Form.Expires.Add(upload.DefaultSlack)})
	}
}

func (h *history) sweep() {
	_, err := h.uploads.Sweep(context.Background())
	h.ok("sweep", err)
}

func (h *history) wait() {
	h.clock.advance(time.Duration(rapid.IntRange(1, 80).Draw(h.t, "minutes")) * time.Minute)
}

func (h *history) delete() {
	if f, ok := h.form(); ok {
		err := h.world.assets.Delete(context.Background(), h.who, f.asset)
		if h.ok("delete", err); err == nil {
			h.assets[f.asset] = true
		}
	}
}

// observe checks what must hold at every moment: an asset that is ready stays ready, with the same bytes.
func (h *history) observe() {
	faults := h.quiet()
	defer faults()
	for a, deleted := range h.assets {
		got, err := h.world.assets.Find(context.Background(), h.ws.ID, a)
		if fault.Is(err, fault.NotFound) {
			continue // perhaps a delete whose answer was lost
		}
		if err != nil || deleted {
			h.t.Fatalf("asset %s, deleted %v: %+v, %v", a, deleted, got, err)
		}
		body, was := h.ready[a]
		if was && got.State != asset.Ready {
			h.t.Fatalf("asset %s was ready and is %s", a, got.State)
		}
		if got.State != asset.Ready {
			continue
		}
		if !was {
			h.ready[a] = h.sent[got.Object]
			continue
		}
		if string(h.sent[got.Object]) != string(body) {
			h.t.Fatalf("the bytes of ready asset %s changed", a)
		}
	}
}

// quiet stops the faults until the returned function is called.
func (h *history) quiet() func() {
	bucket := h.fault
	h.fault = nil
	h.table.Script(nil)
	return func() {
		h.fault = bucket
		h.table.Script(h.tableFault)
	}
}

func (h *history) tableFault(tabletest.Call) tabletest.Fault {
	return rapid.SampledFrom([]tabletest.Fault{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		tabletest.Throttle, tabletest.LoseCall, tabletest.LoseAnswer}).Draw(h.t, "table fault")
}

// bucketFault also lets something else happen in the middle of whatever called the bucket.
func (h *history) bucketFault(blobtest.Call) blobtest.Fault {
	if !h.within && rapid.IntRange(0, 11).Draw(h.t, "meanwhile") == 0 {
		h.within = true
		for range rapid.IntRange(1, 4).Draw(h.t, "steps meanwhile") {
			h.step()
		}
		h.within = false
	}
	return rapid.SampledFrom([]blobtest.Fault{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		blobtest.Throttled, blobtest.Unavailable, blobtest.Lost}).Draw(h.t, "bucket fault")
}

// settle lets everything that is still to come come: the rest of the events twice, the clean-up, and the sweeper a day on.
func (h *history) settle() {
	h.quiet()
	h.mu.Lock()
	rest := h.arrived
	h.arrived = nil
	h.mu.Unlock()
	for range 2 {
		for _, e := range rest {
			if err := h.world.deliver(e); err != nil {
				h.t.Fatalf("deliver: %v", err)
			}
		}
		h.must("clean up", h.cleanUp())
	}
	for _, later := range []time.Duration{2 * time.Hour, 26 * time.Hour} {
		h.clock.advance(later)
		_, err := h.uploads.Sweep(context.Background())
		h.must("sweep", err)
		h.must("clean up", h.cleanUp())
	}
}

func (h *history) must(what string, err error) {
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
}

// verify checks the end: nothing is pending, and the bucket holds exactly the bytes that ready assets name.
func (h *history) verify() {
	for a := range h.assets {
		got, err := h.world.assets.Find(context.Background(), h.ws.ID, a)
		gone := fault.Is(err, fault.NotFound)
		if err != nil && !gone {
			h.t.Fatal(err)
		}
		vs, err := h.bucket.Versions(context.Background(), objectPrefix(h.ws.ID, a), 0)
		if err != nil {
			h.t.Fatal(err)
		}
		held := fmt.Sprintf("%+v", vs)
		switch {
		case !gone && got.State == asset.Pending:
			h.t.Fatalf("asset %s is still pending", a)
		case !gone && got.State == asset.Ready:
			if len(vs) != 1 || vs[0].Version != got.Object || vs[0].Key != got.Source().Key() {
				h.t.Fatalf("ready asset %s names version %s of %s; the bucket holds %s", a, got.Object, got.Source().Key(), held)
			}
			if body := h.sent[got.Object]; string(body) == string(html) || int64(len(body)) != got.Size {
				h.t.Fatalf("ready asset %s of %d bytes was made ready by %.40q", a, got.Size, body)
			}
		case len(vs) != 0:
			h.t.Fatalf("asset %s (gone %v, %s) names no bytes; the bucket holds %s", a, gone, got.State, held)
		}
	}
}

// run checks histories on one table: every history is a workspace and a bucket of its own, and the sweeper begins anew.
func run(t *testing.T, open func(testing.TB) driver, faults bool) {
	db := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{world: newWorld(t, db), t: rt, assets: map[id.Asset]bool{}, ready: map[id.Asset][]byte{}, sent: map[string][]byte{}}
		h.fed = h.end(t)
		_, err := db.Write(t.Context(), table.Put(table.Item{
			table.AttrPK: table.String(schema.SweepKey().PK), table.AttrSK: table.String(schema.SweepKey().SK),
			schema.Hour: table.String(time.Now().UTC().Add(-time.Hour).Format(schema.HourFormat)),
		}, table.Any(table.Absent(), table.Present())))
		h.must("set the sweeper back", err)
		if faults {
			h.fault = h.bucketFault
			h.table.Script(h.tableFault)
		}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			h.step()
		}
		h.settle()
		h.verify()
	})
}

// end is the position after everything that the feed holds, so that worlds on one table stay apart.
func (w *world) end(t *testing.T) string {
	at := ""
	for {
		cs, next, err := w.feed.Changes(context.Background(), at, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(cs) == 0 && next == at {
			return at
		}
		at = next
	}
}

func TestAnyOrderEndsInOneConsistentState(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { checks(t, 60); run(t, openSQLite, false) })
	t.Run("dynamo", func(t *testing.T) { checks(t, 6); run(t, openDynamo, false) })
}

func TestAnyOrderWithFaultsEndsInOneConsistentState(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { checks(t, 60); run(t, openSQLite, true) })
	t.Run("dynamo", func(t *testing.T) { checks(t, 6); run(t, openDynamo, true) })
}

// checks sets how many histories a test tries, unless -rapid.checks does.
func checks(t *testing.T, n int) {
	const name, rapidsOwn = "rapid.checks", "100"
	if flag.Lookup(name).Value.String() != rapidsOwn {
		return
	}
	if err := flag.Set(name, strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, rapidsOwn) })
}
