package table

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Value is one attribute value. The concrete types are String, Number, Bytes, Bool, Null, List and Map, as in DynamoDB.
type Value interface{ value() }

// The value types. Sets are left out on purpose: a list says the same and keeps its order.
type (
	String string           // may be empty, except as a key
	Number string           // canonical decimal text, see NewNumber; up to 38 significant digits, magnitude 1e-130 to 9.9e125
	Bytes  []byte           // may be empty, except as a key
	Bool   bool             // true or false
	Null   struct{}         // present, without a value
	List   []Value          // any depth up to MaxDepth
	Map    map[string]Value // any depth up to MaxDepth
)

func (String) value() {}
func (Number) value() {}
func (Bytes) value()  {}
func (Bool) value()   {}
func (Null) value()   {}
func (List) value()   {}
func (Map) value()    {}

// MaxDepth is how many lists and maps may lie in each other. DynamoDB allows 32 levels and counts what the innermost holds as one.
const MaxDepth = 31

// Int makes a Number from an integer.
func Int(n int64) Number { return Number(strconv.FormatInt(n, 10)) }

// NewNumber brings a decimal text into the canonical form both drivers store and return: no exponent, no leading or trailing
// zeros, no "-0". It refuses more than 38 significant digits, and magnitudes outside 1e-130 to 9.9...e125 (DynamoDB's range).
func NewNumber(s string) (Number, error) {
	mant, exp, err := splitDecimal(s)
	if err != nil {
		return "", err
	}
	neg := strings.HasPrefix(mant, "-")
	digits := strings.TrimLeft(strings.TrimPrefix(mant, "-"), "0")
	trimmed := strings.TrimRight(digits, "0")
	exp += len(digits) - len(trimmed)
	digits = trimmed
	if digits == "" {
		return "0", nil
	}
	if len(digits) > 38 {
		return "", fmt.Errorf("number has %d significant digits; at most 38 are kept", len(digits))
	}
	if top := exp + len(digits) - 1; top > 125 || top < -130 {
		return "", fmt.Errorf("number of magnitude 1e%d is outside 1e-130 to 9.9e125", top)
	}
	var out string
	switch point := len(digits) + exp; {
	case exp >= 0:
		out = digits + strings.Repeat("0", exp)
	case point > 0:
		out = digits[:point] + "." + digits[point:]
	default:
		out = "0." + strings.Repeat("0", -point) + digits
	}
	if neg {
		out = "-" + out
	}
	return Number(out), nil
}

// splitDecimal reads [sign]digits[.digits][e[sign]digits] into signed digits without a point and a power of ten.
func splitDecimal(s string) (digits string, exp int, err error) {
	bad := fmt.Errorf("%.60q is not a decimal number", s)
	body := s
	sign := ""
	if strings.HasPrefix(body, "-") || strings.HasPrefix(body, "+") {
		if body[0] == '-' {
			sign = "-"
		}
		body = body[1:]
	}
	if i := strings.IndexAny(body, "eE"); i >= 0 {
		if exp, err = strconv.Atoi(body[i+1:]); err != nil || exp > 1000 || exp < -1000 {
			return "", 0, bad
		}
		body = body[:i]
	}
	whole, frac, _ := strings.Cut(body, ".")
	if whole+frac == "" || strings.Trim(whole+frac, "0123456789") != "" || len(whole)+len(frac) > 400 {
		return "", 0, bad
	}
	return sign + whole + frac, exp - len(frac), nil
}

// Int64 reads a Number that is a whole number within int64.
func (n Number) Int64() (int64, error) { return strconv.ParseInt(string(n), 10, 64) }

// Cmp orders two Numbers by value: -1, 0 or +1. Text that is no number counts as 0.
func (n Number) Cmp(m Number) int {
	if n == m {
		return 0
	}
	a, aneg := n.magnitude()
	b, bneg := m.magnitude()
	switch {
	case aneg && bneg:
		return cmpMagnitudes(b, a)
	case aneg:
		return -1
	case bneg:
		return 1
	}
	return cmpMagnitudes(a, b)
}

// magnitude gives the canonical text without its sign.
func (n Number) magnitude() (text string, negative bool) {
	canonical, err := NewNumber(string(n))
	if err != nil {
		return "0", false
	}
	text, negative = strings.CutPrefix(string(canonical), "-")
	return text, negative
}

// cmpMagnitudes orders canonical texts without signs: by the digits before the point, then digit by digit.
func cmpMagnitudes(a, b string) int {
	aw, af, _ := strings.Cut(a, ".")
	bw, bf, _ := strings.Cut(b, ".")
	return cmp.Or(cmp.Compare(len(aw), len(bw)), strings.Compare(aw, bw), strings.Compare(af, bf))
}

// Item is a whole row: its attributes by name, the two key attributes (AttrPK, AttrSK) among them.
type Item map[string]Value

// Key names the row of the item.
func (it Item) Key() Key { return Key{it.Str(AttrPK), it.Str(AttrSK)} }

// Str is a String attribute, or "" where it is absent or of another type.
func (it Item) Str(name string) string { s, _ := it[name].(String); return string(s) }

// Int is a Number attribute as an int64, or 0 where it is absent, of another type or not whole.
func (it Item) Int(name string) int64 {
	n, _ := it[name].(Number)
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return i
}

// Bool is a Bool attribute, or false where it is absent or of another type.
func (it Item) Bool(name string) bool { b, _ := it[name].(Bool); return bool(b) }

// Clone is a deep copy; nil stays nil.
func (it Item) Clone() Item {
	if it == nil {
		return nil
	}
	return Item(cloneMap(Map(it)))
}

func cloneMap(m Map) Map {
	out := make(Map, len(m))
	for k, v := range m {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v Value) Value {
	switch v := v.(type) {
	case Bytes:
		return Bytes(bytes.Clone(v))
	case List:
		out := make(List, len(v))
		for i, e := range v {
			out[i] = cloneValue(e)
		}
		return out
	case Map:
		return cloneMap(v)
	default:
		return v
	}
}

// Equal compares two values: Numbers by value, everything else exactly. Two nil values are equal.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case Number:
		b, ok := b.(Number)
		return ok && (a == b || a.Cmp(b) == 0)
	case Bytes:
		b, ok := b.(Bytes)
		return ok && bytes.Equal(a, b)
	case List:
		b, ok := b.(List)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case Map:
		b, ok := b.(Map)
		return ok && equalMaps(a, b)
	case String:
		b, ok := b.(String)
		return ok && a == b
	case Bool:
		b, ok := b.(Bool)
		return ok && a == b
	case Null:
		_, ok := b.(Null)
		return ok
	default: // none of the seven types; Validate refuses it
		return false
	}
}

func equalMaps(a, b Map) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		w, ok := b[k]
		if !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

// EqualItems compares two items, attribute by attribute.
func EqualItems(a, b Item) bool { return (a == nil) == (b == nil) && equalMaps(Map(a), Map(b)) }

// MaxItemSize is the largest item in bytes, as Size counts them (DynamoDB's 400 KB).
const MaxItemSize = 400 * 1024

// Size is the size of an item in bytes by DynamoDB's rules: names and strings in UTF-8 bytes, a number one byte per two
// significant digits plus one, a bool or null one, a list or map three plus one per element.
func (it Item) Size() int {
	n := 0
	for name, v := range it {
		n += len(name) + sizeOf(v)
	}
	return n
}

func sizeOf(v Value) int {
	switch v := v.(type) {
	case String:
		return len(v)
	case Number:
		digits := strings.Trim(strings.ReplaceAll(strings.TrimLeft(string(v), "-"), ".", ""), "0")
		n := (len(digits)+1)/2 + 1
		if strings.HasPrefix(string(v), "-") {
			n++
		}
		return n
	case Bytes:
		return len(v)
	case List:
		n := 3
		for _, e := range v {
			n += 1 + sizeOf(e)
		}
		return n
	case Map:
		n := 3
		for k, e := range v {
			n += 1 + len(k) + sizeOf(e)
		}
		return n
	default: // Bool, Null
		return 1
	}
}
