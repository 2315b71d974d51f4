package id_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/id"
)

func TestADeliverableHasOneIDWhoeverMakesIt(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 123e6, time.UTC)
	w := id.NewWorkspace(at)
	o, other := id.NewOrder(w, at), id.NewOrder(w, at)
	a := id.DeliverableOf(o, 1, "scan-1", "room.report.json", at)
	if again := id.DeliverableOf(o, 1, "scan-1", "room.report.json", at); again != a {
		t.Errorf("asked again it is %s, and was %s", again, a)
	}
	if back, err := id.ParseAsset(a.String()); err != nil || back != a || a.Tag() != w.Tag() || !a.Time().Equal(at) {
		t.Errorf("%s reads back as %s, %v; tag %x at %v, want %x at %v", a, back, err, a.Tag(), a.Time(), w.Tag(), at)
	}
	seen := map[id.Asset]string{a: "itself"}
	for name, b := range map[string]id.Asset{
		"another order":           id.DeliverableOf(other, 1, "scan-1", "room.report.json", at),
		"another attempt":         id.DeliverableOf(o, 2, "scan-1", "room.report.json", at),
		"another step":            id.DeliverableOf(o, 1, "scan-2", "room.report.json", at),
		"another name":            id.DeliverableOf(o, 1, "scan-1", "room.top.png", at),
		"a border that moved":     id.DeliverableOf(o, 1, "scan-1r", "oom.report.json", at),
		"another border":          id.DeliverableOf(o, 11, "scan-1", "room.report.json", at),
		"a later submission":      id.DeliverableOf(o, 1, "scan-1", "room.report.json", at.Add(time.Millisecond)),
		"neither step nor a name": id.DeliverableOf(o, 1, "", "", at),
	} {
		if was, taken := seen[b]; taken {
			t.Errorf("%s has the id of %s", name, was)
		}
		seen[b] = name
	}
	for i := range 10_000 {
		b := id.DeliverableOf(o, 1, "scan-1", fmt.Sprint(i), at)
		if was, taken := seen[b]; taken {
			t.Fatalf("%d has the id of %s", i, was)
		}
		seen[b] = fmt.Sprint(i)
	}
}
