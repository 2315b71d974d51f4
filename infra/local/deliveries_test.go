package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/tabletest"
)

// mustDeliver makes the deliveries of the template to the functions of this program, on the services of a house.
func (h *house) mustDeliver(t testing.TB, store table.Table, feed changes) *deliveries {
	t.Helper()
	fs, err := newInProcess(mustRead(t), handlers(h.services))
	if err != nil {
		t.Fatal(err)
	}
	return mustDeliver(t, store, feed, fs.invoke)
}

func mustDeliver(t testing.TB, store table.Table, feed changes, invoke sources.Invoke) *deliveries {
	t.Helper()
	b, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	tmpl := mustRead(t)
	d, err := newDeliveries(tmpl, deliveries{place: here, store: store, failed: &sources.Failures{Dir: t.TempDir()}, invoke: invoke}, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.follow(tmpl, map[string]changes{"Table": feed}); err != nil {
		t.Fatal(err)
	}
	return d
}

// everybody is every function: it keeps what each was given.
type everybody struct {
	mu    sync.Mutex
	given map[string][]string // by function
}

func (r *everybody) invoke(_ context.Context, name string, payload []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.given == nil {
		r.given = map[string][]string{}
	}
	r.given[name] = append(r.given[name], string(payload))
	return nil, nil
}

func (r *everybody) of(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.given[name])
}

// TestEveryEventOfTheTemplateReachesItsFunction makes each kind of thing happen once.
func TestEveryEventOfTheTemplateReachesItsFunction(t *testing.T) {
	h, r := newHouse(t), &everybody{}
	b, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	tmpl := mustRead(t)
	d, err := newDeliveries(tmpl, deliveries{place: here, store: newTable(t), failed: &sources.Failures{Dir: t.TempDir()}, invoke: r.invoke}, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.follow(tmpl, map[string]changes{"Table": {feed: h.db, grown: h.db.Notify}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.start(t.Context(), func(err error) { t.Errorf("a source ended: %v", err) }))

	a := h.mustBegin(t) // a new row, for the search index
	o := h.mustStore(t, a)
	if err := d.notify(created(o.Key)); err != nil {
		t.Fatal(err)
	}
	if err := h.services.Uploads().Arrived(t.Context(), a.Source(), o.Version); err != nil { // a change that is published
		t.Fatal(err)
	}
	failed, err := publisher{b}.Publish(t.Context(), []bus.Event{happened(bus.AssetReady, "a:2"), happened(bus.ImportRequested, "b:import:1"), happened(bus.OrderSubmitted, "c:work:1:1")})
	if err != nil || len(failed) > 0 {
		t.Fatalf("Publish = %v, %v", failed, err)
	}
	for _, f := range tmpl.Functions {
		if len(template.EventsOf[template.HttpApi](f)) == len(f.Events) && f.Folder != "on-object-created" {
			continue
		}
		polltest.Eventually(t, "an event for "+f.Folder, func() bool { return len(r.of(f.Folder)) > 0 })
	}
	for name, want := range map[string]bus.Type{"on-webhook-event": bus.AssetReady, "on-import-requested": bus.ImportRequested, "work-order": bus.OrderSubmitted} {
		var e events.SQSEvent
		if err := json.Unmarshal([]byte(r.of(name)[0]), &e); err != nil || len(r.of(name)) != 1 || !strings.Contains(e.Records[0].Body, string(want)) {
			t.Errorf("%s was given %v, %v; want the one event %s", name, r.of(name), err, want)
		}
	}
}

// happened is an event of a type about an asset.
func happened(t bus.Type, id string) bus.Event {
	return bus.Event{Type: t, Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Detail: bus.Detail{SchemaVersion: bus.SchemaVersion, ID: id, Version: 1}}
}

func TestAnEventThatAQueueDidNotKeepIsReported(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.FailNth(tabletest.VerbPut, 2, tabletest.LoseCall)
	b, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if _, err := newDeliveries(mustRead(t), deliveries{place: here, store: faulty, invoke: (&everybody{}).invoke}, b); err != nil {
		t.Fatal(err)
	}
	failed, err := publisher{b}.Publish(t.Context(), []bus.Event{happened(bus.ImportRequested, "a"), happened(bus.ImportRequested, "b"), happened(bus.ImportRequested, "c")})
	if diff := cmp.Diff([]int{1}, failed); diff != "" || err == nil {
		t.Errorf("Publish gave %v, and failed are (-want +got):\n%s", err, diff)
	}
}

func TestAStreamOfATableThatTheStackLacksIsRefused(t *testing.T) {
	d := mustDeliver(t, newTable(t), changes{feed: newTable(t), grown: func() <-chan struct{} { return nil }}, (&everybody{}).invoke)
	if err := d.follow(mustRead(t), map[string]changes{"Other": {}}); err == nil || !strings.Contains(err.Error(), "Table") {
		t.Errorf("follow = %v, want an error that names the table", err)
	}
}

func TestATemplateThatThisStackCannotDeliverIsRefused(t *testing.T) {
	b, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	f := template.Function{Name: "SweepFunction", Folder: "sweep"}
	for _, tt := range []struct {
		name, says string
		tmpl       template.Template
	}{
		{"two buckets", "Bucket and Other", template.Template{Functions: []template.Function{f}, Notifications: []template.Notification{
			{Bucket: "Bucket", Function: f.Name}, {Bucket: "Other", Function: f.Name},
		}}},
		{"a function that there is not", "GoneFunction", template.Template{Notifications: []template.Notification{{Bucket: "Bucket", Function: "GoneFunction"}}}},
		{"two buses", "rule Second", template.Template{Rules: []template.Rule{{Name: "First", Bus: "A", Pattern: `{"source": ["x"]}`}, {Name: "Second", Bus: "B", Pattern: `{"source": ["x"]}`}}}},
		{"a pattern of another kind", "rule First", template.Template{Rules: []template.Rule{{Name: "First", Bus: "A", Pattern: `{"source": [{"cidr": "x"}]}`}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newDeliveries(&tt.tmpl, deliveries{place: here, store: newTable(t)}, b); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("newDeliveries = %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

func TestAQueueThatNobodyTakesFromKeepsItsEvents(t *testing.T) {
	b, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	store := newTable(t)
	tmpl := &template.Template{Rules: []template.Rule{{Name: "R", Bus: "B", Pattern: `{"source": ["assetry"]}`, Targets: []template.Target{{Queue: "Theirs"}}}}}
	if _, err := newDeliveries(tmpl, deliveries{place: here, store: store}, b); err != nil {
		t.Fatal(err)
	}
	if _, err := (publisher{b}).Publish(t.Context(), []bus.Event{happened(bus.AssetReady, "a:2")}); err != nil {
		t.Fatal(err)
	}
	pg, err := store.Query(t.Context(), table.Query{PK: "Theirs", Limit: 10})
	if err != nil || len(pg.Items) != 1 {
		t.Errorf("the queue holds %v, %v; want the one event", pg.Items, err)
	}
}
