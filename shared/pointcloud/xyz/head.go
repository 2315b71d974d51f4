package xyz

import (
	"bytes"
	"slices"
	"strconv"
)

// sample is how many bytes after the first point's line decide what its columns are.
const sample = 32 << 10

// sure is the share of sampled lines that have to have a colour for a file to have one. A few may be bad.
const sure = 0.9

var mark = []byte("\xef\xbb\xbf") // the byte order mark of UTF-8

// separators are tried in this order. A file with semicolons may have commas in columns that are passed over; blanks stand around both.
var separators = []string{Semicolon, Comma, Blanks}

// begin judges a line before the first point, and decides on the layout if the line is that. It takes a byte order mark off the line.
func (r *Reader) begin(line *[]byte) verdict {
	if r.state.Line == 1 {
		*line = bytes.TrimPrefix(*line, mark)
	}
	text := bytes.TrimSpace(*line)
	if len(text) == 0 {
		return none
	}
	if isComment(text) {
		r.names(bytes.TrimLeft(text, "#%!/ \t"))
		return none
	}
	for _, s := range separators {
		if columns := split(text, s); len(columns) >= 3 && areNumbers(columns[:3]) {
			r.decide(s, columns)
			return good
		}
	}
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n >= 0 && r.state.Declared == 0 {
		r.state.Declared = n
		return none
	}
	if r.state.Head == MaxHead {
		return unreadable
	}
	r.state.Head++
	r.names(text)
	return none
}

// split gives the columns of a line.
func split(text []byte, separator string) [][]byte {
	switch separator {
	case Semicolon:
		return trimmed(bytes.Split(text, []byte(";")))
	case Comma:
		return trimmed(bytes.Split(text, []byte(",")))
	default:
		return bytes.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == '\t' })
	}
}

func trimmed(columns [][]byte) [][]byte {
	for i, c := range columns {
		columns[i] = bytes.TrimSpace(c)
	}
	return columns
}

// areNumbers says whether all columns are numbers, NaN and infinity included.
func areNumbers(columns [][]byte) bool {
	return !slices.ContainsFunc(columns, func(c []byte) bool {
		_, n := number(c)
		if n == 0 {
			_, n = word(c)
		}
		return n == 0 || n != len(c)
	})
}

// known are the names of columns, in lower case, that mean something.
var known = map[string]func(*Layout) *int{
	"intensity": func(l *Layout) *int { return &l.Intensity },
	"i":         func(l *Layout) *int { return &l.Intensity },
	"red":       func(l *Layout) *int { return &l.Red },
	"r":         func(l *Layout) *int { return &l.Red },
	"green":     func(l *Layout) *int { return &l.Green },
	"g":         func(l *Layout) *int { return &l.Green },
	"blue":      func(l *Layout) *int { return &l.Blue },
	"b":         func(l *Layout) *int { return &l.Blue },
}

// names takes note of a line that names the columns: x, y, z and others. It counts only if the file's points have as many columns.
func (r *Reader) names(text []byte) {
	for _, s := range separators {
		columns := split(bytes.ToLower(text), s)
		if len(columns) < 3 || string(columns[0]) != "x" || string(columns[1]) != "y" || string(columns[2]) != "z" {
			continue
		}
		l := Layout{}
		for i, c := range columns[:min(len(columns), maxColumns)] {
			if at, ok := known[string(c)]; ok && *at(&l) == 0 {
				*at(&l) = i + 1
			}
		}
		if l.Red == 0 || l.Green == 0 || l.Blue == 0 {
			l.Red, l.Green, l.Blue = 0, 0, 0
		}
		r.state.Layout, r.state.Named = l, len(columns)
		return
	}
}

// decide settles the layout by the first point's columns, the names if there are any, and the lines that follow.
func (r *Reader) decide(separator string, columns [][]byte) {
	l := r.state.Layout
	if r.state.Named != len(columns) {
		l = r.guess(separator, columns)
	} else if l.Red > 0 && !r.areColours(separator, columns, l.Red, l.Green, l.Blue) { // in numbers of another kind
		l.Red, l.Green, l.Blue = 0, 0, 0
	}
	l.Separator, l.Columns = separator, len(columns)
	r.state.Layout = l
	r.prepare()
}

// guess says what unnamed columns are, by their number and by whether three of them look like a colour.
func (r *Reader) guess(separator string, columns [][]byte) (l Layout) {
	switch n := len(columns); {
	case n == 4 || n == 5:
		l.Intensity = 4
	case n >= 7 && r.areColours(separator, columns, 5, 6, 7):
		l.Intensity, l.Red, l.Green, l.Blue = 4, 5, 6, 7
	case n >= 6 && r.areColours(separator, columns, 4, 5, 6):
		l.Red, l.Green, l.Blue = 4, 5, 6
	}
	return l
}

// areColours says whether three columns are whole numbers from 0 to 255, in the first point's line and in those that follow.
func (r *Reader) areColours(separator string, first [][]byte, at ...int) bool {
	lines, fit := 0, 0
	rest := r.buf[r.at:min(r.end, r.at+sample)]
	for columns := first; ; {
		if len(columns) >= 3 && areNumbers(columns[:3]) {
			lines++
			if !slices.ContainsFunc(at, func(c int) bool { return len(columns) < c || !isShadeText(columns[c-1]) }) {
				fit++
			}
		}
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			return float64(fit) >= sure*float64(lines)
		}
		columns, rest = split(bytes.TrimSpace(line), separator), after
	}
}

func isShadeText(text []byte) bool {
	v, n := number(text)
	return n > 0 && n == len(text) && isShade(v)
}

// prepare makes the layout quick to go by.
func (r *Reader) prepare() {
	l := r.state.Layout
	r.comma = map[string]byte{Comma: ',', Semicolon: ';'}[l.Separator]
	r.want, r.last = 0b111, 3
	for _, c := range []int{l.Intensity, l.Red, l.Green, l.Blue} {
		if c > 0 && c <= maxColumns {
			r.want |= 1 << (c - 1)
			r.last = max(r.last, c)
		}
	}
}
