package areaplan

import (
	"cmp"
	"math"
	"slices"

	"github.com/assetry/assetry/shared/pointcloud/xyz"
)

// Bounds of a grid. Together they decide how fine a view can be and how much memory a scan takes, whatever its size: 16,384 tiles of 256
// cells of 24 bytes are 101 MB.
const (
	finest   = 10 // at level 0 a cell's side is 1/2^10 of the scan's unit: a millimetre, if that is a metre
	sideBits = 4
	side     = 1 << sideBits // cells along a tile
	tiles    = 16384
	maxCount = 1<<24 - 1 // points that a cell counts, so that the sums of their colours fit into 32 bits
)

// cell is what is known of the points above one square of the ground: how many, and the sums of their colours and heights.
type cell struct {
	count   uint32 // at most maxCount: what comes after that is left out of the sums too
	r, g, b uint32
	z       int64 // in 1/2^finest of the unit, rounded down
}

// add adds another cell's points. Two that are nearly full are thinned out first.
func (c *cell) add(o cell) {
	for c.count+o.count > maxCount {
		*c = cell{c.count / 2, c.r / 2, c.g / 2, c.b / 2, c.z / 2}
		o = cell{o.count / 2, o.r / 2, o.g / 2, o.b / 2, o.z / 2}
	}
	c.count += o.count
	c.r += o.r
	c.g += o.g
	c.b += o.b
	c.z += o.z
}

// height is the mean height of the points.
func (c *cell) height() float64 { return float64(c.z) / float64(c.count) / (1 << finest) }

// at is the place of a cell or a tile on the ground: columns to the east, rows to the north.
type at struct{ column, row int32 }

func (a at) compare(b at) int {
	return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.column, b.column))
}

// tile is a square of cells, row by row from the south-west.
type tile [side * side]cell

// grid holds the points that were seen, on squares of the ground. Only tiles with points are kept, so a single point far away costs one tile
// and not the detail of everything else. When there are too many tiles, the squares become twice as wide. What a grid holds depends on
// the points and their order alone.
type grid struct {
	level int // a cell's side is 2^(level-finest) units
	tiles map[at]*tile

	last   *tile // of the last point: the next one is nearly always near
	lastAt at
}

func newGrid() *grid { return &grid{tiles: map[at]*tile{}} }

// sizeAt is the side of a level's cells in the scan's units.
func sizeAt(level int) float64 { return math.Ldexp(1, level-finest) }

// put adds a point.
func (g *grid) put(p *xyz.Point) {
	x, y := int64(math.Floor(p.X*(1<<finest)))>>g.level, int64(math.Floor(p.Y*(1<<finest)))>>g.level
	where := at{int32(x >> sideBits), int32(y >> sideBits)} // 10^7 units are 6.4 * 10^8 tiles
	if g.last == nil || where != g.lastAt {
		t := g.tiles[where]
		if t == nil {
			if len(g.tiles) == tiles {
				g.coarsen()
				g.put(p)
				return
			}
			t = new(tile)
			g.tiles[where] = t
		}
		g.last, g.lastAt = t, where
	}
	c := &g.last[int(y&(side-1))*side+int(x&(side-1))]
	if c.count < maxCount {
		c.count++
		c.r += uint32(p.R)
		c.g += uint32(p.G)
		c.b += uint32(p.B)
		c.z += int64(math.Floor(p.Z * (1 << finest)))
	}
}

// sorted are the places of the tiles, in an order that does not hang on how they came.
func (g *grid) sorted() []at {
	places := make([]at, 0, len(g.tiles))
	for a := range g.tiles {
		places = append(places, a)
	}
	slices.SortFunc(places, at.compare)
	return places
}

// coarsen makes the cells twice as wide.
func (g *grid) coarsen() {
	wider := make(map[at]*tile, len(g.tiles)/2)
	for _, a := range g.sorted() {
		into := at{a.column >> 1, a.row >> 1}
		t := wider[into]
		if t == nil {
			t = new(tile)
			wider[into] = t
		}
		column, row := int(a.column&1)*side/2, int(a.row&1)*side/2
		for i, c := range g.tiles[a] {
			if c.count > 0 {
				t[(row+i/side/2)*side+column+i%side/2].add(c)
			}
		}
		delete(g.tiles, a) // so that both generations together take little more than one
	}
	g.tiles, g.level, g.last = wider, g.level+1, nil
}

// each calls f for every cell with points, with its column and row.
func (g *grid) each(f func(column, row int, c *cell)) {
	for _, a := range g.sorted() {
		t := g.tiles[a]
		for i := range t {
			if t[i].count > 0 {
				f(int(a.column)*side+i%side, int(a.row)*side+i/side, &t[i])
			}
		}
	}
}
