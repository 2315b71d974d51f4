package table

import (
	"testing"
	"time"
)

func TestHolds(t *testing.T) {
	it := Item{"n": Int(5), "s": String("m"), "b": Bytes{2}, "z": Null{}}
	for _, c := range []struct {
		name         string
		cond         Cond
		onItem, onNo bool
	}{
		{"absent", Absent(), false, true},
		{"present", Present(), true, false},
		{"equal", Eq("n", Number("5")), true, false},
		{"equal to another", Eq("n", Int(4)), false, false},
		{"equal to what is not there", Eq("x", Int(4)), false, false},
		{"not equal", Ne("n", Int(4)), true, false},
		{"not equal to the same", Ne("n", Int(5)), false, false},
		{"not equal to what is not there", Ne("x", Int(5)), true, false},
		{"less", Less("n", Int(6)), true, false},
		{"less, of another type", Less("n", String("6")), false, false},
		{"less, where it is not there", Less("x", Int(6)), false, false},
		{"less, by bytes", Less("b", Bytes{2, 0}), true, false},
		{"greater", Greater("s", String("lz")), true, false},
		{"greater than the same", Greater("s", String("m")), false, false},
		{"greater than a null", Greater("z", Int(0)), false, false},
		{"has a null", Has("z"), true, false},
		{"has not", HasNot("x"), true, false},
		{"has not what is there", HasNot("z"), false, false},
		{"all", All(Has("n"), Has("s")), true, false},
		{"all but one", All(Has("n"), Has("x")), false, false},
		{"all of none", All(), false, false},
		{"any", Any(Absent(), Has("n")), true, true},
		{"any of none", Any(), false, false},
		{"no condition", Cond{}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.cond.Holds(it) != c.onItem || c.cond.Holds(nil) != c.onNo {
				t.Errorf("holds on the item: %t, on none: %t", c.cond.Holds(it), c.cond.Holds(nil))
			}
		})
	}
}

func TestUpdatesAndDeletesWantAnItem(t *testing.T) {
	k := Key{"p", "s"}
	for _, w := range []Write{Update(k, Absent(), Remove("a")), Delete(k, Absent())} {
		if w.Allows(nil) || w.Allows(Item{}) {
			t.Errorf("verb %d under Absent is allowed", w.Verb)
		}
	}
	if !Put(Item{}, Absent()).Allows(nil) || !Check(k, Absent()).Allows(nil) {
		t.Error("a put or check under Absent is not allowed on nothing")
	}
}

func TestExpired(t *testing.T) {
	now := time.Unix(1000, 999)
	for _, c := range []struct {
		name string
		v    Value
		want bool
	}{
		{"a second before", Int(999), true},
		{"this second", Int(1000), true},
		{"half a second later", Number("1000.5"), false},
		{"the next second", Int(1001), false},
		{"a text", String("1"), false},
		{"null", Null{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			it := Item{AttrExpires: c.v}
			if it.Expired(now) != c.want || (Live(it, now) == nil) != c.want {
				t.Errorf("expired is %t, want %t", it.Expired(now), c.want)
			}
		})
	}
	if Item(nil).Expired(now) || (Item{}).Expired(now) {
		t.Error("an item without an expiry expired")
	}
}
