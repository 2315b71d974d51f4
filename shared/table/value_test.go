package table

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNewNumber(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for _, c := range []struct {
		name, in string
		want     Number // "": refused
	}{
		{"zero", "0", "0"},
		{"negative zero", "-0.00e5", "0"},
		{"leading and trailing zeros", "+0012.3400", "12.34"},
		{"a point at the end", "5.", "5"},
		{"a point at the beginning", "-.5", "-0.5"},
		{"a positive exponent", "1.5e+3", "1500"},
		{"a negative exponent", "15E-3", "0.015"},
		{"38 digits", nines, Number(nines)},
		{"38 digits and zeros around them", "000" + nines + "0000", Number(nines + "0000")},
		{"39 digits", "1" + nines, ""},
		{"the greatest", nines + "e88", Number(nines + strings.Repeat("0", 88))},
		{"beyond the greatest", "1e126", ""},
		{"the smallest", "1e-130", Number("0." + strings.Repeat("0", 129) + "1")},
		{"below the smallest", "9e-131", ""},
		{"nothing", "", ""},
		{"a sign alone", "-", ""},
		{"a point alone", ".", ""},
		{"two points", "1.2.3", ""},
		{"two signs", "+-1", ""},
		{"a fraction", "1/2", ""},
		{"words", "NaN", ""},
		{"hexadecimal", "0x10", ""},
		{"spaces", " 1", ""},
		{"underscores", "1_000", ""},
		{"a huge exponent", "1e999999999999", ""},
		{"digits of another script", "١", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := NewNumber(c.in)
			if (err != nil) != (c.want == "") || got != c.want {
				t.Errorf("NewNumber(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		})
	}
}

func FuzzNewNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.50", "1e-130", "9e125", "+.5e3", "00.10", "1e", "--1", "1e400", "12345678901234567890123456789012345678"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := NewNumber(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q was taken, but is no number", s)
		}
		if got, ok := new(big.Rat).SetString(string(n)); !ok || got.Cmp(want) != 0 {
			t.Fatalf("%q became %q", s, n)
		}
		if again, err := NewNumber(string(n)); err != nil || again != n {
			t.Fatalf("%q is not stable: %q, %v", n, again, err)
		}
	})
}

// aNumber draws Numbers of all magnitudes, many of them near each other.
func aNumber() *rapid.Generator[Number] {
	return rapid.Custom(func(t *rapid.T) Number {
		digits := rapid.StringMatching(`-?[0-9]{1,38}`).Draw(t, "digits")
		exp := rapid.SampledFrom([]string{"0", "-1", "-2", "1", "-38", "-120", "80"}).Draw(t, "exponent")
		n, err := NewNumber(digits + "e" + exp)
		if err != nil {
			return "0"
		}
		return n
	})
}

func rat(n Number) *big.Rat { r, _ := new(big.Rat).SetString(string(n)); return r }

func TestNumbersOrderByValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := aNumber().Draw(t, "a"), aNumber().Draw(t, "b")
		if got, want := a.Cmp(b), rat(a).Cmp(rat(b)); got != want {
			t.Fatalf("%s.Cmp(%s) = %d, want %d", a, b, got, want)
		}
	})
	if Number("1/3").Cmp("0") != 0 || Number("x").Cmp("-1") != 1 || Number("1.0").Cmp("1") != 0 {
		t.Error("text that is no number does not count as 0, or another form of a number not as the number")
	}
}

func TestPlusIsExactOrRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := aNumber().Draw(t, "a"), aNumber().Draw(t, "b")
		want := new(big.Rat).Add(rat(a), rat(b))
		sum, err := a.Plus(b)
		if err == nil && rat(sum).Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
		if _, refused := NewNumber(want.FloatString(300)); err != nil && refused == nil {
			t.Fatalf("%s + %s was refused: %v", a, b, err)
		}
	})
}

// aValue draws values of every type.
func aValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		switch n := rapid.IntRange(0, 4+2*min(depth, 1)).Draw(t, "type"); n {
		case 0:
			return String(rapid.String().Draw(t, "string"))
		case 1:
			return aNumber().Draw(t, "number")
		case 2:
			return Bytes(rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "bytes"))
		case 3:
			return Bool(rapid.Bool().Draw(t, "bool"))
		case 4:
			return Null{}
		case 5:
			return List(rapid.SliceOfN(aValue(depth-1), 0, 3).Draw(t, "list"))
		default:
			return Map(rapid.MapOfN(rapid.StringN(1, 4, -1), aValue(depth-1), 0, 3).Draw(t, "map"))
		}
	})
}

func TestCloneIsEqualAndApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		it := Item{AttrPK: String("p"), AttrSK: String("s"), "v": aValue(3).Draw(t, "v")}
		c := it.Clone()
		if !EqualItems(it, c) || it.Size() != c.Size() {
			t.Fatalf("%v became %v", it, c)
		}
		before := it.Clone()
		scribble(c["v"])
		c["new"] = Null{}
		if !EqualItems(it, before) {
			t.Fatalf("changing the copy changed %v to %v", before, it)
		}
	})
	if Item(nil).Clone() != nil {
		t.Error("the copy of nil is not nil")
	}
}

// scribble changes whatever can be changed in place.
func scribble(v Value) {
	switch v := v.(type) {
	case Bytes:
		for i := range v {
			v[i]++
		}
	case List:
		for i := range v {
			scribble(v[i])
			v[i] = String("scribbled")
		}
	case Map:
		for _, e := range v {
			scribble(e)
		}
		v["scribbled"] = Null{}
	}
}

func TestEqualIsSymmetricOverAllTypes(t *testing.T) {
	values := []Value{nil, String(""), String("1"), Int(1), Int(0), Bytes{}, Bytes("1"), Bool(true), Bool(false), Null{},
		List{}, List{Int(1)}, List{Null{}}, Map{}, Map{"a": Int(1)}, Map{"a": Null{}}, Map{"b": Int(1)}}
	for i, a := range values {
		for j, b := range values {
			if Equal(a, b) != (i == j) {
				t.Errorf("Equal(%#v, %#v) is %t", a, b, i != j)
			}
		}
	}
	if !Equal(Number("1.0"), Int(1)) || !Equal(List{Bytes(nil)}, List{Bytes{}}) {
		t.Error("equal values of other forms differ")
	}
	if EqualItems(nil, Item{}) || !EqualItems(nil, nil) {
		t.Error("an absent item equals an empty one, or not another absent one")
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Value
		want int
	}{
		{"text counts its bytes", String("é😀"), 6},
		{"bytes count themselves", Bytes{1, 2, 3}, 3},
		{"zero", Int(0), 1},
		{"two digits a byte and one", Int(1234), 3},
		{"zeros at the ends are free", Number("0.00120"), 2},
		{"a sign costs one", Int(-12), 3},
		{"bool", Bool(false), 1},
		{"null", Null{}, 1},
		{"an empty list", List{}, 3},
		{"a list costs one more per element", List{Null{}, Null{}}, 7},
		{"a map counts its names too", Map{"ab": Null{}}, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Item{"v": c.v}).Size(); got != 1+c.want {
				t.Errorf("got %d, want %d", got-1, c.want)
			}
		})
	}
}
