package table

import (
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/fault"
)

func TestApply(t *testing.T) {
	base := func() Item {
		return Item{AttrPK: String("p"), AttrSK: String("s"), "n": Number("1.5"), "t": String("text"), "z": Null{}}
	}
	for _, c := range []struct {
		name  string
		edits []Edit
		want  Item // nil: refused
	}{
		{"set replaces and adds", []Edit{Set("t", Int(1)), Set("new", Bytes{})},
			Item{AttrPK: String("p"), AttrSK: String("s"), "n": Number("1.5"), "t": Int(1), "z": Null{}, "new": Bytes{}}},
		{"remove takes out, also what is not there", []Edit{Remove("t"), Remove("none"), Remove("z"), Remove("n")},
			Item{AttrPK: String("p"), AttrSK: String("s")}},
		{"add sums and starts from zero", []Edit{Add("n", "-2"), Add("m", "3"), Remove("z"), Remove("t")},
			Item{AttrPK: String("p"), AttrSK: String("s"), "n": Number("-0.5"), "m": Int(3)}},
		{"add to a text", []Edit{Add("t", "1")}, nil},
		{"add to a null", []Edit{Add("z", "1")}, nil},
		{"a sum of 39 digits", []Edit{Add("n", Number(strings.Repeat("9", 38)))}, nil},
		{"an item too large", []Edit{Set("t", String(strings.Repeat("x", MaxItemSize)))}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			it := base()
			got, err := Apply(it, c.edits)
			if c.want == nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("got %v, %v; want an invalid", got, err)
			}
			if c.want != nil && (err != nil || !EqualItems(got, c.want)) {
				t.Errorf("got %v, %v; want %v", got, err, c.want)
			}
			if !EqualItems(it, base()) {
				t.Errorf("the item given was changed: %v", it)
			}
		})
	}
}

func TestApplyCopiesWhatItSets(t *testing.T) {
	v := Bytes("abc")
	got, err := Apply(Item{AttrPK: String("p"), AttrSK: String("s")}, []Edit{Set("b", v)})
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 'X'
	if !Equal(got["b"], Bytes("abc")) {
		t.Error("the item holds the caller's bytes")
	}
}
