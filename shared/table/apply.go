package table

import (
	"math/big"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

// Apply gives a copy of the item with the edits done. Adding to an attribute that is no Number, a sum over 38 digits or out of a
// Number's range, and an outcome over MaxItemSize are fault.Invalid. The edits must have passed Validate.
func Apply(it Item, edits []Edit) (Item, error) {
	out := it.Clone()
	for _, e := range edits {
		switch e.Op {
		case EditSet:
			out[e.Attr] = cloneValue(e.Value)
		case EditRemove:
			delete(out, e.Attr)
		case EditAdd:
			sum, err := addTo(out[e.Attr], e)
			if err != nil {
				return nil, err
			}
			out[e.Attr] = sum
		}
	}
	if n := out.Size(); n > MaxItemSize {
		return nil, fault.BadField("item", "%s would have %d bytes; at most %d are allowed", out.Key(), n, MaxItemSize)
	}
	return out, nil
}

func addTo(current Value, e Edit) (Number, error) {
	by, _ := e.Value.(Number)
	if current == nil {
		return by, nil
	}
	n, ok := current.(Number)
	if !ok {
		return "", fault.BadField(e.Attr, "is %s; only a Number can be added to", typeName(current))
	}
	sum, err := n.Plus(by)
	if err != nil {
		return "", fault.BadField(e.Attr, "adding %s to %s: %v", by, n, err)
	}
	return sum, nil
}

// Plus adds two canonical Numbers exactly; an error if the sum needs more than 38 digits or is out of range.
func (n Number) Plus(m Number) (Number, error) {
	a, ascale, err := n.scaled()
	if err != nil {
		return "", err
	}
	b, bscale, err := m.scaled()
	if err != nil {
		return "", err
	}
	scale := max(ascale, bscale)
	a.Mul(a, pow10(scale-ascale))
	b.Mul(b, pow10(scale-bscale))
	digits := a.Add(a, b).String()
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	whole := len(digits) - scale
	return NewNumber(sign + digits[:whole] + "." + digits[whole:])
}

// scaled gives the integer and the count of decimals that make up the Number.
func (n Number) scaled() (*big.Int, int, error) {
	canonical, err := NewNumber(string(n))
	if err != nil {
		return nil, 0, err
	}
	whole, frac, _ := strings.Cut(string(canonical), ".")
	i, _ := new(big.Int).SetString(whole+frac, 10)
	return i, len(frac), nil
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
