package change_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/trigger/change"
)

var (
	noon      = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	workspace = id.NewWorkspace(noon)
)

// deaf is a bus that takes events but for those a test names.
type deaf struct {
	taken   []string // names of the assets, in order
	refuses func(place int, e bus.Event) bool
	err     error // with the refused ones, or alone
	calls   int
	metrics *metric.Log
}

func (d *deaf) Metrics() *metric.Log { return d.metrics }

func (d *deaf) Bus() bus.Publisher { return d }

func (d *deaf) Publish(_ context.Context, es []bus.Event) (failed []int, err error) {
	d.calls++
	for i, e := range es {
		if d.refuses != nil && d.refuses(i, e) {
			failed = append(failed, i)
			continue
		}
		d.taken = append(d.taken, e.Detail.Name)
	}
	return failed, d.err
}

// row is a state of the asset with a name.
func row(name string, s asset.State, version int64) asset.Asset {
	return asset.Asset{
		ID: id.NewAsset(workspace, noon), Workspace: workspace, Version: version, State: s, Generation: 1,
		Name: name, Via: asset.ViaSigned, CreatedBy: id.NewKey(noon),
	}
}

// becomesReady is a change that means an event.
func becomesReady(name string) table.Change {
	was := row(name, asset.Pending, 1)
	is := was
	is.State, is.Version = asset.Ready, 2
	return table.Change{Key: was.Key(), Old: was.Row(), New: is.Row(), At: noon}
}

// announced is a change that means nothing to others.
func announced(name string) table.Change {
	a := row(name, asset.Pending, 1)
	return table.Change{Key: a.Key(), New: a.Row(), At: noon}
}

// otherRow is a change of a row of another kind.
func otherRow() table.Change {
	k := schema.WorkspaceKey(workspace)
	return table.Change{Key: k, New: table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, At: noon}
}

// batch is what Lambda hands over for changes, through JSON; the sequence numbers are 100, 101 and so on.
func batch(t testing.TB, cs ...table.Change) events.DynamoDBEvent {
	t.Helper()
	e, err := encode(cs)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(cs []table.Change) (e events.DynamoDBEvent, err error) {
	for i, c := range cs {
		c.Seq = fmt.Sprint(100 + i)
		e.Records = append(e.Records, stream.Encode(c))
	}
	b, err := json.Marshal(e)
	if err != nil {
		return e, err
	}
	var wire events.DynamoDBEvent
	return wire, json.Unmarshal(b, &wire)
}

// halved is what reported says of an error: the event source halves such a batch.
const halved = "halved"

// reported is the sequence number that an answer goes on from; "" when the batch is done.
func reported(t testing.TB, r events.DynamoDBEventResponse, err error) string {
	t.Helper()
	if err != nil {
		return halved
	}
	switch len(r.BatchItemFailures) {
	case 0:
		return ""
	case 1:
		return r.BatchItemFailures[0].ItemIdentifier
	}
	t.Fatalf("the answer names %d records, want the first that failed", len(r.BatchItemFailures))
	return ""
}

func TestPublishGoesOnFromTheFirstRecordThatFailed(t *testing.T) {
	named := func(names ...string) func(int, bus.Event) bool {
		return func(_ int, e bus.Event) bool {
			for _, n := range names {
				if e.Detail.Name == n {
					return true
				}
			}
			return false
		}
	}
	all := []table.Change{announced("-"), becomesReady("a"), otherRow(), becomesReady("b"), announced("-"), becomesReady("c")}
	for _, tt := range []struct {
		name    string
		changes []table.Change
		broken  int // place of a record that is broken; -1: none
		refuses func(int, bus.Event) bool
		err     error
		want    string
		taken   []string
	}{
		{"an empty batch", nil, -1, nil, nil, "", nil},
		{"nothing that means anything", []table.Change{announced("-"), otherRow()}, -1, nil, nil, "", nil},
		{"everything taken", all, -1, nil, nil, "", []string{"a", "b", "c"}},
		{"an event in the middle refused", all, -1, named("b"), nil, "103", []string{"a", "c"}},
		{"two refused", all, -1, named("c", "a"), nil, "101", []string{"b"}},
		{"all refused", all, -1, named("a", "b", "c"), nil, "101", nil},
		{"a record in the middle broken", all, 2, nil, nil, "102", []string{"a"}},
		{"the first record broken", all, 0, nil, nil, halved, nil},
		{"the last record broken", all, 5, nil, nil, "105", []string{"a", "b"}},
		{"refused before a broken record", all, 4, named("a"), nil, "101", []string{"b"}},
		{"a request failed in the middle", all, -1, named("b", "c"), errors.New("no answer"), "103", []string{"a"}},
		{"a failure that tells of no event", all, -1, nil, errors.New("no answer"), "101", []string{"a", "b", "c"}},
		{"a failure that tells of no event, before a broken record", all, 4, nil, errors.New("no answer"), "101", []string{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := batch(t, tt.changes...)
			if tt.broken >= 0 {
				e.Records[tt.broken].EventName = "TRUNCATE"
			}
			d := &deaf{refuses: tt.refuses, err: tt.err}
			r, err := change.Publish(d)(t.Context(), e)
			if got := reported(t, r, err); got != tt.want {
				t.Errorf("the stream goes on from %q, want %q", got, tt.want)
			}
			if diff := cmp.Diff(tt.taken, d.taken); diff != "" {
				t.Errorf("taken by the bus (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARowThatCannotBeReadStopsTheStreamThere(t *testing.T) {
	bad := becomesReady("bad")
	bad.New[schema.CreatedBy] = table.String("nobody")
	d := &deaf{}
	r, err := change.Publish(d)(t.Context(), batch(t, becomesReady("a"), bad, becomesReady("b")))
	if got := reported(t, r, err); got != "101" {
		t.Errorf("the stream goes on from %q, want the bad row's 101", got)
	}
	if diff := cmp.Diff([]string{"a"}, d.taken); diff != "" {
		t.Errorf("taken by the bus (-want +got):\n%s", diff)
	}
}

func TestABatchDeliveredAgainGivesTheSameEvents(t *testing.T) {
	c := becomesReady("a")
	var ids []string
	d := &deaf{refuses: func(_ int, e bus.Event) bool { ids = append(ids, e.Detail.ID); return false }}
	for range 2 {
		r, err := change.Publish(d)(t.Context(), batch(t, c, c))
		if got := reported(t, r, err); got != "" {
			t.Errorf("the stream goes on from %q, want it done", got)
		}
	}
	if len(ids) != 4 || ids[0] != ids[1] || ids[0] != ids[2] || ids[0] != ids[3] {
		t.Errorf("a change seen four times gave the events %v, want one id", ids)
	}
}

// deliver hands a batch over as the event source does, until it is done or was tried often enough: an error halves it, and the second half waits for
// the first; an answer that names a record goes on from there.
func deliver(e events.DynamoDBEvent, consume func(events.DynamoDBEvent) (events.DynamoDBEventResponse, error), tries int) (done bool) {
	for waiting := [][]events.DynamoDBEventRecord{e.Records}; len(waiting) > 0; tries-- {
		if tries == 0 {
			return false
		}
		batch := waiting[0]
		r, err := consume(events.DynamoDBEvent{Records: batch})
		switch {
		case err != nil && len(batch) > 1:
			half := len(batch) / 2
			waiting = append([][]events.DynamoDBEventRecord{batch[:half], batch[half:]}, waiting[1:]...)
		case err != nil:
		case len(r.BatchItemFailures) == 0:
			waiting = waiting[1:]
		default:
			for waiting[0][0].Change.SequenceNumber != r.BatchItemFailures[0].ItemIdentifier {
				waiting[0] = waiting[0][1:]
			}
		}
	}
	return true
}

// A record that nobody can ever handle is alone with its tries before long: what lies around it is done.
func TestAPoisonRecordIsAloneInItsBatch(t *testing.T) {
	for poison := range 7 {
		var cs []table.Change
		for i := range 7 {
			cs = append(cs, becomesReady(fmt.Sprint(i)))
		}
		e := batch(t, cs...)
		e.Records[poison].EventName = "TRUNCATE"
		d := &deaf{}
		var held [][]events.DynamoDBEventRecord // the batches that were delivered in vain
		deliver(e, func(e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			r, err := change.Publish(d)(t.Context(), e)
			if err != nil || len(r.BatchItemFailures) > 0 {
				held = append(held, e.Records)
			}
			if len(e.Records) == 1 && len(held) > 10 { // given up, and kept
				return events.DynamoDBEventResponse{}, nil
			}
			return r, err
		}, 100)
		if len(d.taken) != 6 {
			t.Errorf("with record %d poisoned the bus took %v, want the six others", poison, d.taken)
		}
		if last := held[len(held)-1]; len(last) != 1 || last[0].Change.SequenceNumber != e.Records[poison].Change.SequenceNumber {
			t.Errorf("with record %d poisoned %d records were given up together", poison, len(last))
		}
	}
}

// TestNoEventIsEverLost delivers batches as the stream does, from where the answer says, to a bus that refuses at random.
func TestNoEventIsEverLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var cs []table.Change
		want := map[string]bool{}
		for i := range rapid.IntRange(0, 30).Draw(t, "records") {
			switch name := fmt.Sprint(i); rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				cs = append(cs, announced(name))
			case 1:
				cs = append(cs, otherRow())
			default:
				cs, want[name] = append(cs, becomesReady(name)), true
			}
		}
		e, err := encode(cs)
		if err != nil {
			t.Fatal(err)
		}
		d := &deaf{}
		got := map[string]bool{}
		tries := 0
		d.refuses = func(int, bus.Event) bool { return tries < 50 && rapid.Bool().Draw(t, "refused") }
		done := deliver(e, func(e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
			tries++
			return change.Publish(d)(context.Background(), e)
		}, 200)
		if !done {
			t.Fatal("the stream is not done after 200 tries")
		}
		for _, name := range d.taken {
			got[name] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("events (-want +got):\n%s", diff)
		}
	})
}
