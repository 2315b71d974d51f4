package areaplan

import (
	"image/color"
	"math"
	"strconv"
	"strings"
)

// pen draws on a sheet. Lengths are in millimetres, y runs down. Two pens draw the same sheet: one in pixels, one as PDF.
type pen interface {
	fill(x, y, width, height float64, c color.RGBA)
	polygon(points [][2]float64, c color.RGBA)
	// text writes s with its base line at y: left of x for align -1, around it for 0, right of it for 1.
	text(s string, x, y, size float64, bold bool, align int, c color.RGBA)
	width(s string, size float64, bold bool) float64
	picture(x, y, width, height float64)
}

// The colours of what is not the picture.
var (
	ink   = color.RGBA{0x22, 0x26, 0x2b, 0xff}
	grey  = color.RGBA{0x6a, 0x70, 0x78, 0xff}
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
)

// Sizes in millimetres. A letter's size is the height of its line.
const (
	margin    = 8.0
	headSpace = 18.0 // for title and subtitle
	footSpace = 27.5 // for the axis' numbers, the scale bar, the legend and the notes
	titleSize = 5.2
	textSize  = 3.1
	noteSize  = 2.6
	minWidth  = 150.0 // of a sheet, so that its texts fit
	minFoot   = 110.0 // of scale bar and legend beside each other
	hair      = 0.12
)

// caption is what a sheet says about its picture.
type caption struct {
	title, subtitle string
	notes           []string
	unit            string // behind lengths: m, ft, units
	scale           string // such as 1:50; "": it has none
}

// sheet is a picture with everything around it.
type sheet struct {
	*picture
	caption
	long, high float64 // of the paper
	left, top  float64 // of the picture on it
	wide, tall float64 // of the picture on the paper
	perUnit    float64 // millimetres
}

// axisSpace is the width of the numbers beside the picture, in millimetres: of the longest, with room around it.
func (p *picture) axisSpace() float64 {
	_, y := p.corner()
	_, tall := p.size()
	longest := 0
	for _, t := range ticks(y, y+tall, 10) {
		longest = max(longest, len(number(t)))
	}
	return 5 + float64(longest)*0.6*noteSize
}

// layOut places the picture, of so many millimetres per unit, on paper of at least a size.
func layOut(p *picture, c caption, perUnit, minLong, minHigh float64) *sheet {
	x, y := p.size()
	s := &sheet{picture: p, caption: c, wide: x * perUnit, tall: y * perUnit, perUnit: perUnit}
	beside := p.axisSpace()
	s.long = max(minLong, 2*margin+beside+s.wide)
	s.high = max(minHigh, 2*margin+headSpace+s.tall+footSpace)
	s.left = margin + beside + (s.long-2*margin-beside-s.wide)/2
	s.top = margin + headSpace + (s.high-2*margin-headSpace-footSpace-s.tall)/2
	return s
}

// draw draws the sheet.
func (s *sheet) draw(to pen) {
	to.fill(0, 0, s.long, s.high, white)
	to.text(fit(to, s.title, s.long-2*margin-14, titleSize, true), margin, margin+titleSize, titleSize, true, 1, ink)
	to.text(fit(to, s.subtitle, s.long-2*margin-14, textSize, false), margin, margin+titleSize+textSize+2.2, textSize, false, 1, grey)
	s.north(to)
	to.picture(s.left, s.top, s.wide, s.tall)
	s.axes(to)
	foot := s.high - margin - footSpace
	if lowest := s.top + s.tall; lowest < foot {
		foot = lowest // the foot stays with its picture
	}
	footWidth := max(s.wide, minFoot)
	footLeft := max(margin, min(s.left+(s.wide-footWidth)/2, s.long-margin-footWidth))
	s.scaleBar(to, footLeft, foot+12, footWidth)
	s.legend(to, footLeft+footWidth, foot+12)
	for i, n := range s.notes {
		to.text(fit(to, n, s.long-2*margin, noteSize, false), margin, s.high-margin-float64(len(s.notes)-1-i)*(noteSize+1), noteSize, false, 1, grey)
	}
}

// north draws an arrow: up is where y grows.
func (s *sheet) north(to pen) {
	x, y := s.long-margin-4, margin
	to.polygon([][2]float64{{x, y}, {x + 2.4, y + 7.6}, {x, y + 6}}, ink)
	to.polygon([][2]float64{{x, y}, {x - 2.4, y + 7.6}, {x, y + 6}}, grey)
	to.text("y", x, y+11, textSize, true, 0, ink)
}

// axes draws the frame, with the coordinates at its lower and left side.
func (s *sheet) axes(to pen) {
	frame(to, s.left, s.top, s.wide, s.tall, hair*1.5, ink)
	x0, y0 := s.corner()
	x1, y1 := s.size()
	foot := s.top + s.tall
	room := int(max(2, min(10, s.wide/18)))
	for _, t := range ticks(x0, x0+x1, room) {
		x := s.left + (t-x0)*s.perUnit
		to.fill(x-hair/2, foot, hair, 1.4, ink)
		to.text(number(t), x, foot+1.8+noteSize, noteSize, false, 0, ink)
	}
	room = int(max(1, min(10, s.tall/14)))
	for _, t := range ticks(y0, y0+y1, room) {
		y := foot - (t-y0)*s.perUnit
		to.fill(s.left-1.4, y-hair/2, 1.4, hair, ink)
		to.text(number(t), s.left-2, y+noteSize*0.35, noteSize, false, -1, ink)
	}
	to.text("x in "+s.unit, s.left+s.wide/2, foot+3.2+2*noteSize, noteSize, false, 0, grey)
	to.text("y in "+s.unit, s.left, s.top-2, noteSize, false, 0, grey)
}

// scaleBar draws a bar of a round length in four parts.
func (s *sheet) scaleBar(to pen, left, y, room float64) {
	const parts = 4
	bar := roundLength(min(60, room*0.4) / s.perUnit)
	wide := bar * s.perUnit
	for i := range parts {
		c := ink
		if i%2 == 1 {
			c = white
		}
		to.fill(left+wide*float64(i)/parts, y, wide/parts, 1.6, c)
	}
	frame(to, left, y, wide, 1.6, hair, ink)
	for i, v := range []float64{0, bar / 2, bar} {
		to.text(number(v), left+wide*float64(i)/2, y-0.9, noteSize, false, 0, ink)
	}
	label := s.unit
	if s.scale != "" {
		label += "  ·  " + s.scale
	}
	to.text(label, left+wide+2.5, y+1.5, noteSize, false, 1, ink)
}

// legend draws the ramp with what stands at its ends; the points' own colours need none.
func (s *sheet) legend(to pen, right, y float64) {
	var colours ramp
	var low, high, what string
	switch t := &s.tones; t.colouring {
	case byHeight:
		colours, low, high, what = heightRamp, decimals(t.heights[0]), decimals(t.heights[1]), "mean height z in "+s.unit
	case byDensity:
		colours, low, high, what = densityRamp, number(t.few), thousands(int64(t.many)), "points above a square"
	default:
		return
	}
	const wide, steps = 34.0, 68
	x := right - wide
	for i := range steps {
		to.fill(x+wide*float64(i)/steps, y, wide/steps, 1.6, colours.at(float64(i)/(steps-1)))
	}
	frame(to, x, y, wide, 1.6, hair, ink)
	to.text(low, x, y-0.9, noteSize, false, 1, ink)
	to.text(high, x+wide, y-0.9, noteSize, false, -1, ink)
	to.text(what, x+wide, y+2.2+noteSize, noteSize, false, -1, grey)
}

// frame draws the outline of a rectangle, outside of it.
func frame(to pen, x, y, width, height, line float64, c color.RGBA) {
	to.fill(x-line, y-line, width+2*line, line, c)
	to.fill(x-line, y+height, width+2*line, line, c)
	to.fill(x-line, y, line, height, c)
	to.fill(x+width, y, line, height, c)
}

// roundLength gives the longest of 1, 2, 4, 10, 20, 40, … and their tenths that is not longer than most. Each can be halved twice.
func roundLength(most float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(most)))
	for _, step := range []float64{8, 4, 2} {
		if step*power <= most {
			return step * power
		}
	}
	return power
}

// ticks gives at most n round numbers from low to high, at equal distances.
func ticks(low, high float64, n int) []float64 {
	step := (high - low) / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, s := range []float64{1, 2, 5, 10} {
		if s*power >= step {
			step = s * power
			break
		}
	}
	var at []float64
	for i := math.Ceil(low / step); i*step <= high; i++ {
		at = append(at, i*step)
	}
	return at
}

// number shows a round number without the noise of its computation.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 6, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// decimals shows a measured length with as many digits as mean something.
func decimals(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1000:
		return thousands(int64(math.Round(v)))
	case a >= 100:
		return number(math.Round(v*10) / 10)
	default:
		return number(math.Round(v*100) / 100)
	}
}

// thousands shows a whole number in groups of three digits.
func thousands(v int64) string {
	s := strconv.FormatInt(v, 10)
	sign := ""
	if v < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// plural shows a number of things.
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// fit shortens a text until it fits.
func fit(to pen, s string, width, size float64, bold bool) string {
	if to.width(s, size, bold) <= width {
		return s
	}
	letters := []rune(s)
	for len(letters) > 0 && to.width(string(letters)+"…", size, bold) > width {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}
