package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

func TestTheReadyFileSaysWhereEverythingIs(t *testing.T) {
	s3 := versitytest.Start(t)
	s := &stack{s3: s3.Server, settings: state.Settings{Addr: "127.0.0.1:8080", Workspace: "ws_1", APIKey: "sk_live_1"}}
	path := filepath.Join(t.TempDir(), "ready.json")
	var out bytes.Buffer
	if err := s.announce(options{data: ".assetry", ready: path}, &out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"api": "http://127.0.0.1:8080", "s3": s3.URL(), "workspace_id": "ws_1", "api_key": "sk_live_1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ready file (-want +got):\n%s", diff)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the ready file, which holds the key, has mode %v, %v", i.Mode().Perm(), err)
	}
	for _, part := range []string{"http://127.0.0.1:8080/api/v1", s3.URL(), "ws_1", "sk_live_1", "curl ", ".assetry"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("people are not told %q:\n%s", part, out.String())
		}
	}
	if err := s.announce(options{ready: filepath.Join(t.TempDir(), "no", "folder", "ready.json")}, &out); err == nil {
		t.Error("a ready file that cannot be written: no error")
	}
}

func TestTheEventLogHoldsWhatEventBridgeWouldDeliver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	at := time.Date(2026, 11, 21, 13, 0, 0, 0, time.FixedZone("", 3600))
	event := func(id string) bus.Event {
		return bus.Event{Type: bus.AssetReady, Time: at, Detail: bus.Detail{SchemaVersion: 1, ID: id, Name: "a\nb"}}
	}
	var want []string
	for _, ids := range [][]string{{"1", "2"}, nil, {"3"}} { // the file goes on after a restart
		log, err := openEventBus(path)
		if err != nil {
			t.Fatal(err)
		}
		var es []bus.Event
		for _, id := range ids {
			es, want = append(es, event(id)), append(want, id)
		}
		if failed, err := log.Publish(t.Context(), es); err != nil || len(failed) > 0 {
			t.Fatalf("Publish = %v, %v", failed, err)
		}
		log.close()
		if failed, err := log.Publish(t.Context(), []bus.Event{event("lost"), event("lost")}); err == nil || !cmp.Equal(failed, []int{0, 1}) {
			t.Errorf("Publish on a closed log = %v, %v, want all failed", failed, err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(b)) {
		var e struct {
			Version, ID, Source, Account, Time, Region string
			DetailType                                 string `json:"detail-type"`
			Detail                                     bus.Detail
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if e.ID != e.Detail.ID || e.Source != "assetry" || e.DetailType != "asset.ready" || e.Time != "2026-11-21T12:00:00Z" || e.Version != "0" {
			t.Errorf("envelope %+v", e)
		}
		got = append(got, e.Detail.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTheScheduleFiresAtOnceAndKeepsTheTable(t *testing.T) {
	now := time.Now()
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "t.db"), sqlite.Options{Indexes: schema.Indexes(), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Write(t.Context(), table.Put(table.Item{
		table.AttrPK: table.String("p"), table.AttrSK: table.String("s"), table.AttrExpires: table.Int(now.Add(time.Hour).Unix()),
	}, table.Absent())); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	now = now.Add(2 * time.Hour)
	mu.Unlock()
	fired := make(chan events.CloudWatchEvent, 10)
	stop := inBackground(t, func(ctx context.Context) {
		schedule(ctx, "sweep", sweepEvery, overWire(func(_ context.Context, e events.CloudWatchEvent) error {
			fired <- e
			return errors.New("a failed sweep does not keep the table from its own")
		}), db)
	})
	if e := <-fired; e.Source != "aws.events" || e.DetailType != "Scheduled Event" || len(e.Resources) != 1 {
		t.Errorf("event %+v", e)
	}
	eventually(t, "the removal of what expired", func() bool {
		cs, _, err := db.Changes(context.Background(), "", 10)
		return err == nil && len(cs) == 2 && cs[1].Expired
	})
	stop()
	if len(fired) > 0 {
		t.Error("the schedule fired twice within its pause")
	}
}
