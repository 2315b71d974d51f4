package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"image"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/reconcile"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// with gives the product's services on the store, as long as f runs.
func (p place) with(t *testing.T, f func(s *boot.Services)) {
	t.Helper()
	to := &target{}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	to.declare(flags)
	if err := flags.Parse(p.flags); err != nil {
		t.Fatal(err)
	}
	s, err := to.open(t.Context(), needBucket)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	f(s.services)
}

// seeded is what a store holds whose events nobody handled.
type seeded struct {
	w                   id.Workspace
	ready, bad, overdue asset.Asset
	late                asset.Asset // its bytes are there, and its event was lost
}

// seed makes a workspace with an asset that is ready, one whose bytes were rejected and are still there, and two of yesterday that are still pending.
func seed(t *testing.T, p place) (out seeded) {
	t.Helper()
	ctx := context.Background()
	p.with(t, func(s *boot.Services) {
		ws, err := s.Accounts().CreateWorkspace(ctx, "Seeded")
		if err != nil {
			t.Fatal(err)
		}
		out.w = ws.ID
		who := access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{ws.ID: access.Owner}}
		draft := upload.Draft{Workspace: ws.ID, Name: "picture.png", Declared: "image/png"}
		if out.ready, err = s.Uploads().Direct(ctx, who, draft, picture(t)); err != nil {
			t.Fatal(err)
		}
		if out.bad, _, err = s.Uploads().Begin(ctx, who, draft); err != nil {
			t.Fatal(err)
		}
		o := put(t, s, out.bad.Source(), []byte("no picture"))
		if err := s.Uploads().Arrived(ctx, out.bad.Source(), o.Version); err != nil {
			t.Fatal(err)
		}
		out.overdue, out.late = yesterday(t, p, who, ws.ID), yesterday(t, p, who, ws.ID)
		put(t, s, out.late.Source(), picture(t))
	})
	return out
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// put brings bytes without an event.
func put(t *testing.T, s *boot.Services, src schema.Source, body []byte) blob.Object {
	t.Helper()
	o, err := s.Bucket().Put(context.Background(), src.Key(), bytes.NewReader(body), int64(len(body)), blob.PutOptions{Type: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// yesterday is an upload that was announced 20 hours ago and never settled, with the marker that leads the sweeper to it.
func yesterday(t *testing.T, p place, who access.Principal, w id.Workspace) asset.Asset {
	t.Helper()
	at := time.Now().Add(-20 * time.Hour)
	a := asset.Asset{
		ID: id.NewAsset(w, at), Workspace: w, Version: 1, State: asset.Pending, Generation: 1, Name: "late.png", Via: asset.ViaSigned,
		Declared: "image/png", CreatedBy: who.Key, GrantUntil: at.Add(15 * time.Minute).Truncate(time.Second),
	}
	k := schema.ActiveKey(at, w)
	for _, it := range []table.Item{a.Row(), {table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}} {
		_, err := p.table.Write(context.Background(), table.Put(it, table.Any(table.Absent(), table.Present())))
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// states are those of assets, by the services that read anew.
func (s seeded) states(t *testing.T, p place) map[string]asset.State {
	t.Helper()
	out := map[string]asset.State{}
	for name, a := range map[string]asset.Asset{"ready": s.ready, "bad": s.bad, "overdue": s.overdue, "late": s.late} {
		it, err := p.table.Get(context.Background(), a.Key(), table.Strong)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = asset.State(it.Str(schema.State))
	}
	return out
}

func TestSweepSettlesWhatIsOpen(t *testing.T) {
	onEachStore(t, func(t *testing.T, p place) {
		s := seed(t, p)
		type swept struct{ Visited, Settled int }
		if got := mustJSON[swept](t, p.args("sweep")...); got != (swept{2, 2}) {
			t.Errorf("sweep: %+v, want two visited and settled", got)
		}
		want := map[string]asset.State{"ready": asset.Ready, "bad": asset.Failed, "overdue": asset.Failed, "late": asset.Ready}
		if diff := cmp.Diff(want, s.states(t, p)); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
		if got := mustJSON[swept](t, p.args("sweep")...); got != (swept{}) {
			t.Errorf("a second sweep: %+v, want nothing to do", got)
		}
	})
}

func TestReindexMakesAssetsFound(t *testing.T) {
	onEachStore(t, func(t *testing.T, p place) {
		s := seed(t, p)
		type indexed struct {
			Workspaces []string
			Assets     int
		}
		want := indexed{[]string{s.w.String()}, 4}
		if diff := cmp.Diff(want, mustJSON[indexed](t, p.args("search", "reindex")...)); diff != "" {
			t.Errorf("search reindex (-want +got):\n%s", diff)
		}
		p.with(t, func(services *boot.Services) {
			if done, err := services.Search().Indexed(t.Context(), s.w); err != nil || !done {
				t.Errorf("the index says that the workspace is not in it: %v", err)
			}
		})
	})
}

// reconciled is what `reconcile --json` says.
type reconciled struct {
	Applied    bool
	Workspaces int
	Report     reconcile.Report
	Cursor     string
}

// listen serves a bus for the tool, where the store has none, and gives what it was told.
func listen(t *testing.T, p *place) (told func() []string) {
	t.Helper()
	if p.folder != "" {
		return func() (types []string) { return localEvents(t, p.folder) }
	}
	var types []string
	h := httptest.NewServer(cloud.New(cloud.Options{
		Region: "us-east-1", Bus: "team",
		Keys: func(string) (string, bool) { return versitytest.SecretKey, true },
		Put: func(_ context.Context, e cloud.Entry) (string, error) {
			types = append(types, e.Type)
			return "1", nil
		},
	}))
	t.Cleanup(h.Close)
	t.Setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", h.URL)
	p.flags = append(p.flags, "--bus", "team") // the last one counts
	return func() []string { return types }
}

// localEvents are the types of the events that a local bus logged, each of which is on the webhooks' queue too.
func localEvents(t *testing.T, folder string) (types []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	queued := openFile(t, filepath.Join(folder, "queue.db"), nil)
	var bodies []string
	for l, err := range sources.Letters(t.Context(), queued, webhookQueue) {
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, l.Body)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if diff := cmp.Diff(lines, bodies); diff != "" && len(b) > 0 {
		t.Errorf("the queue of webhooks has not what the bus logged (-log +queue):\n%s", diff)
	}
	for _, line := range lines {
		var e struct {
			Type string `json:"detail-type"`
		}
		if line != "" && json.Unmarshal([]byte(line), &e) == nil {
			types = append(types, e.Type)
		}
	}
	return types
}

func TestReconcileLooksFirstAndThenDoesIt(t *testing.T) {
	onEachStore(t, func(t *testing.T, p place) {
		told := listen(t, &p)
		s := seed(t, p)
		since := s.bad.CreatedAt().Add(-time.Minute).UTC().Format(time.RFC3339)
		look := mustJSON[reconciled](t, p.args("reconcile", "--tell-since", since)...)
		want := reconciled{Workspaces: 1, Report: reconcile.Report{Assets: 4, Objects: 3, Settled: 2, Told: 2, Indexed: 4, Versions: 1, Bytes: 10}}
		if diff := cmp.Diff(want, look); diff != "" {
			t.Errorf("reconcile (-want +got):\n%s", diff)
		}
		if got := s.states(t, p); got["overdue"] != asset.Pending || len(told()) != 0 {
			t.Errorf("a look changed something: %v, %v", got, told())
		}
		want.Applied = true
		if diff := cmp.Diff(want, mustJSON[reconciled](t, p.args("reconcile", "--tell-since", since, "--apply")...)); diff != "" {
			t.Errorf("reconcile --apply (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"asset.ready", "asset.failed"}, told()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if got := s.states(t, p); got["overdue"] != asset.Failed || got["late"] != asset.Ready {
			t.Errorf("after --apply: %v", got)
		}
		if again := must(t, p.args("reconcile")...); !strings.Contains(again.out, "Nothing is amiss.") {
			t.Errorf("a second run:\n%s", again.out)
		}
	})
}

func TestReconcileGoesOnFromItsCursor(t *testing.T) {
	p := localPlace(t)
	first, second := seed(t, p), seed(t, p)
	var sum reconcile.Report
	cursor, runs := "", 0
	for {
		args := p.args("reconcile", "--apply", "--pages", "1")
		if cursor != "" {
			args = append(args, "--cursor", cursor)
		}
		got := mustJSON[reconciled](t, args...)
		sum.Add(got.Report)
		runs++
		if cursor = got.Cursor; cursor == "" {
			break
		}
	}
	if runs != 5 || sum.Assets != 8 || sum.Settled != 4 || sum.Versions != 2 {
		t.Errorf("%d runs, together %+v", runs, sum)
	}
	for _, s := range []seeded{first, second} {
		if got := s.states(t, p); got["overdue"] != asset.Failed || got["late"] != asset.Ready {
			t.Errorf("afterwards: %v", got)
		}
	}
	part := must(t, p.args("reconcile", "--pages", "1", first.w.String())...)
	if !strings.Contains(part.out, "Go on with --cursor "+first.w.String()+"/objects/00/") {
		t.Errorf("a run that stops does not say where:\n%s", part.out)
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"a cursor that is none", []string{"--cursor", "x"}, exitUsage, "cursor"},
		{"a cursor of another workspace", []string{"--cursor", second.w.String() + "/rows/00/", first.w.String()}, exitUsage, second.w.String()},
		{"a time that is none", []string{"--tell-since", "yesterday"}, exitUsage, "2026-11-20T08:00:00Z"},
		{"a workspace that is not there", []string{id.NewWorkspace(time.Now()).String()}, exitMissing, "workspace list"},
		{"what nobody knows, unconfirmed", []string{"--apply", "--remove-unknown"}, exitRefused, "--yes"},
	} {
		s := run(t, p.args(append([]string{"reconcile"}, tt.args...)...)...)
		if s.code != tt.code || !strings.Contains(s.err, tt.says) || s.out != "" {
			t.Errorf("%s: exit code %d\n%s%s", tt.name, s.code, s.out, s.err)
		}
	}
}

func TestWhatPeopleReadOfRepairs(t *testing.T) {
	p := localPlace(t)
	seed(t, p)
	replace := strings.NewReplacer(p.folder, "FOLDER")
	since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	golden(t, "reconcile", replace.Replace(must(t, p.args("reconcile", "--tell-since", since)...).out))
	golden(t, "reconcile-apply", replace.Replace(must(t, p.args("reconcile", "--tell-since", since, "--apply")...).out))
	golden(t, "reconcile-clean", replace.Replace(must(t, p.args("reconcile")...).out))
	golden(t, "search-reindex-some", replace.Replace(must(t, p.args("search", "reindex")...).out))
}

func TestProgressIsShownWhereSomebodyLooks(t *testing.T) {
	p := localPlace(t)
	seed(t, p)
	drawn := runWith(t, program{draws: true}, p.args("reconcile")...)
	if !strings.Contains(drawn.err, "\r\x1b[K") {
		t.Errorf("at a terminal nothing is drawn:\n%q", drawn.err)
	}
	if plain := must(t, p.args("reconcile")...); strings.Contains(plain.err, "\x1b") {
		t.Errorf("elsewhere it draws:\n%q", plain.err)
	}
	if machine := must(t, p.args("reconcile", "--json")...); machine.err != "" {
		t.Errorf("for machines it shows:\n%q", machine.err)
	}
}
