package house

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
)

// TestStreamFiltersLetThroughWhatMatters holds the filters of the event sources, which AWS applies before our code runs, against what
// the code does with each kind of change.
func TestStreamFiltersLetThroughWhatMatters(t *testing.T) {
	ready := scene.Holiday(samples.HolidayVersion, "e")
	described := ready
	described.Version, described.Description, described.EditedAt = 3, "roofs", samples.Now
	rejected := scene.Draft()
	rejected.Cause = asset.Rejected
	retried := scene.Poster()
	retried.ID, retried.Generation = scene.Draft().ID, 2
	orderID := id.NewOrder(samples.WorkspaceID, samples.Now)
	folderRow := samples.Row(schema.FolderKey(samples.WorkspaceID, samples.FolderID), table.Item{schema.Name: table.String("Campaign")})
	copied := scene.Poster()
	copied.Via, copied.Received = asset.ViaURL, 8<<20
	further, imported := copied, ready
	further.Received, imported.Via, imported.ID = 16<<20, asset.ViaURL, copied.ID
	importRow := func(requests int64, worker string) table.Item {
		it := samples.Row(schema.ImportKey(copied.ID), table.Item{
			schema.Version: table.Int(requests), schema.Workspace: table.String(samples.Workspace), schema.Generation: table.Int(1),
		})
		if worker != "" {
			it[schema.Worker] = table.String(worker)
		}
		return it
	}
	itemRow := samples.Row(schema.FolderItemKey(samples.WorkspaceID, samples.FolderID, samples.NoteID), table.Item{schema.Text: table.String("x")})
	wh := samples.WebhookID
	client := id.NewClient(samples.WorkspaceID, samples.Now)
	clientRow := samples.Row(schema.ListedClientKey(samples.WorkspaceID, client), table.Item{})
	ownHookRow := samples.Row(schema.ClientWebhookKey(samples.WorkspaceID, client), table.Item{schema.Hook: table.String(wh.String())})
	hookRow := samples.Row(schema.WebhookKey(samples.WorkspaceID, wh), table.Item{schema.Enabled: table.Bool(true)})
	deliveryRow := samples.Row(schema.DeliveryKey(wh, scene.DeliveryID()), table.Item{schema.Progress: table.String("pending")})
	orderRow := func(version int64, status order.Status) table.Item {
		return samples.Row(schema.OrderKey(samples.WorkspaceID, orderID), table.Item{
			schema.Version: table.Int(version), schema.OrderStatus: table.String(status), schema.OrderClient: table.String("cl_x"),
		})
	}
	workRow := func(attempt, run int64, worker string) table.Item {
		it := samples.Row(schema.WorkKey(orderID), table.Item{
			schema.Version: table.Int(run), schema.Attempt: table.Int(attempt), schema.Workspace: table.String(samples.Workspace),
		})
		if worker != "" {
			it[schema.Worker] = table.String(worker)
		}
		return it
	}
	inputRow := samples.Row(schema.InputKey(orderID, copied.ID), table.Item{schema.Format: table.String("xyz"), schema.Attempt: table.Int(1)})
	for _, tt := range []struct {
		name             string
		old, new         table.Item
		publish, cleanup bool
	}{
		{"an asset is announced", nil, scene.Poster().Row(), false, true},
		{"bytes make it ready", scene.Poster().Row(), ready.Row(), true, false},
		{"a ready asset gets a description", ready.Row(), described.Row(), true, true}, // passes; FromChange drops it
		{"bytes make an input of an order ready", scene.Poster().Row(), with(ready.Row(), schema.Orders, table.String(orderID.String())), true, true},
		{"nothing arrived", scene.Poster().Row(), scene.Draft().Row(), true, true},
		{"bytes are rejected", scene.Poster().Row(), rejected.Row(), true, true},
		{"a failed asset is retried", scene.Draft().Row(), retried.Row(), false, true},
		{"late bytes make an expired one ready", scene.Draft().Row(), ready.Row(), true, false},
		{"a ready asset is deleted", ready.Row(), nil, true, true},
		{"a pending asset is deleted", scene.Poster().Row(), nil, true, true},
		{"an import shows progress", copied.Row(), further.Row(), false, false},
		{"an import makes it ready", further.Row(), imported.Row(), true, true},
		{"a worker is asked for", nil, importRow(1, ""), true, false},
		{"a worker takes the import", importRow(1, ""), importRow(1, "a"), false, false},
		{"a worker hands over", importRow(1, "a"), importRow(2, ""), true, false},
		{"an import is over", importRow(2, ""), nil, false, false},
		{"an order is begun", nil, orderRow(1, order.Drafted), false, false},
		{"an order gets its first input", orderRow(1, order.Drafted), orderRow(2, order.Initialized), true, false},
		{"an order gets another name", orderRow(2, order.Initialized), orderRow(3, order.Initialized), true, false}, // passes; FromChange drops it
		{"an input joins an order", nil, inputRow, false, false},
		{"an order is submitted for work", nil, workRow(1, 1, ""), true, false},
		{"a worker takes the order", workRow(1, 1, ""), workRow(1, 1, "a"), false, false},
		{"a worker of the order renews its lease", workRow(1, 1, "a"), with(workRow(1, 1, "a"), schema.LeaseUntil, table.Int(1)), false, false},
		{"the work is handed over", workRow(1, 1, "a"), workRow(1, 2, ""), true, false},
		{"an order is submitted for work again", workRow(1, 7, "a"), workRow(2, 8, ""), true, false},
		{"the work is over", workRow(2, 8, "a"), nil, false, false},
		{"a folder is made", nil, folderRow, false, false},
		{"a folder is deleted", folderRow, nil, false, true},
		{"an item of a folder is deleted", itemRow, nil, false, false},
		{"a webhook is made", nil, hookRow, false, false},
		{"a webhook is deleted", hookRow, nil, false, true},
		{"a client makes its webhook", nil, ownHookRow, false, false},
		{"a client deletes its webhook", ownHookRow, nil, false, true},
		{"a client is registered", nil, clientRow, false, false},
		{"a client is deleted", clientRow, nil, false, true},
		{"a delivery is noted", nil, deliveryRow, false, false},
		{"a delivery goes", deliveryRow, nil, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := table.Change{Old: tt.old, New: tt.new, Seq: "1", At: samples.Now}
			if c.Key = tt.new.Key(); tt.new == nil {
				c.Key = tt.old.Key()
			}
			record := wire(t, c)
			if got := passes(t, "StreamPublishFunction", record); got != tt.publish {
				t.Errorf("the filters of stream-publish let it through: %t, want %t", got, tt.publish)
			}
			if got := passes(t, "StreamCleanupFunction", record); got != tt.cleanup {
				t.Errorf("the filters of stream-cleanup let it through: %t, want %t", got, tt.cleanup)
			}
			if _, means, err := bus.FromChange(c); err != nil || means && !tt.publish {
				t.Errorf("the change means something to others (%v), and is filtered away", err)
			}
		})
	}
}

// with is a row with one more attribute.
func with(it table.Item, attr string, v table.Value) table.Item {
	it[attr] = v
	return it
}

// wire is a change as the stream's record in plain JSON.
func wire(t *testing.T, c table.Change) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(encode(t, stream.Encode(c)), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// filters are those of a function that follows the stream.
func filters(t *testing.T, function string) []string {
	t.Helper()
	f, ok := readTemplate(t).Function(template.FolderOf(function))
	streams := template.EventsOf[template.DynamoDB](f)
	if !ok || len(streams) != 1 {
		t.Fatalf("%s has %d events of the stream, want one", function, len(streams))
	}
	return streams[0].Filters
}

// passes says whether one of a function's filters matches a record.
func passes(t *testing.T, function string, record any) bool {
	t.Helper()
	return slices.ContainsFunc(filters(t, function), func(filter string) bool {
		p, err := pattern.Parse(filter)
		if err != nil {
			t.Fatalf("filter of %s: %v", function, err)
		}
		return p.Matches(record)
	})
}

// mostFilters is how many filters Lambda takes for an event source without being asked for more.
const mostFilters = 5

func TestNoEventSourceHasMoreFiltersThanLambdaTakes(t *testing.T) {
	for _, function := range []string{"StreamPublishFunction", "StreamCleanupFunction"} {
		if n := len(filters(t, function)); n > mostFilters {
			t.Errorf("%s has %d filters, more than %d: join some by $or", function, n, mostFilters)
		}
	}
}
