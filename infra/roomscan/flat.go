package roomscan

import (
	"math"
	"math/rand/v2"
)

// The flat's inner size in metres.
const width, depth, height = 12.4, 8.6, 2.55

// half is half the thickness of a wall.
const half = 0.06

// place is a place or a way, in metres.
type place struct{ x, y, z float64 }

func length(p place) float64 { return math.Sqrt(p.x*p.x + p.y*p.y + p.z*p.z) }

// colour is red, green and blue.
type colour [3]uint8

func (c colour) times(shade float64) colour {
	for i, v := range c {
		c[i] = uint8(min(255, max(0, float64(v)*shade)))
	}
	return c
}

var (
	plaster  = colour{226, 222, 212}
	oak      = colour{176, 132, 88}
	tiles    = colour{150, 160, 166}
	fabric   = colour{72, 96, 132}
	linen    = colour{206, 200, 188}
	wood     = colour{128, 86, 52}
	kitchen  = colour{70, 74, 78}
	ceramic  = colour{240, 240, 242}
	rugRed   = colour{150, 62, 54}
	greenery = colour{66, 112, 58}
)

// surface is a parallelogram: a place, and the two ways along its sides.
type surface struct {
	from, u, v place
	colour     colour
	planks     float64 // the width of boards or tiles, in metres; 0: plain
	floor      bool    // things stand on it, and throw shadows
	upTo       float64 // the areas of all surfaces to this one
}

// colourAt gives the colour at a distance from the corner: boards differ a little.
func (s *surface) colourAt(u, v float64) colour {
	if s.planks == 0 {
		return s.colour
	}
	row, column := math.Floor(v/s.planks), math.Floor(u/(s.planks*6))
	return s.colour.times(0.92 + 0.16*math.Abs(math.Sin(row*12.9898+column*78.233)))
}

// flat is what is scanned, and where the scanner is.
type flat struct {
	surfaces  []surface
	total     float64 // area
	footprint [][4]float64
	stations  []place

	random *rand.Rand
	at     *surface // what it looks at
	u, v   float64  // where, as parts of the surface's sides
	left   int      // points of this burst
}

func newFlat(s Scan) *flat {
	f := &flat{
		stations: []place{{2.9, 3.4, 1.5}, {9.6, 2.2, 1.5}, {9.4, 6.6, 1.5}},
		random:   rand.New(rand.NewPCG(s.Seed, 0x726f6f6d)),
	}
	f.floors()
	f.walls()
	f.furnish()
	if s.Ceiling {
		f.add(surface{from: place{0, 0, height}, u: place{x: width}, v: place{y: depth}, colour: ceramic})
	}
	for i := range f.surfaces {
		f.total += length(f.surfaces[i].u) * length(f.surfaces[i].v)
		f.surfaces[i].upTo = f.total
	}
	return f
}

func (f *flat) add(s surface) { f.surfaces = append(f.surfaces, s) }

// opening is a door or a window of a wall, in metres along it and above the floor.
type opening struct{ from, to, low, high float64 }

// wall adds both faces of a wall that runs along an axis.
func (f *flat) wall(x0, y0, x1, y1 float64, openings ...opening) {
	long := length(place{x: x1 - x0, y: y1 - y0})
	along := place{x: (x1 - x0) / long, y: (y1 - y0) / long}
	piece := func(from, to, low, high float64) {
		if to <= from || high <= low {
			return
		}
		for _, side := range []float64{-half, half} {
			f.add(surface{
				from: place{x0 + along.x*from - along.y*side, y0 + along.y*from + along.x*side, low},
				u:    place{x: along.x * (to - from), y: along.y * (to - from)}, v: place{z: high - low}, colour: plaster,
			})
		}
	}
	at := 0.0
	for _, o := range openings {
		piece(at, o.from, 0, height)
		piece(o.from, o.to, 0, o.low)
		piece(o.from, o.to, o.high, height)
		at = o.to
	}
	piece(at, long, 0, height)
}

func (f *flat) walls() {
	door := func(at float64) opening { return opening{at, at + 0.9, 0, 2.05} }
	window := func(at, wide float64) opening { return opening{at, at + wide, 0.85, 2.15} }
	f.wall(0, 0, width, 0, window(1.2, 1.8), window(4.2, 1.4), window(8.6, 1.6))
	f.wall(0, depth, width, depth, window(1.4, 2.4), door(5.2), window(9.2, 1.2))
	f.wall(0, 0, 0, depth, window(3.2, 2.2))
	f.wall(width, 0, width, depth, window(1.6, 1.4))
	f.wall(6.8, 0, 6.8, depth, door(3.4), door(6.9))
	f.wall(6.8, 4.5, width, 4.5, door(4.3))
	f.wall(8.2, 4.5, 8.2, 5.7) // a shaft: nobody looks into it
	f.wall(6.8, 5.7, 8.2, 5.7)
	f.wall(3.9, 6.2, 6.8, 6.2, door(0.3))
	f.wall(3.9, 6.2, 3.9, depth)
}

func (f *flat) floors() {
	f.add(surface{from: place{}, u: place{x: 6.8}, v: place{y: depth}, colour: oak, planks: 0.18, floor: true})
	f.add(surface{from: place{x: 6.8}, u: place{x: width - 6.8}, v: place{y: 4.5}, colour: oak, planks: 0.18, floor: true})
	f.add(surface{from: place{x: 8.2, y: 4.5}, u: place{x: width - 8.2}, v: place{y: depth - 4.5}, colour: tiles, planks: 0.3, floor: true})
	f.add(surface{from: place{x: 6.8, y: 5.7}, u: place{x: 1.4}, v: place{y: depth - 5.7}, colour: tiles, planks: 0.3, floor: true})
	f.add(surface{from: place{1.0, 2.0, 0.01}, u: place{x: 2.6}, v: place{y: 1.9}, colour: rugRed, floor: true})
}

// box adds a thing that stands on the floor: its top and its four sides.
func (f *flat) box(x, y, wide, deep, high float64, c colour) {
	f.footprint = append(f.footprint, [4]float64{x, y, x + wide, y + deep})
	f.add(surface{from: place{x, y, high}, u: place{x: wide}, v: place{y: deep}, colour: c})
	for _, s := range []surface{
		{from: place{x, y, 0}, u: place{x: wide}}, {from: place{x, y + deep, 0}, u: place{x: wide}},
		{from: place{x, y, 0}, u: place{y: deep}}, {from: place{x + wide, y, 0}, u: place{y: deep}},
	} {
		s.v, s.colour = place{z: high}, c.times(0.85)
		f.add(s)
	}
}

// round adds a thing with a round outline, such as a column.
func (f *flat) round(x, y, radius, high float64, c colour) {
	const sides = 20
	f.footprint = append(f.footprint, [4]float64{x - radius*0.7, y - radius*0.7, x + radius*0.7, y + radius*0.7})
	for i := range sides {
		a, b := 2*math.Pi*float64(i)/sides, 2*math.Pi*float64(i+1)/sides
		from := place{x + radius*math.Cos(a), y + radius*math.Sin(a), 0}
		u := place{x: x + radius*math.Cos(b) - from.x, y: y + radius*math.Sin(b) - from.y}
		f.add(surface{from: from, u: u, v: place{z: high}, colour: c})
		f.add(surface{from: place{x, y, high}, u: place{x: from.x - x, y: from.y - y}, v: u, colour: c})
	}
}

func (f *flat) furnish() {
	f.box(0.15, 1.9, 0.95, 2.3, 0.75, fabric) // sofa
	f.box(1.9, 2.5, 0.7, 1.1, 0.42, wood)     // low table
	f.box(4.2, 1.0, 1.0, 1.9, 0.74, wood)     // dining table
	for _, y := range []float64{1.1, 1.8, 2.4} {
		f.box(3.72, y, 0.42, 0.42, 0.46, linen)
		f.box(5.26, y, 0.42, 0.42, 0.46, linen)
	}
	f.box(0.1, 7.9, 3.6, 0.6, 0.9, kitchen)
	f.box(0.1, 6.0, 0.6, 1.9, 0.9, kitchen)
	f.box(1.3, 6.2, 1.5, 0.7, 0.92, linen) // island
	f.box(10.2, 1.1, 2.05, 1.7, 0.55, linen)
	f.box(10.2, 2.9, 0.45, 0.45, 0.5, wood)
	f.box(7.0, 0.15, 0.6, 2.4, 2.1, wood) // wardrobe
	f.box(10.6, 7.7, 1.7, 0.75, 0.58, ceramic)
	f.box(11.6, 5.0, 0.65, 0.5, 0.85, ceramic)
	f.box(11.7, 6.1, 0.55, 0.4, 0.42, ceramic)
	f.round(6.1, 4.6, 0.2, height, plaster)
	f.round(0.6, 5.2, 0.28, 1.2, greenery)
	f.round(6.2, 0.6, 0.24, 1.0, greenery)
}

// distance is how far the nearest station is.
func (f *flat) distance(p place) float64 {
	least := math.Inf(1)
	for _, s := range f.stations {
		least = min(least, length(place{p.x - s.x, p.y - s.y, p.z - s.z}))
	}
	return least
}

// tripod is the radius of what a station cannot see around its foot, in metres.
const tripod = 0.45

// inShadow says whether a place of the floor is below a thing or a tripod.
func (f *flat) inShadow(p place) bool {
	for _, b := range f.footprint {
		if p.x > b[0] && p.x < b[2] && p.y > b[1] && p.y < b[3] {
			return true
		}
	}
	for _, s := range f.stations {
		if math.Hypot(p.x-s.x, p.y-s.y) < tripod {
			return true
		}
	}
	return false
}
