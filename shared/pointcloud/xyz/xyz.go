// Package xyz reads point clouds written as lines of numbers.
//
// There is no standard for such files; this is what is read. A line is a point: x, y and z, and behind them nothing, an intensity, a colour, or an
// intensity and a colour; whatever follows is passed over. Between numbers stand blanks (spaces and tabs, as many as like), or one comma, or
// one semicolon, with blanks around it as they come. Lines end with LF or CRLF; the last may lack its end. A byte order mark, blank lines,
// comments (#, //, %, !), a line with nothing but the number of points, and up to MaxHead lines of other text before the first point are no
// points and no mistakes.
//
// The first point's line decides for the whole file: its separator, and together with the lines after it (Layout) what the columns are. So
// a file that means two things is never read half one way and half the other: a line that does not fit is bad. Decimal commas are
// therefore not numbers, and never two columns by mistake.
//
// A line is bad if a column that is wanted is missing, NaN, infinite or no number, if a coordinate is beyond MaxCoordinate, if a colour is no whole
// number from 0 to 255, or if it is longer than MaxLine. Bad lines are counted, the first ones by their number, and reading goes on.
//
// A Reader holds BufferSize bytes, whatever comes, and allocates nothing for a line. Its State may be kept between any two calls of Read, and
// a later Reader goes on from there, in another process; the points and counts are the same as without a break.
package xyz

import (
	"io"
)

// Bounds of what is read.
const (
	MaxCoordinate = 1e7       // the largest |x|, |y| or |z|, in the file's units: beyond the metres of any map projection
	MaxLine       = 4 << 10   // the longest line, in bytes: a hundred columns with every digit of a float64 fit twice
	MaxHead       = 64        // lines of text before the first point
	MaxBadLines   = 20        // bad lines whose numbers are kept
	BufferSize    = 256 << 10 // bytes that a Reader holds
)

// Point is one point. What the file does not have is zero.
type Point struct {
	X, Y, Z   float64 // in the file's units
	Intensity float64 // as the file has it: scanners use 0 to 1, 0 to 255, -2048 to 2047 and others
	R, G, B   uint8
}

// The separators of a Layout.
const (
	Blanks    = "blanks" // spaces and tabs
	Comma     = "comma"
	Semicolon = "semicolon"
)

// Layout is what the columns of a file are. Columns count from 1; 0 is a column that the file does not have.
type Layout struct {
	Separator string `json:"separator"` // Blanks, Comma or Semicolon
	Columns   int    `json:"columns"`   // of the first point's line; those that are not named here are passed over
	Intensity int    `json:"intensity,omitempty"`
	Red       int    `json:"red,omitempty"`
	Green     int    `json:"green,omitempty"`
	Blue      int    `json:"blue,omitempty"`
}

// HasIntensity says whether points have an intensity.
func (l Layout) HasIntensity() bool { return l.Intensity > 0 }

// HasColour says whether points have a colour.
func (l Layout) HasColour() bool { return l.Red > 0 }

// Bad counts the lines that are no points.
type Bad struct {
	Unreadable int64   `json:"unreadable"`   // a wanted column is missing or no number, a colour is none, or the line is too long
	NaN        int64   `json:"nan"`          // a wanted column is not a number
	OutOfRange int64   `json:"out_of_range"` // a wanted column is infinite, or a coordinate beyond MaxCoordinate
	Lines      []int64 `json:"lines"`        // numbers of the first MaxBadLines, from 1, as an editor counts them
}

// Total is the number of bad lines.
func (b Bad) Total() int64 { return b.Unreadable + b.NaN + b.OutOfRange }

// State is where a Reader stands, and what it has counted so far. Its JSON is that of checkpoints.
type State struct {
	Offset int64 `json:"offset"`           // bytes read; the next line begins there, unless Within
	Within bool  `json:"within,omitempty"` // Offset is in the middle of a line that is too long, and is counted already
	Line   int64 `json:"line"`             // lines read
	Points int64 `json:"points"`
	Bad    Bad   `json:"bad"`

	Declared int64  `json:"declared,omitempty"` // points, as the file's own count says; 0: it has none
	Head     int    `json:"head,omitempty"`     // lines of text before the first point
	Named    int    `json:"named,omitempty"`    // columns that a line of names said there are
	Layout   Layout `json:"layout"`             // without Columns before the first point, when it holds what a line of names said
}

// Reader reads the points of a file.
type Reader struct {
	src   io.Reader
	state State
	err   error // of src, once its bytes are used up

	buf     []byte
	at, end int // the unread bytes of buf

	want  uint32 // columns of the layout after z, as bits
	last  int    // the last of them
	comma byte   // the separator; 0: blanks
}

// NewReader reads from the beginning of a file, or goes on where a State was taken: then src begins at its Offset.
func NewReader(src io.Reader, from State) *Reader {
	r := &Reader{src: src, state: from, buf: make([]byte, BufferSize)}
	r.state.Bad.Lines = append([]int64(nil), from.Bad.Lines...)
	if from.Layout.Columns > 0 {
		r.prepare()
	}
	return r
}

// State is where the reader stands.
func (r *Reader) State() State {
	s := r.state
	s.Bad.Lines = append([]int64(nil), s.Bad.Lines...)
	return s
}
