package media

import (
	"bytes"
	"fmt"
)

// What the beginning of a list of points has to be.
const (
	xyzNumbers = 3   // columns that every point has: x, y, z
	xyzLines   = 200 // lines of points that are judged at most
	xyzBadOf   = 10  // one bad line among so many is left to whoever reads the points
	xyzAlike   = 100 // from so many lines on not all may be the same
)

// lookXYZ judges the beginning of a list of points as text: lines of at least three numbers with spaces, tabs, commas or semicolons between. A
// byte order mark, blank lines, comments (# and //), one line of column names and one with the number of points may come before.
func lookXYZ(r *reader) (Info, error) {
	head, err := r.upTo(0, HeadSize)
	if err != nil {
		return Info{}, err
	}
	switch plain := isLines(head); {
	case !plain && isText(head):
		return Info{}, notXYZ("it has bytes that no text has")
	case !plain, isMarkup(head):
		return Info{}, notXYZ("it is " + describe(head))
	}
	x := xyzHead{text: bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), whole: r.size == int64(len(head))}
	for line, ok := x.next(); ok && x.points < xyzLines; line, ok = x.next() {
		if err := x.judge(line); err != nil {
			return Info{}, err
		}
	}
	return Info{}, x.verdict()
}

// xyzHead goes through the beginning of a file line by line.
type xyzHead struct {
	text          []byte // what is still to be read
	whole         bool   // the file ends with it
	number        int    // of the line that was read last, from 1
	names, counts int    // lines of column names and of the number of points
	points, bad   int    // lines of points, and lines among them that are none
	firstBad      int    // number of the first bad one
	badText       []byte
	first         []byte // line of points
	different     bool   // another line of points is not like the first
}

// next gives a line without its end; ok is false where no whole line is left.
func (x *xyzHead) next() (line []byte, ok bool) {
	if len(x.text) == 0 {
		return nil, false
	}
	line, rest, ended := bytes.Cut(x.text, []byte("\n"))
	if !ended && !x.whole {
		return nil, false
	}
	x.text = rest
	x.number++
	return bytes.TrimSpace(line), true
}

// judge takes a line into account.
func (x *xyzHead) judge(line []byte) error {
	switch n := numbersIn(line); {
	case len(line) == 0, line[0] == '#', bytes.HasPrefix(line, []byte("//")):
	case n >= xyzNumbers:
		if x.first == nil {
			x.first = line
		}
		x.different = x.different || !bytes.Equal(line, x.first)
		x.points++
	case x.points > 0:
		x.points++
		x.wrong(line)
	case n == 1 && isCount(line) && x.counts == 0:
		x.counts++
	case n == 0 && x.names == 0:
		x.names++
	default:
		return notXYZ(fmt.Sprintf("its line %d, %.40q, is no point", x.number, line))
	}
	return nil
}

func (x *xyzHead) wrong(line []byte) {
	if x.bad == 0 {
		x.firstBad, x.badText = x.number, line
	}
	x.bad++
}

// verdict is nil for the beginning of a list of points.
func (x *xyzHead) verdict() error {
	switch {
	case x.points == 0 && x.number == 0:
		return notXYZ(fmt.Sprintf("no line ends within its first %d bytes", HeadSize))
	case x.points == 0:
		return notXYZ("no line of it is a point")
	case x.bad*xyzBadOf > x.points:
		return notXYZ(fmt.Sprintf("%d of its first %d lines are no points, such as line %d, %.40q", x.bad, x.points, x.firstBad, x.badText))
	case x.points >= xyzAlike && !x.different:
		return notXYZ(fmt.Sprintf("its first %d points are all the same, %.40q", x.points, x.first))
	}
	return nil
}

// notXYZ refuses a file that was announced as a list of points.
func notXYZ(what string) *Rejected {
	return &Rejected{"The file was announced as xyz, but " + what +
		". An xyz file has a point in each line: at least three numbers, with spaces, tabs, commas or semicolons between."}
}

// isLines says whether bytes have none of the control characters that text does not have. Comments may be in any encoding.
func isLines(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' })
}

// numbersIn is how many numbers a line begins with; 0 where it begins with anything else.
func numbersIn(line []byte) (n int) {
	for _, field := range bytes.FieldsFunc(line, isSeparator) {
		if !isNumber(field) {
			return n
		}
		n++
	}
	return n
}

func isSeparator(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }

// isNumber says whether a field is a decimal number, as programs write them, or stands for one that was not measured.
func isNumber(field []byte) bool {
	if bytes.EqualFold(field, []byte("nan")) {
		return true
	}
	mantissa, exponent, scaled := bytes.Cut(bytes.ToLower(field), []byte("e"))
	if scaled && !isCount(unsigned(exponent)) {
		return false
	}
	before, after, _ := bytes.Cut(unsigned(mantissa), []byte("."))
	return len(before)+len(after) > 0 && isDigits(before) && isDigits(after)
}

// unsigned takes one sign off.
func unsigned(b []byte) []byte {
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		return b[1:]
	}
	return b
}

// isCount says whether a field is a whole number without a sign.
func isCount(b []byte) bool { return len(b) > 0 && isDigits(b) }

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
