package dynamotest

import (
	"testing"

	"github.com/assetry/assetry/shared/table"
)

func TestEmptyMapsComeThroughTheFeed(t *testing.T) {
	db := Open(t)
	it := table.Item{table.AttrPK: table.String("p"), table.AttrSK: table.String("s"), "n": table.Int(1),
		"v": table.Map{}, "w": table.List{table.Map{}, table.Map{"q": table.Map{}}}}
	if _, err := db.Write(t.Context(), table.Put(it, table.Absent())); err != nil {
		t.Fatal(err)
	}
	cs, _, err := db.Changes(t.Context(), "", 10)
	if err != nil || len(cs) != 1 || !table.EqualItems(cs[0].New, it) {
		t.Errorf("changes = %v, %v, want the insertion of %v", cs, err, it)
	}
}
