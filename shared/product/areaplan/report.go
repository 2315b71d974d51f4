package areaplan

import (
	"math"

	"github.com/assetry/assetry/shared/pointcloud/xyz"
	"github.com/assetry/assetry/shared/product"
)

// Report is what a report file holds, as JSON. Coordinates and lengths are in the scan's own units where nothing else is said; what is in metres is
// null where no units were declared. README describes it with an example.
type Report struct {
	Scan    Source     `json:"scan"`
	Units   Units      `json:"units"`
	XYZ     *Measured  `json:"xyz,omitempty"` // of a scan in xyz
	E57     *Described `json:"e57,omitempty"` // of a scan in e57
	View    *View      `json:"view"`          // null where there is none
	Remarks []string   `json:"remarks"`       // for people: what a reader of the numbers should know
}

// Source says which file is reported on.
type Source struct {
	Name   string `json:"name"`
	Asset  string `json:"asset_id"`
	Format string `json:"format"`
	Bytes  int64  `json:"bytes"`
}

// Units says what a unit of the coordinates is, as the order declares it. A file in xyz does not say.
type Units struct {
	Declared *string  `json:"declared"` // METRIC, IMPERIAL; null: nothing was declared
	Name     string   `json:"name"`     // metre, foot, unit
	Metres   *float64 `json:"metres"`   // that one unit is
}

// Measured is what the points of a scan say.
type Measured struct {
	Lines     int64      `json:"lines"`
	Points    int64      `json:"points"`
	Declared  *int64     `json:"declared_points"` // by the file's own count
	BadLines  BadLines   `json:"bad_lines"`
	Columns   xyz.Layout `json:"columns"`
	Intensity *Interval  `json:"intensity"` // null where there is none
	Colour    bool       `json:"colour"`
	Bounds    Bounds     `json:"bounds"`
	Extents   Extents    `json:"extents"`
	Density   Density    `json:"density"`
	Gaps      Gaps       `json:"gaps"`
}

// BadLines counts the lines that are no points.
type BadLines struct {
	Total int64   `json:"total"`
	Share float64 `json:"share"` // of all lines that should be points
	xyz.Bad
}

// Interval is from the least to the greatest value.
type Interval struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// Bounds is the smallest box around all points: x, y, z.
type Bounds struct {
	Min [3]float64 `json:"min"`
	Max [3]float64 `json:"max"`
}

// Extents are the lengths of that box's sides.
type Extents struct {
	Units  [3]float64  `json:"units"`
	Metres *[3]float64 `json:"metres"`
}

// Density says how many points lie above a square of the ground, within the view.
type Density struct {
	CellSize       float64  `json:"cell_size"` // the side of a square
	CellSizeMetres *float64 `json:"cell_size_metres"`
	Occupied       int64    `json:"occupied_cells"`
	Mean           float64  `json:"points_per_occupied_cell"`
	Median         int64    `json:"median_points_per_occupied_cell"`
}

// Gaps are empty squares that are enclosed by squares with points, within the view, at the cell size of Density.
type Gaps struct {
	Cells            int64    `json:"cells"`
	Area             float64  `json:"area"` // in square units
	AreaSquareMetres *float64 `json:"area_square_metres"`
	Count            int      `json:"count"` // of squares that hang together
	Largest          []Gap    `json:"largest"`
}

// Gap is one of the largest.
type Gap struct {
	X     float64 `json:"x"` // of its centre
	Y     float64 `json:"y"`
	Cells int64   `json:"cells"`
	Area  float64 `json:"area"`
}

// View says what the picture shows.
type View struct {
	Files       []string          `json:"files"`
	Sums        map[string]string `json:"sha256"`      // of each file, in hex: so that whoever fetched one knows that it is whole
	Percentiles [2]float64        `json:"percentiles"` // of the points along x and y, between which it lies
	Min         [2]float64        `json:"min"`         // x, y of its south-west corner
	Max         [2]float64        `json:"max"`
	CellSize    float64           `json:"cell_size"` // the side of the square that is drawn in one colour
	Pixels      [2]int            `json:"pixels"`    // of the PNG
	Colour      string            `json:"colour"`    // rgb: the points' mean colour; height: their mean height; density: their number
	Heights     *[2]float64       `json:"heights"`   // at the ends of the scale of colours, where they show the height
}

// maxGaps is how many gaps a report names.
const maxGaps = 10

// feet is the length of the international foot in metres.
const feet = 0.3048

// unitsOf says what an order's units are.
func unitsOf(declared string) Units {
	one := func(name string, metres float64) Units { return Units{&declared, name, &metres} }
	switch declared {
	case product.Metric:
		return one("metre", 1)
	case product.Imperial:
		return one("foot", feet)
	default:
		return Units{Name: "unit"}
	}
}

// metres gives a length, or with a power an area, in metres; nil where nobody knows.
func (u Units) metres(v float64, power float64) *float64 {
	if u.Metres == nil {
		return nil
	}
	v = round(v * math.Pow(*u.Metres, power))
	return &v
}

// round takes off what is only noise of the computation: beyond a millionth.
func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// measure gives the scan's numbers.
func (s *scan) measure(u Units, v cover) *Measured {
	m := &Measured{
		Lines: s.read.Line, Points: s.read.Points, Columns: s.read.Layout, Colour: s.read.Layout.HasColour(),
		BadLines: BadLines{Total: s.read.Bad.Total(), Bad: s.read.Bad},
		Bounds:   Bounds{[3]float64(s.box.min[:3]), [3]float64(s.box.max[:3])},
		Density: Density{
			CellSize: sizeAt(v.level), CellSizeMetres: u.metres(sizeAt(v.level), 1),
			Occupied: v.occupied, Mean: round(float64(v.points) / float64(v.occupied)), Median: v.median,
		},
		Gaps: gapsOf(v, u),
	}
	m.BadLines.Share = round(float64(m.BadLines.Total) / float64(m.BadLines.Total+m.Points))
	if m.BadLines.Lines == nil {
		m.BadLines.Lines = []int64{}
	}
	if s.read.Declared > 0 {
		m.Declared = &s.read.Declared
	}
	if s.read.Layout.HasIntensity() {
		m.Intensity = &Interval{s.box.min[3], s.box.max[3]}
	}
	for i := range m.Extents.Units {
		m.Extents.Units[i] = round(m.Bounds.Max[i] - m.Bounds.Min[i])
	}
	if u.Metres != nil {
		m.Extents.Metres = new([3]float64)
		for i, e := range m.Extents.Units {
			m.Extents.Metres[i] = round(e * *u.Metres)
		}
	}
	return m
}

func gapsOf(v cover, u Units) Gaps {
	cell := sizeAt(v.level)
	square := func(cells int64) float64 { return round(float64(cells) * cell * cell) }
	g := Gaps{Cells: v.empty, Area: square(v.empty), AreaSquareMetres: u.metres(float64(v.empty)*cell*cell, 2), Count: len(v.gaps), Largest: []Gap{}}
	for _, one := range v.gaps[:min(len(v.gaps), maxGaps)] {
		g.Largest = append(g.Largest, Gap{X: round(one.column * cell), Y: round(one.row * cell), Cells: one.cells, Area: square(one.cells)})
	}
	return g
}
