package xyz

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// sameAsParseFloat holds number to strconv.ParseFloat for one text.
func sameAsParseFloat(t interface{ Errorf(string, ...any) }, text string) {
	got, n := number([]byte(text))
	want, err := strconv.ParseFloat(text, 64)
	if n != len(text) {
		t.Errorf("number(%q) takes %d bytes of %d", text, n, len(text))
	}
	if math.Float64bits(got) != math.Float64bits(want) {
		t.Errorf("number(%q) = %v, ParseFloat says %v (%v)", text, got, want, err)
	}
}

func TestNumberIsThatOfParseFloat(t *testing.T) {
	for _, text := range []string{
		"0", "-0", "+0.0", "1", "-1.", ".5", "-.5", "12.345", "0001.5000", "9007199254740991", "9007199254740992", "9007199254740993",
		"0.1234567890123456789", "1e22", "1e23", "1e-22", "1e-23", "123456789e22", "5e-324", "2.4703282292062328e-324", "1.7976931348623157e308",
		"1e309", "-1e400", "1e-400", "1E5", "1e+05", "1e99999999999999999999", "0e99999999999999999999", "18446744073709551615", "18446744073709551616",
		"99999999999999999999999999", "0.00000000000000000000000000000000000000000001", "3.14159265358979323846264338327950288",
	} {
		sameAsParseFloat(t, text)
	}
}

func TestNumberOfAnyTextIsThatOfParseFloat(t *testing.T) {
	text := rapid.StringMatching(`[+-]?([0-9]{1,24}(\.[0-9]{0,24})?|\.[0-9]{1,24})([eE][+-]?[0-9]{1,3})?`)
	short := rapid.StringMatching(`-?[0-9]{1,7}\.[0-9]{1,6}`)
	exact := rapid.Custom(func(t *rapid.T) string {
		v := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			v = 1
		}
		return strconv.FormatFloat(v, rapid.SampledFrom([]byte("efg")).Draw(t, "verb"), rapid.IntRange(-1, 20).Draw(t, "digits"), 64)
	})
	rapid.Check(t, func(t *rapid.T) { sameAsParseFloat(t, rapid.OneOf(text, short, exact).Draw(t, "text")) })
}

func TestNumberTakesWhatIsOne(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "-": 0, ".": 0, "+.": 0, "e5": 0, "1e": 0, "1e+": 0, "x1": 0, "1x": 1, "1,5": 1, "1.5.2": 3, "1 2": 1, "0x10": 1, "1_000": 1, "--1": 0, "nan": 0, "∞": 0,
	} {
		if _, n := number([]byte(text)); n != want {
			t.Errorf("number(%q) takes %d bytes, want %d", text, n, want)
		}
	}
}
