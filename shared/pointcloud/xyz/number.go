package xyz

import (
	"strconv"
	"unsafe"
)

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// exact is the first whole number beyond which not every one is a float64.
const exact = 1 << 53

// maxDigits is how many decimal digits certainly fit into 64 bits.
const maxDigits = 19

// number reads the decimal number at the start of b: digits with or without a sign, a point and an exponent. It gives the number, rounded as
// strconv.ParseFloat does, and the bytes it takes: 0 if there is none. One that is too large for a float64 is infinite.
//
// Nearly every number of a point cloud has at most 15 digits. Then digits and power of ten are exact in a float64, and one multiplication or
// division rounds once, which is what is asked for. The others are left to strconv.
func number(b []byte) (v float64, n int) {
	i, negative := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		i = 1
	}
	first := i
	var digits uint64
	for i < len(b) && b[i]-'0' < 10 {
		digits = digits*10 + uint64(b[i]-'0')
		i++
	}
	count, power := i-first, 0
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) && b[i]-'0' < 10 {
			digits = digits*10 + uint64(b[i]-'0')
			i++
		}
		power = point - i
		count += i - point
	}
	if count == 0 {
		return 0, 0
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		end, e := exponent(b, i+1)
		if end == 0 {
			return 0, 0
		}
		i, power = end, power+e
	}
	if count > maxDigits || digits >= exact || power < -22 || power > 22 {
		return hard(b[:i]), i
	}
	if v = float64(digits); power < 0 {
		v /= tens[-power]
	} else if power > 0 {
		v *= tens[power]
	}
	if negative {
		v = -v
	}
	return v, i
}

// exponent reads the exponent at i, and gives where it ends: 0 if there is none.
func exponent(b []byte, i int) (end, e int) {
	negative := false
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' < 10 {
		if e < 10_000 { // beyond every float64
			e = e*10 + int(b[i]-'0')
		}
		i++
	}
	if i == first {
		return 0, 0
	}
	if negative {
		e = -e
	}
	return i, e
}

// hard gives the number that b spells, which is well formed. ParseFloat does not keep the text.
func hard(b []byte) float64 {
	v, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(b), len(b)), 64) // out of range: infinite, which is what is wanted
	return v
}
