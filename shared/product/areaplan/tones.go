package areaplan

import (
	"image/color"
	"math"
	"slices"
)

// The ways to colour a view.
const (
	byColour  = "rgb"     // the points' mean colour
	byHeight  = "height"  // their mean height
	byDensity = "density" // their number
)

// rough is the part of the range of heights by which the heights of neighbours differ in the middle, from which on they say nothing: every cell
// then has points of a floor and of a ceiling, in proportions by chance.
const rough = 0.06

// mixed is how many points the cell in the middle has to have for that.
const mixed = 4

// tones turn a cell into a colour. Where there are many points above each other, there is a wall or something else that stands upright, so
// these cells are darker: a plan is read by its walls.
type tones struct {
	colouring string
	few       float64    // points of nearly every cell at least
	usual     float64    // points of the cell in the middle
	many      float64    // points of nearly every cell at most
	heights   [2]float64 // between which nearly all mean heights lie
}

// tones looks at the cells of the area.
func (g *grid) tones(a area, coloured bool) tones {
	var counts []uint32
	var heights, steps []float32
	before, beforeAt := float32(0), at{math.MinInt32, math.MinInt32}
	g.each(func(column, row int, c *cell) {
		if !a.holds(column, row) {
			return
		}
		height := float32(c.height())
		counts = append(counts, c.count)
		heights = append(heights, height)
		if beforeAt == (at{int32(column - 1), int32(row)}) {
			steps = append(steps, max(height-before, before-height))
		}
		before, beforeAt = height, at{int32(column), int32(row)}
	})
	slices.Sort(counts)
	slices.Sort(heights)
	slices.Sort(steps)
	n := len(counts)
	t := tones{
		colouring: byHeight, few: float64(counts[n/100]), usual: float64(counts[n/2]), many: float64(counts[n*995/1000]),
		heights: [2]float64{float64(heights[n/100]), float64(heights[n-1-n/100])},
	}
	switch {
	case coloured:
		t.colouring = byColour
	case t.usual >= mixed && len(steps) > 0 && float64(steps[len(steps)/2]) > rough*(t.heights[1]-t.heights[0]):
		t.colouring = byDensity
	}
	return t
}

// paint gives the colour of a cell.
func (t *tones) paint(c *cell) color.RGBA {
	switch t.colouring {
	case byColour:
		mean := func(sum uint32) uint8 { return uint8((sum + c.count/2) / c.count) }
		return darker(color.RGBA{mean(c.r), mean(c.g), mean(c.b), 0xff}, 0.5*t.upright(c))
	case byHeight:
		at := 0.5
		if low, high := t.heights[0], t.heights[1]; high > low {
			at = clamp((c.height() - low) / (high - low))
		}
		return darker(heightRamp.at(at), 0.65*t.upright(c))
	default:
		return densityRamp.at(along(t.few, float64(c.count), t.many))
	}
}

// upright says from 0 to 1 how much more points a cell has than is usual.
func (t *tones) upright(c *cell) float64 { return along(t.usual, float64(c.count), t.many) }

// along says where n lies between low and high, by their ratios.
func along(low, n, high float64) float64 {
	if high <= low {
		return 0
	}
	return clamp(math.Log(n/low) / math.Log(high/low))
}

func clamp(v float64) float64 { return min(1, max(0, v)) }

func darker(c color.RGBA, by float64) color.RGBA {
	part := func(v uint8) uint8 { return uint8((1 - by) * float64(v)) }
	return color.RGBA{part(c.R), part(c.G), part(c.B), 0xff}
}

// ramp is a scale of colours, from its lower end to its upper one.
type ramp []color.RGBA

// Both run from light to dark, so that they can be told apart in grey and by every eye.
var (
	heightRamp  = ramp{{0xf4, 0xe9, 0xcf, 0xff}, {0xc9, 0xd6, 0xa4, 0xff}, {0x7f, 0xb7, 0x9a, 0xff}, {0x42, 0x86, 0x9b, 0xff}, {0x2d, 0x4f, 0x7c, 0xff}}
	densityRamp = ramp{{0xe9, 0xed, 0xf1, 0xff}, {0xc6, 0xd2, 0xdc, 0xff}, {0x7c, 0x99, 0xb0, 0xff}, {0x3d, 0x59, 0x74, 0xff}, {0x15, 0x22, 0x33, 0xff}}
)

// at gives the colour for a share from 0 to 1.
func (r ramp) at(share float64) color.RGBA {
	place := share * float64(len(r)-1)
	i := min(int(place), len(r)-2)
	part := place - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*part + 0.5) }
	return color.RGBA{mix(r[i].R, r[i+1].R), mix(r[i].G, r[i+1].G), mix(r[i].B, r[i+1].B), 0xff}
}
