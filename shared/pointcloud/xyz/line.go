package xyz

import (
	"bytes"
	"math"
)

// verdict is what a line is.
type verdict uint8

const (
	good       verdict = iota // a point
	none                      // neither a point nor a mistake
	unreadable                // a wanted column is missing or no number
	notANumber                // a wanted column is NaN
	outOfRange                // a wanted column is infinite, or a coordinate beyond MaxCoordinate
)

// maxColumns is how many columns are looked at; what follows them is never wanted.
const maxColumns = 32

// point reads a line into p.
func (r *Reader) point(line []byte, p *Point) verdict {
	if r.last == 0 {
		why := r.begin(&line)
		if why != good {
			return why
		}
	}
	var v [maxColumns]float64
	i := skip(line, 0)
	if i == len(line) || isComment(line[i:]) {
		return none
	}
	for c := 0; ; {
		if r.want&(1<<c) != 0 {
			x, n := number(line[i:])
			if n == 0 {
				if x, n = word(line[i:]); n == 0 {
					return unreadable
				}
			}
			v[c] = x
			i += n
		} else {
			i = r.over(line, i)
		}
		if c++; c == r.last {
			break
		}
		if i = r.next(line, i); i < 0 {
			return unreadable
		}
	}
	if !r.ends(line, i) {
		return unreadable
	}
	return r.take(&v, p)
}

// take puts the columns where they belong.
func (r *Reader) take(v *[maxColumns]float64, p *Point) verdict {
	x, y, z := v[0], v[1], v[2]
	if !(math.Abs(x) <= MaxCoordinate && math.Abs(y) <= MaxCoordinate && math.Abs(z) <= MaxCoordinate) {
		if x != x || y != y || z != z {
			return notANumber
		}
		return outOfRange
	}
	*p = Point{X: x, Y: y, Z: z}
	l := &r.state.Layout
	if l.Intensity > 0 {
		switch p.Intensity = v[l.Intensity-1]; {
		case p.Intensity != p.Intensity:
			return notANumber
		case math.IsInf(p.Intensity, 0):
			return outOfRange
		}
	}
	if l.Red > 0 {
		red, green, blue := v[l.Red-1], v[l.Green-1], v[l.Blue-1]
		if !isShade(red) || !isShade(green) || !isShade(blue) {
			return unreadable
		}
		p.R, p.G, p.B = uint8(red), uint8(green), uint8(blue)
	}
	return good
}

// isShade says whether v is a part of a colour.
func isShade(v float64) bool { return v >= 0 && v <= 255 && v == math.Trunc(v) }

// next gives the start of the next column, from the end of one; -1 if there is none.
func (r *Reader) next(line []byte, i int) int {
	j := skip(line, i)
	if r.comma != 0 {
		if j == len(line) || line[j] != r.comma {
			return -1
		}
		return skip(line, j+1)
	}
	if j == i || j == len(line) {
		return -1
	}
	return j
}

// over passes over a column that is not wanted.
func (r *Reader) over(line []byte, i int) int {
	for i < len(line) && line[i] != r.comma && (r.comma != 0 || line[i] != ' ' && line[i] != '\t') {
		i++
	}
	return i
}

// ends says whether a column ends at i.
func (r *Reader) ends(line []byte, i int) bool {
	if i == len(line) {
		return true
	}
	if r.comma == 0 {
		return line[i] == ' ' || line[i] == '\t'
	}
	i = skip(line, i)
	return i == len(line) || line[i] == r.comma
}

// skip passes over blanks.
func skip(line []byte, i int) int {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	return i
}

// isComment says whether a line that begins so is a comment. A minus never begins one, so a point is never lost.
func isComment(b []byte) bool {
	return b[0] == '#' || b[0] == '%' || b[0] == '!' || b[0] == '/' && len(b) > 1 && b[1] == '/'
}

// words are the spellings of what is no finite number.
var words = []struct {
	text  string
	value float64
}{{"nan", math.NaN()}, {"infinity", math.Inf(1)}, {"inf", math.Inf(1)}}

// word reads a spelling of NaN or of infinity, and gives the bytes it takes: 0 if there is none.
func word(b []byte) (v float64, n int) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		n = 1
	}
	for _, w := range words {
		if rest := b[n:]; len(rest) >= len(w.text) && bytes.EqualFold(rest[:len(w.text)], []byte(w.text)) {
			return w.value, n + len(w.text)
		}
	}
	return 0, 0
}
