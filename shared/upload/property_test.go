package upload_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
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

// bare is an address that somebody holds.
type bare struct {
	upload.PutGrant
	until time.Time // after it and the slack, S3 no longer takes it
}

// history is a random sequence of everything that may happen to uploads.
type history struct {
	*world
	t      *rapid.T
	forms  []form
	puts   []bare
	pages  []batch               // of parts, that somebody holds
	parts  map[string]*sentParts // by upload id
	assets map[id.Asset]bool     // true: deleted
	order  []id.Asset            // the same as they came
	ready  map[id.Asset][]byte   // bytes that were ready once
	sent   map[string][]byte     // bytes by version id
	bodies map[id.Asset][]byte   // what was announced of an asset that comes by parts
	summed map[id.Asset]bool     // its checksum was announced too
	shade  uint8
	within bool // another action is under way
}

// step is one thing that may happen.
func (h *history) step() {
	actions := map[string]func(){
		"begin": h.begin, "send": h.send, "deliver": h.deliver, "duplicate": h.duplicate, "lose": h.lose, "complete": h.complete,
		"retry": h.retry, "sweep": h.sweep, "clean up": func() { h.ok("clean up", h.cleanUp()) }, "wait": h.wait, "delete": h.delete,
		"another process": h.boot, "regrant": h.regrant,
		"begin put": h.beginPut, "send put": h.sendPut, "begin open parts": h.beginOpenParts, "abandon": h.abandon,
		"begin parts": h.beginParts, "send part": h.sendPart, "sign parts": h.signParts, "complete directly": h.completeDirectly,
	}
	names := []string{"begin", "send", "send", "send", "deliver", "deliver", "duplicate", "lose", "complete", "complete", "complete", "retry", "retry",
		"sweep", "clean up", "wait", "delete", "another process", "regrant",
		"begin put", "send put", "send put", "send put", "begin open parts", "abandon",
		"begin parts", "begin parts", "send part", "send part", "send part", "send part", "sign parts", "complete directly"}
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
	h.know(a.ID)
	h.hold(a.ID, upload.Way{Form: &g})
}

func (h *history) know(a id.Asset) {
	h.assets[a] = false
	h.order = append(h.order, a)
}

func (h *history) form() (form, bool) {
	if len(h.forms) == 0 {
		return form{}, false
	}
	return h.forms[rapid.IntRange(0, len(h.forms)-1).Draw(h.t, "form")], true
}

func (h *history) send() {
	f, ok := h.form()
	if !ok || h.clock.Now().After(f.until) {
		return
	}
	h.noting(func(body []byte) { h.world.send(h.t, f.Grant, body) })
}

// noting sends bytes, good ones more often than not, and notes the versions that they became.
func (h *history) noting(send func(body []byte)) {
	body := html
	if rapid.IntRange(0, 3).Draw(h.t, "good") > 0 {
		h.shade++
		body = picture(h.shade)
	}
	before := h.waiting()
	send(body)
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

// asset is one that was announced, deleted or not.
func (h *history) asset() (id.Asset, bool) {
	if len(h.order) == 0 {
		return id.Asset{}, false
	}
	return h.order[rapid.IntRange(0, len(h.order)-1).Draw(h.t, "asset")], true
}

func (h *history) complete() {
	if a, ok := h.asset(); ok {
		_, err := h.uploads.Complete(context.Background(), h.who, a)
		h.ok("complete", err, fault.Conflict, fault.NotFound)
	}
}

func (h *history) retry() {
	a, ok := h.asset()
	if !ok {
		return
	}
	_, way, err := h.uploads.Retry(context.Background(), h.who, a, "")
	if h.ok("retry", err, fault.Conflict, fault.NotFound); err == nil {
		h.hold(a, way)
	}
}

func (h *history) regrant() {
	a, ok := h.asset()
	if !ok {
		return
	}
	if rapid.Bool().Draw(h.t, "of a PUT") {
		_, g, err := h.uploads.RegrantPut(context.Background(), h.who, a)
		if h.ok("regrant put", err, fault.Conflict, fault.NotFound); err == nil {
			h.hold(a, upload.Way{Put: &g})
		}
		return
	}
	_, g, err := h.uploads.Regrant(context.Background(), h.who, a)
	if h.ok("regrant", err, fault.Conflict, fault.NotFound); err == nil {
		h.hold(a, upload.Way{Form: &g})
	}
}

// hold keeps a way in for later.
func (h *history) hold(a id.Asset, way upload.Way) {
	if way.Form != nil {
		h.forms = append(h.forms, form{*way.Form, a, way.Form.Expires.Add(upload.DefaultSlack)})
	}
	if way.Put != nil {
		h.puts = append(h.puts, bare{*way.Put, way.Put.Expires.Add(upload.DefaultSlack)})
	}
	if way.Parts != nil {
		h.holdParts(a, *way.Parts)
	}
}

func (h *history) sweep() {
	_, err := h.uploads.Sweep(context.Background())
	h.ok("sweep", err)
}

func (h *history) wait() {
	h.clock.Advance(time.Duration(rapid.IntRange(1, 80).Draw(h.t, "minutes")) * time.Minute)
}

func (h *history) delete() {
	if a, ok := h.asset(); ok {
		err := h.world.assets.Delete(context.Background(), h.who, a)
		if h.ok("delete", err); err == nil {
			h.assets[a] = true
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
		h.clock.Advance(later)
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

// verify checks the end: nothing is pending, no upload is open, and the bucket holds exactly the bytes that ready assets name.
func (h *history) verify() {
	held := map[string]string{} // key: version
	for _, v := range h.all() {
		if held[v.Key] != "" {
			h.t.Fatalf("the bucket holds several versions of %s", v.Key)
		}
		held[v.Key] = v.Version
	}
	for q := (asset.Query{Workspace: h.ws.ID, Limit: 100}); ; {
		pg, err := h.world.assets.List(context.Background(), h.who, q)
		h.must("list", err)
		for _, a := range pg.Assets {
			h.verifyAsset(a, held[a.Source().Key()])
			delete(held, a.Source().Key())
		}
		if q.Cursor = pg.Next; q.Cursor == "" {
			break
		}
	}
	if len(held) != 0 {
		h.t.Fatalf("the bucket holds bytes that no asset names: %v", held)
	}
	us, err := h.direct.Uploads(context.Background(), "w/")
	if h.must("list uploads", err); len(us) != 0 {
		h.t.Fatalf("uploads are still open: %+v", us)
	}
	for a, deleted := range h.assets {
		if _, err := h.world.assets.Find(context.Background(), h.ws.ID, a); deleted && !fault.Is(err, fault.NotFound) {
			h.t.Fatalf("deleted asset %s: %v", a, err)
		}
	}
}

// all is everything that the bucket holds.
func (h *history) all() []blob.Version {
	vs, err := h.direct.Versions(context.Background(), "w/", 0)
	h.must("list versions", err)
	return vs
}

// verifyAsset checks one asset against the version that the bucket holds of its attempt, "" for none.
func (h *history) verifyAsset(a asset.Asset, version string) {
	if a.State == asset.Pending {
		h.t.Fatalf("asset %s is still pending", a.ID)
	}
	if a.State != asset.Ready {
		if version != "" {
			h.t.Fatalf("asset %s is %s (%s), and the bucket holds version %s of it", a.ID, a.State, a.Cause, version)
		}
		return
	}
	if version != a.Object {
		h.t.Fatalf("ready asset %s names version %s; the bucket holds %q", a.ID, a.Object, version)
	}
	body := h.sent[a.Object]
	if bytes.HasPrefix(body, html) || int64(len(body)) != a.Size {
		h.t.Fatalf("ready asset %s of %d bytes was made ready by %.40q", a.ID, a.Size, body)
	}
	if h.summed[a.ID] && !bytes.Equal(body, h.bodies[a.ID]) {
		h.t.Fatalf("ready asset %s has other bytes than its checksum is of", a.ID)
	}
}

// run checks histories on one table: every history is a workspace and a bucket of its own, and the sweeper begins anew.
func run(t *testing.T, open drivers.Open, faults bool) {
	db := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(newWorld(t, db), rt)
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
	t.Run("sqlite", func(t *testing.T) { domaintest.Checks(t, 60); run(t, drivers.SQLite, false) })
	t.Run("dynamo", func(t *testing.T) { domaintest.Checks(t, 6); run(t, drivers.Dynamo, false) })
}

func TestAnyOrderWithFaultsEndsInOneConsistentState(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { domaintest.Checks(t, 60); run(t, drivers.SQLite, true) })
	t.Run("dynamo", func(t *testing.T) { domaintest.Checks(t, 6); run(t, drivers.Dynamo, true) })
}
