package sources

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/tabletest"
)

// ofType matches events of a detail-type; "" is every one.
type ofType string

func (o ofType) Matches(event any) bool {
	e, _ := event.(map[string]any)
	return o == "" || e["detail-type"] == string(o)
}

func newBus(t *testing.T) *Bus {
	t.Helper()
	b, err := OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func happened(what string) Event {
	return Event{Source: "assetry", Type: what, Time: time.Date(2026, 11, 21, 13, 0, 0, 500, time.FixedZone("", 3600)), Detail: json.RawMessage(`{"name": "a\nb <&>"}`)}
}

func TestRulesLeadEventsToTheTargetsThatWantThem(t *testing.T) {
	store, f := newTable(t), &function{}
	imports, all := NewQueue(store, here, f.invoke, QueueOptions{Name: "Imports"}), NewQueue(store, here, f.invoke, QueueOptions{Name: "All"})
	direct := NewAsync(store, here, f.invoke, AsyncOptions{Function: "direct"})
	b := newBus(t)
	b.Rules(Rule{ofType("import"), []Target{imports}}, Rule{ofType(""), []Target{all, direct}}, Rule{ofType("never"), []Target{imports}})
	for _, what := range []string{"ready", "import", "deleted"} {
		if _, err := b.Put(t.Context(), happened(what)); err != nil {
			t.Fatal(err)
		}
	}
	for partition, want := range map[string]int{"Imports": 1, "All": 3, asyncPartition("direct"): 3} {
		if n := len(payloads(t, store, partition)); n != want {
			t.Errorf("%s holds %d events, want %d", partition, n, want)
		}
	}
	var e events.EventBridgeEvent
	if err := json.Unmarshal([]byte(payloads(t, store, "Imports")[0]), &e); err != nil || e.Source != "assetry" || e.DetailType != "import" {
		t.Errorf("the queue holds %+v, %v", e, err)
	}
}

func TestAnEventThatATargetDidNotKeepHasFailed(t *testing.T) {
	faulty := tabletest.Faulty(newTable(t))
	faulty.FailNth(tabletest.VerbPut, 1, tabletest.LoseCall)
	b := newBus(t)
	b.Rules(Rule{ofType(""), []Target{NewQueue(faulty, here, nil, QueueOptions{Name: "Imports"})}})
	for i, fails := range []bool{true, false} {
		if _, err := b.Put(t.Context(), happened("import")); (err != nil) != fails {
			t.Errorf("event %d: %v, want failure %t", i, err, fails)
		}
	}
}

func TestTheLogHoldsWhatEventBridgeWouldDeliver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	var want []string
	for range 2 { // the file goes on after a restart
		b, err := OpenBus(path, here)
		if err != nil {
			t.Fatal(err)
		}
		id, err := b.Put(t.Context(), happened("ready"))
		if err != nil || id == "" {
			t.Fatalf("Put = %q, %v", id, err)
		}
		want = append(want, id)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Put(t.Context(), happened("lost")); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Put on a closed bus = %v, want that the log is closed", err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		var e envelope
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if e.Source != "assetry" || e.DetailType != "ready" || e.Time != "2026-11-21T12:00:00Z" || e.Version != "0" || e.Account != here.Account || e.Resources == nil {
			t.Errorf("envelope %+v", e)
		}
		got = append(got, e.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestADetailThatIsNoJSONIsRefused(t *testing.T) {
	e := happened("ready")
	e.Detail = json.RawMessage("{")
	b := newBus(t)
	if _, err := b.Put(t.Context(), e); err == nil {
		t.Error("Put: no error")
	}
}
