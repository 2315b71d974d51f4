package bus_test

import (
	"testing"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// importRow is the row of an import whose workers were asked for a number of times.
func importRow(requests int64) table.Item {
	k := schema.ImportKey(assetID)
	return table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Version: table.Int(requests), schema.Generation: table.Int(1), schema.Workspace: table.String(workspace.String()),
		schema.Address: table.String("https://files.example.com/a.png?X-Amz-Signature=secret"),
	}
}

// with is a row with more attributes.
func with(it table.Item, attr string, v table.Value) table.Item {
	it[attr] = v
	return it
}

func TestAnImportAsksForAWorkerWhenItsCountOfRequestsGrows(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now table.Item
		id       string // "": no event
	}{
		{"begun", nil, importRow(1), ":import:1"},
		{"handed over", with(importRow(1), schema.Worker, table.String("a")), importRow(2), ":import:2"},
		{"taken by a worker", importRow(1), with(importRow(1), schema.Worker, table.String("a")), ""},
		{"the lease renewed", with(importRow(1), schema.LeaseUntil, table.Int(1)), with(importRow(1), schema.LeaseUntil, table.Int(2)), ""},
		{"planned", importRow(3), with(importRow(3), schema.PartSize, table.Int(8<<20)), ""},
		{"removed", importRow(3), nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, ok, err := bus.FromChange(table.Change{Key: schema.ImportKey(assetID), Old: tt.old, New: tt.now, At: noon, Expired: tt.now == nil})
			if err != nil || ok != (tt.id != "") {
				t.Fatalf("FromChange = %+v, %t, %v; want an event: %t", e, ok, err, tt.id != "")
			}
			if ok && (e.Type != bus.ImportRequested || e.Detail.ID != assetID.String()+tt.id || e.Detail.Workspace != workspace.String()) {
				t.Errorf("event %+v, want one with the id %s", e, tt.id)
			}
		})
	}
}
