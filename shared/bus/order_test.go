package bus_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

var (
	orderID = must(id.ParseOrder("0199aaaa-bbbb-7ccc-8ddd-ffffcafe0001"))
	client  = must(id.ParseClient("cl_01999999-0000-7000-8000-0000cafe0003"))
)

// orderRow is the row of an order at a version.
func orderRow(version int64, status string) table.Item {
	k := schema.OrderKey(workspace, orderID)
	it := table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Version: table.Int(version), schema.OrderStatus: table.String(status), schema.OrderClient: table.String(client.String()),
		schema.Name: table.String("Éclair <&> 画"), schema.Product: table.String("areaplan"), schema.Metadata: table.String(`{"floor":3}`),
		schema.PostAddress: table.String("Never 1, told"), schema.Attempt: table.Int(1),
	}
	if status == "ERROR" {
		it[schema.Failure] = table.String("The scan has 12 points; at least 100 are needed.")
	}
	return it
}

// workRow is the row of the work on an order.
func workRow(attempt, run int64) table.Item {
	k := schema.WorkKey(orderID)
	return table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Attempt: table.Int(attempt), schema.Version: table.Int(run), schema.Workspace: table.String(workspace.String()),
	}
}

func orderChange(old, now table.Item) table.Change {
	return table.Change{Key: schema.OrderKey(workspace, orderID), Old: old, New: now, At: noon, Seq: "1"}
}

func TestAnOrderIsToldOfWhenItsStatusChanges(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now table.Item
		id       string // "": no event
	}{
		{"begun", nil, orderRow(1, "DRAFT"), ""},
		{"the first input", orderRow(1, "DRAFT"), orderRow(2, "INITIALIZED"), ":2"},
		{"the last input went", orderRow(2, "INITIALIZED"), orderRow(3, "DRAFT"), ":3"},
		{"renamed", orderRow(3, "INITIALIZED"), orderRow(4, "INITIALIZED"), ""},
		{"an input failed", orderRow(4, "UPLOADING"), orderRow(5, "INITIALIZED"), ":5"},
		{"completed", orderRow(5, "PROCESSING"), orderRow(6, "COMPLETED"), ":6"},
		{"failed", orderRow(5, "PROCESSING"), orderRow(6, "ERROR"), ":6"},
		{"removed", orderRow(6, "COMPLETED"), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, ok, err := bus.FromChange(orderChange(tt.old, tt.now))
			if err != nil || ok != (tt.id != "") {
				t.Fatalf("FromChange = %+v, %t, %v; want an event: %t", e, ok, err, tt.id != "")
			}
			if !ok {
				return
			}
			if e.Type != bus.OrderUpdated || e.Detail.ID != orderID.String()+tt.id || e.Detail.Workspace != workspace.String() || !e.Time.Equal(noon) {
				t.Errorf("event %+v, want one with the id %s", e, tt.id)
			}
			if e.Detail.Order.Status != tt.now.Str(schema.OrderStatus) || e.Detail.Version != tt.now.Int(schema.Version) {
				t.Errorf("order %+v of version %d, want that of the row", e.Detail.Order, e.Detail.Version)
			}
			if again, ok := bus.StandingOrder(tt.now, noon); !ok || !cmp.Equal(e, again) {
				t.Errorf("told again it is another event:\n%s", cmp.Diff(e, again))
			}
		})
	}
}

func TestOnlyTheRowOfAnOrderTellsHowItStands(t *testing.T) {
	for name, row := range map[string]table.Item{"its work": workRow(1, 1), "an asset": ready(1, 1).Row(), "nothing": nil} {
		if e, ok := bus.StandingOrder(row, noon); ok {
			t.Errorf("%s tells how an order stands: %+v", name, e)
		}
	}
}

func TestAnOrderAsksForAWorkerWhenItsCountOfRequestsGrows(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now table.Item
		id       string // "": no event
	}{
		{"submitted", nil, workRow(1, 1), ":work:1:1"},
		{"handed over", with(workRow(1, 1), schema.Worker, table.String("a")), workRow(1, 2), ":work:1:2"},
		{"submitted again, counting on", workRow(1, 5), workRow(2, 6), ":work:2:6"},
		{"submitted again, counting anew", workRow(1, 5), workRow(2, 1), ":work:2:1"},
		{"taken by a worker", workRow(1, 1), with(workRow(1, 1), schema.Worker, table.String("a")), ""},
		{"the lease renewed", workRow(1, 1), with(workRow(1, 1), schema.LeaseUntil, table.Int(2)), ""},
		{"an earlier attempt restored", workRow(2, 1), workRow(1, 9), ""},
		{"removed", workRow(1, 3), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, ok, err := bus.FromChange(table.Change{Key: schema.WorkKey(orderID), Old: tt.old, New: tt.now, At: noon})
			if err != nil || ok != (tt.id != "") {
				t.Fatalf("FromChange = %+v, %t, %v; want an event: %t", e, ok, err, tt.id != "")
			}
			if ok && (e.Type != bus.OrderSubmitted || e.Detail.ID != orderID.String()+tt.id || e.Detail.Order.Order != orderID.String()) {
				t.Errorf("event %+v, want one with the id %s", e, tt.id)
			}
		})
	}
}

func TestTheLargestEventOfAnOrderFitsIntoAMessage(t *testing.T) {
	row := orderRow(1<<40, "ERROR")
	row[schema.Metadata] = table.String(strings.Repeat("<", 16<<10)) // six characters each in JSON
	row[schema.Name], row[schema.Failure] = table.String(strings.Repeat("<", 255)), table.String(strings.Repeat("&", 4000))
	e, _, err := bus.FromChange(orderChange(orderRow(1, "PROCESSING"), row))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := e.Detail.JSON(); err != nil || len(b) > 128<<10 {
		t.Errorf("the largest event has %d bytes, %v; EventBridge and SQS take 256 KB", len(b), err)
	}
}
