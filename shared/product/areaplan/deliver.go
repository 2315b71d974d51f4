package areaplan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"github.com/assetry/assetry/shared/product"
)

// deliver makes the files of a scan that was read to its end.
func (s *scan) deliver(t *product.Task, in product.Input, name string) ([]product.Deliverable, error) {
	units := unitsOf(t.Job.Units)
	report := newReport(in, units)
	crop := s.grid.crop()
	cover := s.grid.cover(crop)
	report.XYZ = s.measure(units, cover)
	t.Tell(0.96)

	top := s.grid.draw(crop, s.read.Layout.HasColour(), cover)
	s.grid = nil // what follows needs the memory
	c, err := s.caption(t.Job, in, units, top)
	if err != nil {
		return nil, err
	}
	picture, err := encode(top.img)
	if err != nil {
		return nil, err
	}
	t.Tell(0.97)
	pdf, err := drawPDF(onPaper(top, c, units), picture)
	if err != nil {
		return nil, err
	}
	t.Tell(0.98)
	image, pixels, err := drawPNG(onScreen(top, c))
	if err != nil {
		return nil, err
	}
	report.View = viewOf(top, name, pixels)
	report.View.Sums = map[string]string{report.View.Files[0]: sumOf(image), report.View.Files[1]: sumOf(pdf)}
	file, err := report.file()
	return []product.Deliverable{
		{Name: name + "-report.json", Type: "application/json", Bytes: file},
		{Name: report.View.Files[0], Type: "image/png", Bytes: image},
		{Name: report.View.Files[1], Type: "application/pdf", Bytes: pdf},
	}, err
}

func sumOf(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

func newReport(in product.Input, u Units) *Report {
	r := &Report{Scan: Source{in.Name, in.Asset, in.Format, in.Size}, Units: u, Remarks: []string{}}
	if u.Declared == nil {
		r.Remarks = append(r.Remarks, "The order declares no units (model_units), so nothing is given in metres.")
	}
	return r
}

// file gives the report as it is delivered.
func (r *Report) file() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return out.Bytes(), err
}

func viewOf(p *picture, name string, pixels [2]int) *View {
	x, y := p.corner()
	wide, tall := p.size()
	v := &View{
		Files: []string{name + "-top.png", name + "-top.pdf"}, Percentiles: [2]float64{lowShare * 100, highShare * 100},
		Min: [2]float64{x, y}, Max: [2]float64{x + wide, y + tall}, CellSize: sizeAt(p.level), Pixels: pixels, Colour: p.tones.colouring,
	}
	if p.tones.colouring == byHeight {
		v.Heights = &[2]float64{round(p.tones.heights[0]), round(p.tones.heights[1])}
	}
	return v
}

// symbols are the units behind lengths.
var symbols = map[string]string{"metre": "m", "foot": "ft", "unit": "units"}

// colourings say how a view is coloured.
var colourings = map[string]string{
	byColour:  "The points' own colours, darker where points stand above each other.",
	byHeight:  "Coloured by mean height, darker where points stand above each other.",
	byDensity: "The darker, the more points stand above each other.",
}

// caption gives what the sheets say.
func (s *scan) caption(job product.Job, in product.Input, u Units, p *picture) (caption, error) {
	unit := symbols[u.Name]
	long, deep := s.box.max[0]-s.box.min[0], s.box.max[1]-s.box.min[1]
	title, err := legible(in.Name)
	if err != nil {
		return caption{}, err
	}
	order, err := legible(job.OrderName)
	c := caption{title: title, unit: unit}
	c.subtitle = fmt.Sprintf("%s, %s × %s × %s %s, from above", plural(s.read.Points, "point"), decimals(long), decimals(deep), decimals(s.box.max[2]-s.box.min[2]), unit)
	if order != "" {
		c.subtitle = order + "  ·  " + c.subtitle
	}
	c.notes = []string{
		colourings[p.tones.colouring],
		fmt.Sprintf("One square is %s %s. White: no points; hatched: none, and enclosed. Single squares without points have their neighbours' colour.", number(sizeAt(p.level)), unit),
		fmt.Sprintf("Shown are the %g to %g percentiles of the points along x and y. Units: %s.", lowShare*100, highShare*100, declaredText(u)),
	}
	return c, err
}

func declaredText(u Units) string {
	if u.Declared == nil {
		return "not declared"
	}
	return map[string]string{"metre": "metres", "foot": "feet"}[u.Name] + ", as declared"
}

// screenSide is the longer side of the picture on a sheet for the screen, in millimetres; it says how large the letters are beside it.
const screenSide = 240

// onScreen lays a sheet around the picture.
func onScreen(p *picture, c caption) *sheet {
	x, y := p.size()
	return layOut(p, c, screenSide/max(x, y), minWidth, 0)
}

// paper is a sheet of paper in millimetres, its longer side first, and the scales that are usual on it.
type paper struct {
	long, short float64
	scales      []float64 // the first, and its multiples by ten
}

var (
	a3      = paper{420, 297, []float64{1, 1.25, 2, 2.5, 4, 5, 7.5}}
	tabloid = paper{431.8, 279.4, []float64{1.2, 2.4, 4.8, 6}}
)

// onPaper lays the picture on a sheet of paper, as large as it goes in a round scale; of a scan without units nobody knows the scale.
func onPaper(p *picture, c caption, u Units) *sheet {
	sheetOf := a3
	if u.Name == "foot" {
		sheetOf = tabloid
	}
	x, y := p.size()
	long, high := sheetOf.long, sheetOf.short
	if y > x {
		long, high = high, long
	}
	most := min((long-2*margin-p.axisSpace())/x, (high-2*margin-headSpace-footSpace)/y)
	if u.Metres == nil {
		return layOut(p, c, most, long, high)
	}
	one := *u.Metres * 1000 // millimetres that a unit really is
	scale := roundScale(one/most, sheetOf.scales)
	switch {
	case scale < 1:
		c.scale = number(1/scale) + ":1"
	case scale < 1000:
		c.scale = "1:" + number(scale)
	default:
		c.scale = "1:" + thousands(int64(scale))
	}
	return layOut(p, c, one/scale, long, high)
}

// roundScale gives the smallest usual scale that is not smaller than least.
func roundScale(least float64, usual []float64) float64 {
	for power := math.Pow(10, math.Floor(math.Log10(least))-1); ; power *= 10 {
		for _, s := range usual {
			if s*power >= least {
				return s * power
			}
		}
	}
}
