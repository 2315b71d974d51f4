package sqlite

import (
	"bytes"
	"testing"

	"github.com/assetry/assetry/shared/table"
)

func FuzzDecode(f *testing.F) {
	full := table.Item{
		table.AttrPK: table.String("p"), table.AttrSK: table.String("s"), "n": table.Number("-1.5"), "b": table.Bytes{0, 255},
		"t": table.Bool(true), "f": table.Bool(false), "z": table.Null{}, "l": table.List{table.Int(1), table.Map{}},
		"m": table.Map{"k": table.List{}, "j": table.String("")},
	}
	f.Add(encode(full))
	f.Add(encode(table.Item{}))
	f.Add([]byte{1, 1, 'a', 'L', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{2, 1, 'a', 'Q'})
	f.Fuzz(func(t *testing.T, data []byte) {
		it, err := decode(data)
		if err != nil || it == nil {
			return
		}
		again, err := decode(encode(it))
		if err != nil || !bytes.Equal(encode(it), encode(again)) {
			t.Fatalf("%v became %v, %v", it, again, err)
		}
	})
}

func TestDecodeRefusesWhatIsCut(t *testing.T) {
	whole := encode(table.Item{"a": table.List{table.Map{"b": table.String("text")}}, "c": table.Int(12)})
	if _, err := decode(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were taken for an item", n, len(whole))
		}
	}
	if _, err := decode(append(whole, 0)); err == nil {
		t.Error("a byte too many was overlooked")
	}
}

func TestEqualItemsHaveEqualEncodings(t *testing.T) {
	make := func() table.Item {
		return table.Item{"a": table.Int(1), "b": table.Map{"x": table.Null{}, "y": table.Bool(true), "z": table.Bytes{}}, "c": table.List{}}
	}
	want := encode(make())
	for range 50 {
		if got := encode(make()); !bytes.Equal(got, want) {
			t.Fatalf("%x, then %x", want, got)
		}
	}
}
