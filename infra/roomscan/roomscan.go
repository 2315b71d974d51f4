// Package roomscan makes up the scan of a flat, as a terrestrial laser scanner with three stations writes it into an xyz file: walls with doors and
// windows, floor, furniture, the noise of the instrument, and stray points beyond the windows. It has what makes real scans hard to draw:
// density that falls with the distance, shadows below the tripods and the furniture, and a shaft that nobody could look into.
//
// It is for tests, benchmarks and demonstrations, of any size. The same Scan gives the same bytes on machines of one
// architecture (rounding differs between them).
package roomscan

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Columns says what a line holds. Coordinates are in metres, intensity runs from 0 to 1, colours from 0 to 255.
type Columns string

// The usual lines of xyz files.
const (
	XYZ     Columns = "x y z"
	XYZI    Columns = "x y z intensity"
	XYZRGB  Columns = "x y z r g b"
	XYZIRGB Columns = "x y z intensity r g b"
)

// Scan describes a file. The zero value is lines of x, y and z, with spaces between and LF at the end.
type Scan struct {
	Seed      uint64
	Columns   Columns
	Separator byte // 0: a space
	CRLF      bool
	Ceiling   bool   // most plans want it left out: from above it hides the rest
	Head      string // what comes before the first point, line ends included: a byte order mark, a comment, names of the columns
}

// noise is the standard deviation of a point from its surface, in metres: that of a common terrestrial scanner.
const noise = 0.003

// stray is the share of points beyond the windows and within mirrors.
const stray = 0.0004

// burst is how many points in a row are close to each other: a scanner sweeps.
const burst = 48

// Write writes whole lines, of at most size bytes together with the head, and says how many points they are.
func (s Scan) Write(w io.Writer, size int64) (points int64, err error) {
	f := newFlat(s)
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.WriteString(s.Head); err != nil {
		return 0, err
	}
	left := size - int64(len(s.Head))
	var line []byte
	for {
		line = s.line(line[:0], f.next())
		if int64(len(line)) > left {
			return points, out.Flush()
		}
		if _, err := out.Write(line); err != nil {
			return points, fmt.Errorf("write point %d of a made up scan: %w", points+1, err)
		}
		left -= int64(len(line))
		points++
	}
}

// point is one return of the laser.
type point struct {
	x, y, z, intensity float64
	colour             colour
}

func (s Scan) line(to []byte, p point) []byte {
	sep := cmp.Or(s.Separator, ' ')
	to = strconv.AppendFloat(to, p.x, 'f', 4, 64)
	to = strconv.AppendFloat(append(to, sep), p.y, 'f', 4, 64)
	to = strconv.AppendFloat(append(to, sep), p.z, 'f', 4, 64)
	if s.Columns == XYZI || s.Columns == XYZIRGB {
		to = strconv.AppendFloat(append(to, sep), p.intensity, 'f', 3, 64)
	}
	if s.Columns == XYZRGB || s.Columns == XYZIRGB {
		for _, v := range p.colour {
			to = strconv.AppendUint(append(to, sep), uint64(v), 10)
		}
	}
	if s.CRLF {
		to = append(to, '\r')
	}
	return append(to, '\n')
}

// next gives the next point.
func (f *flat) next() point {
	for {
		if f.left == 0 {
			f.aim()
		}
		f.left--
		if f.random.Float64() < stray {
			return f.stray()
		}
		if p, seen := f.hit(); seen {
			return p
		}
	}
}

// aim turns the scanner to another place of a surface, by area.
func (f *flat) aim() {
	at := f.random.Float64() * f.total
	low, high := 0, len(f.surfaces)-1
	for low < high {
		if mid := (low + high) / 2; f.surfaces[mid].upTo > at {
			high = mid
		} else {
			low = mid + 1
		}
	}
	f.at, f.left = &f.surfaces[low], burst
	f.u, f.v = f.random.Float64(), f.random.Float64()
}

// sweep is how far the points of a burst are from each other, in metres.
const sweep = 0.4

// hit gives a point near the place that is aimed at, unless no station sees it.
func (f *flat) hit() (p point, seen bool) {
	s := f.at
	u := f.u + (f.random.Float64()-0.5)*sweep/length(s.u)
	v := f.v + (f.random.Float64()-0.5)*sweep/length(s.v)
	if u < 0 || u > 1 || v < 0 || v > 1 {
		return point{}, false
	}
	at := place{s.from.x + u*s.u.x + v*s.v.x, s.from.y + u*s.u.y + v*s.v.y, s.from.z + u*s.u.z + v*s.v.z}
	distance := f.distance(at)
	if f.random.Float64() > min(1, 2.2/distance) || s.floor && f.inShadow(at) {
		return point{}, false
	}
	shade := 0.82 + 0.18*math.Exp(-distance/4) + 0.02*f.random.NormFloat64()
	p = point{
		x: at.x + noise*f.random.NormFloat64(), y: at.y + noise*f.random.NormFloat64(), z: at.z + noise*f.random.NormFloat64(),
		intensity: min(1, max(0, 0.9/(1+distance/6)+0.03*f.random.NormFloat64())),
		colour:    s.colourAt(u*length(s.u), v*length(s.v)).times(shade),
	}
	return p, true
}

// stray gives a point that belongs to no surface of the flat.
func (f *flat) stray() point {
	return point{
		x: -3 + f.random.Float64()*(width+6), y: -3 + f.random.Float64()*(depth+6), z: f.random.Float64() * height,
		intensity: 0.05, colour: colour{90, 110, 90},
	}
}
