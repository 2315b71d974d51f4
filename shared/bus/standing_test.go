package bus_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/table"
)

// What is told again of a row is what was told of the change that made it.
func TestStandingIsTheEventOfTheChangeThatLedThere(t *testing.T) {
	for _, tt := range []struct {
		name string
		now  asset.Asset
		ok   bool
	}{
		{"ready", ready(1, 2), true},
		{"rejected", failed(asset.Rejected, 1, 2), true},
		{"expired", failed(asset.Expired, 2, 5), true},
		{"pending", pending(1, 2), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			was := pending(tt.now.Generation, tt.now.Version-1)
			want, told, err := bus.FromChange(table.Change{Key: was.Key(), Old: was.Row(), New: tt.now.Row(), At: noon})
			if err != nil || told != tt.ok {
				t.Fatalf("FromChange: %v, %v", told, err)
			}
			got, ok := bus.Standing(tt.now, noon)
			if diff := cmp.Diff(want, got); diff != "" || ok != tt.ok {
				t.Errorf("Standing: %v (-of the change +of the row):\n%s", ok, diff)
			}
		})
	}
}

func TestEndedIsTheEventOfTheDelete(t *testing.T) {
	was := ready(2, 7)
	want, _, err := bus.FromChange(table.Change{Key: was.Key(), Old: was.Row(), At: noon})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := bus.Ended(was.ID, asset.Deletion{Workspace: was.Workspace, Version: 8, Generation: 2, At: noon})
	want.Detail.Name, want.Detail.Folder, want.Detail.Project = "", "", "" // went with the row
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("Ended: %v (-of the change +of the tombstone):\n%s", ok, diff)
	}
	if _, ok := bus.Ended(was.ID, asset.Deletion{Workspace: was.Workspace, At: noon}); ok {
		t.Error("a delete whose version nobody noted is told, though nobody can order it")
	}
}
