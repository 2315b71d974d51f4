package assets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// fate is what befalls one call of a run to the table.
type fate int

const (
	passes     fate = iota
	throttled       // refused
	lostCall        // timed out on the way there
	lostAnswer      // done, then timed out on the way back
	diesBefore      // the process ends before the call
	diesAfter       // the process ends after it
)

// run is one request under way: a process that may die, and others that run in the midst of it.
type run struct {
	calls   int
	at      int // the call, from 1, that fate befalls
	fate    fate
	between int    // the call, from 1, before which others run
	others  func() // nil: nobody
	dead    bool
	ends    time.Time // by the test's clock: then its context is over
}

type runKey struct{}

// perilous is a table whose calls meet the fate of the run they belong to.
type perilous struct {
	table.Table
	now func() time.Time
}

// meet does a call under the fate of its run.
func (p perilous) meet(ctx context.Context, call func() error) error {
	r, _ := ctx.Value(runKey{}).(*run)
	if r == nil {
		return call()
	}
	r.calls++
	if r.others != nil && r.calls == r.between {
		r.others()
	}
	f := passes
	if r.calls == r.at {
		f = r.fate
	}
	if f == throttled && !r.dead {
		return fault.New(fault.Throttled, "throttled (injected)")
	}
	r.dead = r.dead || f == diesBefore
	if !p.now().Before(r.ends) {
		return fault.New(fault.Unavailable, "the request's time is over (injected)")
	}
	if r.dead || f == lostCall {
		return fault.New(fault.Unavailable, "no answer (injected)")
	}
	err := call()
	r.dead = r.dead || f == diesAfter
	if r.dead || f == lostAnswer {
		return fault.New(fault.Unavailable, "no answer (injected)")
	}
	return err
}

func (p perilous) Get(ctx context.Context, k table.Key, c table.Consistency) (it table.Item, err error) {
	err = p.meet(ctx, func() (err error) { it, err = p.Table.Get(ctx, k, c); return err })
	return it, err
}

func (p perilous) BatchGet(ctx context.Context, ks []table.Key, c table.Consistency) (its []table.Item, err error) {
	err = p.meet(ctx, func() (err error) { its, err = p.Table.BatchGet(ctx, ks, c); return err })
	return its, err
}

func (p perilous) Write(ctx context.Context, w table.Write) (it table.Item, err error) {
	err = p.meet(ctx, func() (err error) { it, err = p.Table.Write(ctx, w); return err })
	return it, err
}

func (p perilous) Transact(ctx context.Context, ws []table.Write) error {
	return p.meet(ctx, func() error { return p.Table.Transact(ctx, ws) })
}

// keyed is the story of one request that is sent again and again under one key, in the midst of everything that may happen.
type keyed struct {
	*client
	rt     *rapid.T
	outer  *testing.T
	in     request
	since  string // position of the table's changes at its beginning
	failed any    // what a nested run panicked with
	id     string // of the thing, as answers named it; "" before the first
}

// TestAKeyMakesOneThing sends requests under a key through crashes, lost answers, throttling, leases that run out and each other: at most one
// thing is ever made, every answer names it, and in the end it is there.
func TestAKeyMakesOneThing(t *testing.T) {
	var s *stack
	s = newStackBehind(t, func(db table.Table) table.Table { return perilous{db, func() time.Time { return s.time() }} })
	c := newClient(s, shapes[0])
	project, f := c.createProject(t, "base"), c.createFolder(t, object("name", "base"))["folder_id"]
	ws := c.home.ID.String()
	form, kind := formOf(t, "boundary", picture(t, 2, 3), "workspace_id", ws)
	requests := map[string]func(name string) request{
		"signed": func(n string) request {
			return post("/assets", object("source", "signed-url", "workspace_id", ws, "file_name", n))
		},
		"signed on project": func(string) request {
			return post("/assets", object("source", "signed-url", "workspace_id", ws, "project_id", project))
		},
		"signed in folder": func(string) request {
			return post("/assets", object("source", "signed-url", "workspace_id", ws, "folder", f))
		},
		"direct":          func(string) request { return request{method: "POST", path: "/assets", body: form, kind: kind} },
		"project":         func(n string) request { return post("/projects", object("workspace_id", ws, "name", n)) },
		"folder":          func(n string) request { return post(c.foldersPath(), object("name", n)) },
		"untitled folder": func(string) request { return post(c.foldersPath(), "") },
		"item":            func(n string) request { return post(c.foldersPath()+"/"+f+"/items", object("text", n)) },
	}
	names := []string{"signed", "signed on project", "signed in folder", "direct", "project", "folder", "untitled folder", "item"}
	since := c.position()
	rapid.Check(t, func(rt *rapid.T) {
		c.late = 0
		since = c.positionAfter(since)
		unique := id.New(time.Now()).String()
		k := &keyed{client: c, rt: rt, outer: t, in: requests[rapid.SampledFrom(names).Draw(rt, "request")](unique), since: since}
		k.in.key, k.in.once = c.keys.editor, unique
		for range rapid.IntRange(1, 5).Draw(rt, "tries") {
			k.try(0)
			k.pause()
		}
		k.end()
	})
}

func post(path, body string) request { return request{method: "POST", path: path, body: body} }

// pause lets time pass: nothing, some of a lease, or all of it. All pauses together are far below what a key is remembered for.
func (k *keyed) pause() {
	k.late += rapid.SampledFrom([]time.Duration{0, idempotency.Lease / 2, idempotency.Lease}).Draw(k.rt, "pause")
}

// try sends the request once; others may send it in its midst, also after its lease.
func (k *keyed) try(depth int) {
	r := &run{
		at: rapid.IntRange(1, 9).Draw(k.rt, "at"), between: rapid.IntRange(1, 9).Draw(k.rt, "between"),
		fate: rapid.SampledFrom([]fate{passes, passes, throttled, lostCall, lostAnswer, diesBefore, diesAfter}).Draw(k.rt, "fate"),
	}
	r.ends = k.time().Add(idempotency.Run)
	if depth < 2 && rapid.Bool().Draw(k.rt, "others") {
		r.others = func() {
			defer func() {
				if k.failed = recover(); k.failed != nil {
					panic(k.failed) // package web recovers it; through goes on with it
				}
			}()
			k.pause()
			k.try(depth + 1)
		}
	}
	in := k.in
	if k.id != "" && rapid.IntRange(0, 5).Draw(k.rt, "another body") == 0 {
		in.body = object("workspace_id", k.home.ID.String(), "name", "another", "source", "signed-url", "text", "another")
		in.kind = ""
	}
	got := k.through(in, r)
	if !r.dead { // else nobody heard
		k.heard(got, in.body != k.in.body)
	}
	if k.id != "" && strings.HasPrefix(k.id, "asset_") && rapid.IntRange(0, 7).Draw(k.rt, "delete") == 0 {
		gone := k.through(request{method: "DELETE", path: "/assets/" + k.id, key: k.in.key}, nil)
		if gone.status != 204 && gone.status != 404 {
			k.rt.Fatalf("DELETE %s answered %d %s", k.id, gone.status, gone.body)
		}
	}
	k.single()
}

// through sends a request as a run.
func (k *keyed) through(in request, r *run) answer {
	req := httptest.NewRequest(in.method, "http://"+testHost+"/api/v1"+in.path, strings.NewReader(in.body))
	req.Header.Set("Authorization", "Bearer "+in.key)
	if in.kind != "" {
		req.Header.Set("Content-Type", in.kind)
	} else if in.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if in.once != "" {
		req.Header.Set("Idempotency-Key", in.once)
	}
	var log bytes.Buffer
	ctx := web.WithLogger(k.outer.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	h, _ := k.find(req)
	got, err := sendStraight(h, req.WithContext(context.WithValue(ctx, runKey{}, r)), nil)
	if err != nil {
		k.rt.Fatal(err)
	}
	if k.failed != nil {
		panic(k.failed)
	}
	if got.status == 500 {
		k.rt.Fatalf("%s %s is a bug of ours:\n%s", in.method, in.path, &log)
	}
	return got
}

// heard holds an answer against what was heard before.
func (k *keyed) heard(got answer, anotherBody bool) {
	switch {
	case got.status == 429 || got.status == 503:
	case anotherBody && got.status == 422:
	case !anotherBody && (got.status == 201 || got.status == 409):
		named := k.named(got)
		if k.id == "" {
			k.id = named
		}
		if named != k.id || named == "" {
			k.rt.Fatalf("answered %d %s, but earlier the thing was %s", got.status, got.body, k.id)
		}
	default:
		k.rt.Fatalf("answered %d %s (another body: %t)", got.status, got.body, anotherBody)
	}
}

// named is the thing that an answer names.
func (k *keyed) named(got answer) string {
	if got.status == 409 {
		var body refusal
		if err := json.Unmarshal(got.body, &body); err != nil || body.Error.Code != "idempotency_duplicate" || len(body.Error.Fields) != 1 {
			k.rt.Fatalf("answered 409 %s, want a duplicate", got.body)
		}
		return body.Error.Fields[0].Message
	}
	var body map[string]any
	if err := json.Unmarshal(got.body, &body); err != nil {
		k.rt.Fatal(err)
	}
	for _, field := range []string{"asset_id", "project_id", "saved_node_id", "folder_id"} {
		if s, ok := body[field].(string); ok {
			return s
		}
	}
	k.rt.Fatalf("answered %s, which names nothing", got.body)
	return ""
}

// single holds that at most one thing was ever made, and that it has the id that answers name.
func (k *keyed) single() (made string, there bool) {
	changes, _, err := k.table.Changes(context.Background(), k.since, 1000)
	if err != nil {
		k.rt.Fatal(err)
	}
	for _, c := range changes {
		kind := rowKind(c.Key)
		if kind != "asset" && kind != "project" && kind != "folder" && kind != "folderitem" {
			continue
		}
		thing := c.Key.SK[max(strings.LastIndex(c.Key.SK, "#")+1, 0):]
		if c.Old == nil {
			if made != "" {
				k.rt.Fatalf("%s was made after %s under one key", thing, made)
			}
			made = thing
		}
		there = c.New != nil
	}
	if made != "" && k.id != "" && !strings.HasSuffix(k.id, made) {
		k.rt.Fatalf("answers name %s, but %s was made", k.id, made)
	}
	return made, there
}

// end sends the request twice more, without faults: what was cut off is completed.
func (k *keyed) end() {
	k.late += idempotency.Lease
	k.heard(k.through(k.in, nil), false)
	made, there := k.single()
	if made == "" {
		k.rt.Fatalf("after the last try there is nothing, though it was answered as %q", k.id)
	}
	if last := k.through(k.in, nil); last.status != 409 {
		k.rt.Fatalf("the repeat of a success answered %d %s, want 409", last.status, last.body)
	}
	a, err := id.ParseAsset(made)
	if err != nil || !there || k.in.kind == "" {
		return
	}
	it, err := k.table.Get(context.Background(), schema.AssetKey(k.home.ID, k.home.Shard(a), a), table.Strong)
	if err != nil || it.Str(schema.State) != "ready" {
		k.rt.Fatalf("the direct upload %s is %q (%v), want ready", a, it.Str(schema.State), err)
	}
}
