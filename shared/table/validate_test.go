package table

import (
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/fault"
)

func TestRefusalsSayWhatIsAllowed(t *testing.T) {
	k := Key{"p", "s"}
	for _, c := range []struct {
		name string
		err  error
		says string
	}{
		{"a number in another form names the way to make one", Validate(Update(k, Present(), Set("a", Number("1.0")))), "NewNumber"},
		{"no condition names conditions", Validate(Delete(k, Cond{})), "Absent"},
		{"a large item says how large", ValidateItem(Item{AttrPK: String("p"), AttrSK: String("s"), "a": String(strings.Repeat("x", MaxItemSize))}), "409600"},
		{"a long key says its limit", ValidateKey(Key{strings.Repeat("p", 2049), "s"}), "2048"},
		{"an attribute edited twice is named", Validate(Update(k, Present(), Set("a", Null{}), Remove("a"))), "a: is edited twice"},
		{"a key edited is named", Validate(Update(k, Present(), Remove(AttrSK))), AttrSK},
		{"a map inside a list is looked into", Validate(Update(k, Present(), Set("a", List{Map{"": Null{}}}))), "name is empty"},
		{"too many writes say how many", ValidateTransact(make([]Write, 101)), "1 to 100"},
		{"a write of a transaction is numbered", ValidateTransact([]Write{Check(k, Present()), Check(Key{}, Present())}), "write 1"},
		{"the same item twice is named", ValidateTransact([]Write{Check(k, Present()), Delete(k, Present())}), "writes 0 and 1"},
		{"another key than the item's", Validate(Write{Verb: VerbPut, Key: k, Item: Item{AttrPK: String("p"), AttrSK: String("x")}, If: Absent()}), "p / x"},
		{"All of nothing wants something", Validate(Delete(k, All(make([]Cond, 0)...))), "at least one"},
		{"a value of a foreign type", Validate(Update(k, Present(), Set("a", new(String)))), "*table.String"},
		{"a limit of none", ValidateQuery(Query{PK: "p"}), "1 to 1000"},
		{"a position of another partition", ValidateQuery(Query{PK: "p", Limit: 1, After: &Pos{Key: Key{"q", "s"}}}), `"q"`},
		{"an index key of another type", ValidateIndexed(Item{"c": Int(1)}, []Index{{"by-c", "c", "d"}}), "by-c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !fault.Is(c.err, fault.Invalid) || !strings.Contains(c.err.Error(), c.says) {
				t.Errorf("got %v, want an invalid that says %q", c.err, c.says)
			}
		})
	}
}

func TestLimitsAreInclusive(t *testing.T) {
	k := Key{strings.Repeat("p", MaxPKSize), strings.Repeat("s", MaxSKSize)}
	conds := make([]Cond, MaxConds-1)
	for i := range conds {
		conds[i] = Has("a")
	}
	if err := Validate(Delete(k, All(conds...))); err != nil {
		t.Error(err)
	}
	if err := Validate(Delete(k, All(append(conds, Has("a"))...))); !fault.Is(err, fault.Invalid) {
		t.Errorf("one condition too many: %v", err)
	}
	deep := Value(Int(1))
	for range MaxDepth {
		deep = List{deep}
	}
	if err := Validate(Update(k, Present(), Set("a", deep))); err != nil {
		t.Error(err)
	}
	if err := Validate(Update(k, Present(), Set("a", Map{"a": deep}))); !fault.Is(err, fault.Invalid) {
		t.Errorf("one level too many: %v", err)
	}
	if err := ValidateQuery(Query{PK: k.PK, From: "b", To: "a", Limit: MaxQuery, After: &Pos{}}); err != nil {
		t.Errorf("an empty range is valid: %v", err)
	}
}
