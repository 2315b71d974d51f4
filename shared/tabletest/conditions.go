package tabletest

import (
	"context"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

// conditionCases are conditions on the item {n: 5, s: "m", b: 0x20, l: [1], z: null, t: true} and whether they hold on it.
var conditionCases = []struct {
	name string
	cond table.Cond
	want bool
}{
	{"absent on a present item", table.Absent(), false},
	{"present on a present item", table.Present(), true},
	{"equal number", table.Eq("n", table.Int(5)), true},
	{"other number", table.Eq("n", table.Int(6)), false},
	{"equal text of another type", table.Eq("n", table.String("5")), false},
	{"equal on an attribute that is not there", table.Eq("none", table.Int(5)), false},
	{"equal list", table.Eq("l", table.List{table.Int(1)}), true},
	{"other list", table.Eq("l", table.List{table.Int(2)}), false},
	{"equal map", table.Eq("m", table.Map{"k": table.String("v")}), true},
	{"other map", table.Eq("m", table.Map{"k": table.String("w")}), false},
	{"equal null", table.Eq("z", table.Null{}), true},
	{"equal bool", table.Eq("t", table.Bool(true)), true},
	{"other bool", table.Eq("t", table.Bool(false)), false},
	{"equal bytes", table.Eq("b", table.Bytes{0x20}), true},
	{"equal empty string", table.Eq("e", table.String("")), true},
	{"not equal to another number", table.Ne("n", table.Int(6)), true},
	{"not equal to the same number", table.Ne("n", table.Int(5)), false},
	{"not equal to a value of another type", table.Ne("n", table.String("5")), true},
	{"not equal on an attribute that is not there", table.Ne("none", table.Int(5)), true},
	{"less than a greater number", table.Less("n", table.Int(10)), true},
	{"less than the same number", table.Less("n", table.Int(5)), false},
	{"less than a smaller number", table.Less("n", table.Int(-10)), false},
	{"less than a text", table.Less("n", table.String("9")), false},
	{"less on an attribute that is not there", table.Less("none", table.Int(10)), false},
	{"less than a greater string", table.Less("s", table.String("ma")), true},
	{"less than a smaller string", table.Less("s", table.String("l")), false},
	{"less than greater bytes", table.Less("b", table.Bytes{0x20, 0x00}), true},
	{"greater than a smaller number", table.Greater("n", table.Number("4.99")), true},
	{"greater than the same number", table.Greater("n", table.Int(5)), false},
	{"greater than a greater number", table.Greater("n", table.Int(10)), false},
	{"greater than a smaller string, bytewise", table.Greater("s", table.String("Z")), true},
	{"greater than smaller bytes", table.Greater("b", table.Bytes{0x1f, 0xff}), true},
	{"greater on an attribute that is not there", table.Greater("none", table.Int(1)), false},
	{"has an attribute", table.Has("n"), true},
	{"has a null attribute", table.Has("z"), true},
	{"has an attribute that is not there", table.Has("none"), false},
	{"has not an attribute that is there", table.HasNot("n"), false},
	{"has not an attribute that is not there", table.HasNot("none"), true},
	{"on a key attribute", table.Eq(table.AttrSK, table.String("row")), true},
	{"all of two that hold", table.All(table.Has("n"), table.Eq("s", table.String("m"))), true},
	{"all with one that does not hold", table.All(table.Has("n"), table.Eq("s", table.String("x"))), false},
	{"any with one that holds", table.Any(table.Has("none"), table.Eq("s", table.String("m"))), true},
	{"any of none that hold", table.Any(table.Has("none"), table.Absent()), false},
	{"absent or older version", table.Any(table.Absent(), table.Less("n", table.Int(6))), true},
	{"nested both ways", table.All(table.Any(table.Absent(), table.Has("n")), table.Any(table.All(table.Has("s"), table.HasNot("none")))), true},
}

// absentCases are conditions and whether they hold where there is no item.
var absentCases = []struct {
	name string
	cond table.Cond
	want bool
}{
	{"absent", table.Absent(), true},
	{"present", table.Present(), false},
	{"equal", table.Eq("n", table.Int(5)), false},
	{"not equal wants an item", table.Ne("n", table.Int(5)), false},
	{"less", table.Less("n", table.Int(5)), false},
	{"greater", table.Greater("n", table.Int(5)), false},
	{"has", table.Has("n"), false},
	{"has not wants an item", table.HasNot("n"), false},
	{"any with absent", table.Any(table.Has("n"), table.Absent()), true},
	{"all with absent", table.All(table.Absent(), table.HasNot("n")), false},
}

func conditionItem(pk string) table.Item {
	return table.Item{
		table.AttrPK: table.String(pk), table.AttrSK: table.String("row"),
		"n": table.Int(5), "s": table.String("m"), "b": table.Bytes{0x20}, "l": table.List{table.Int(1)},
		"m": table.Map{"k": table.String("v")}, "z": table.Null{}, "t": table.Bool(true), "e": table.String(""),
	}
}

func testConditions(t *testing.T, open Open) {
	d := open(t, Options{})
	for _, c := range conditionCases {
		t.Run(c.name, func(t *testing.T) { holdsOnItem(t, d, "cond/"+c.name, c.cond, c.want) })
	}
	for _, c := range absentCases {
		t.Run("no item: "+c.name, func(t *testing.T) { holdsOnNothing(t, d, "none/"+c.name, c.cond, c.want) })
	}
}

// holdsOnItem tries the condition with every verb on a fresh item.
func holdsOnItem(t *testing.T, d Driver, pk string, c table.Cond, want bool) {
	ctx := context.Background()
	it := conditionItem(pk)
	mustPut(t, d, it)
	changed := it.Clone()
	changed["x"] = table.Int(1)
	for _, w := range []table.Write{
		table.Check(it.Key(), c),
		table.Update(it.Key(), c, table.Set("x", table.Int(1))),
		table.Put(changed, c),
		table.Delete(it.Key(), c),
	} {
		was := mustGet(t, d, it.Key())
		after, err := d.Write(ctx, w)
		if want {
			if err != nil {
				t.Fatalf("verb %d under a condition that holds: %v", w.Verb, err)
			}
			if gone := w.Verb == table.VerbCheck || w.Verb == table.VerbDelete; gone != (after == nil) {
				t.Errorf("verb %d answered %v", w.Verb, after)
			}
			continue
		}
		wantLost(t, err, was)
		wantStored(t, d, it.Key(), was)
	}
	if want {
		wantStored(t, d, it.Key(), nil)
	}
}

// holdsOnNothing tries the condition where there is no item; updates and deletes lose whatever it says.
func holdsOnNothing(t *testing.T, d Driver, pk string, c table.Cond, want bool) {
	ctx := context.Background()
	it := conditionItem(pk)
	_, err := d.Write(ctx, table.Update(it.Key(), c, table.Set("x", table.Int(1))))
	wantLost(t, err, nil)
	_, err = d.Write(ctx, table.Delete(it.Key(), c))
	wantLost(t, err, nil)
	wantStored(t, d, it.Key(), nil)
	for _, w := range []table.Write{table.Check(it.Key(), c), table.Put(it, c)} {
		_, err := d.Write(ctx, w)
		if !want {
			wantLost(t, err, nil)
			wantStored(t, d, it.Key(), nil)
		} else if err != nil {
			t.Errorf("verb %d under a condition that holds: %v", w.Verb, err)
		}
	}
	if want {
		wantStored(t, d, it.Key(), it)
	}
}
