package areaplan

import (
	"image"
	"image/color"
)

// Bounds of a view's picture.
const (
	maxSide    = 6400     // pixels of the longer side, so that it stays below 8,192 with what stands around it
	maxPixels  = 20 << 20 // pixels in all: 80 MB while they are drawn
	wideEnough = 1800     // a side from which a picture is not made larger by drawing squares of several pixels
	coarsest   = 200      // cells along the longer side below which they become no wider, however few points there are
	fullEnough = 6        // points that a cell with points should have: then few are empty by chance
)

// picture is a scan from above.
type picture struct {
	img   *image.RGBA // north is up
	zoom  int         // pixels along a cell
	cells area        // what it shows, in cells of level
	level int
	tones tones
}

// size gives the lengths of the picture's sides in the scan's units.
func (p *picture) size() (x, y float64) {
	return float64(p.cells.columns) * sizeAt(p.level), float64(p.cells.rows) * sizeAt(p.level)
}

// corner gives the place of the south-west corner.
func (p *picture) corner() (x, y float64) {
	return float64(p.cells.column) * sizeAt(p.level), float64(p.cells.row) * sizeAt(p.level)
}

// draw draws the area, and makes the grid as coarse as the picture is.
func (g *grid) draw(a area, coloured bool, v cover) *picture {
	for !g.suits(a) {
		g.coarsen()
		a = a.coarser(1)
	}
	p := &picture{cells: a, level: g.level, zoom: max(1, wideEnough/a.longer()), tones: g.tones(a, coloured)}
	small := image.NewRGBA(image.Rect(0, 0, a.columns, a.rows))
	g.each(func(column, row int, c *cell) {
		if a.holds(column, row) {
			small.SetRGBA(column-a.column, a.row+a.rows-1-row, p.tones.paint(c))
		}
	})
	fillIn(small)
	p.enlarge(small)
	p.hatch(v)
	return p
}

// suits says whether the area can be drawn with the grid's cells: it is small enough, and its cells are full enough or few.
func (g *grid) suits(a area) bool {
	if a.longer() > maxSide || a.columns*a.rows > maxPixels {
		return false
	}
	if a.longer() <= coarsest {
		return true
	}
	var cells, points int64
	g.each(func(column, row int, c *cell) {
		if a.holds(column, row) {
			cells++
			points += int64(c.count)
		}
	})
	return points >= fullEnough*cells
}

// around are the eight neighbours of a pixel.
var around = [8]image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}}

// most is how many neighbours have to be painted for a pixel to be taken for empty by chance.
const most = 5

// fillIn paints the pixels without points that are nearly surrounded by others, in their mean colour, twice. A surface that was scanned thinly
// is a surface then, while a gap that is wider than a few cells stays one.
func fillIn(img *image.RGBA) {
	for range 2 {
		before := image.RGBA{Pix: append([]uint8(nil), img.Pix...), Stride: img.Stride, Rect: img.Rect}
		for y := range img.Rect.Dy() {
			for x := range img.Rect.Dx() {
				if before.RGBAAt(x, y).A > 0 {
					continue
				}
				var n, r, g, b int
				for _, d := range around {
					if c := before.RGBAAt(x+d.X, y+d.Y); c.A > 0 { // outside, there is nothing
						n, r, g, b = n+1, r+int(c.R), g+int(c.G), b+int(c.B)
					}
				}
				if n >= most {
					img.SetRGBA(x, y, color.RGBA{uint8(r / n), uint8(g / n), uint8(b / n), 0xff})
				}
			}
		}
	}
}

// enlarge draws each pixel as a square; what is not painted is white.
func (p *picture) enlarge(small *image.RGBA) {
	p.img = image.NewRGBA(image.Rect(0, 0, small.Rect.Dx()*p.zoom, small.Rect.Dy()*p.zoom))
	for y := range p.img.Rect.Dy() {
		from, line := small.Pix[y/p.zoom*small.Stride:], p.img.Pix[y*p.img.Stride:]
		if y%p.zoom > 0 {
			copy(line[:p.img.Stride], p.img.Pix[(y-1)*p.img.Stride:])
			continue
		}
		for x := range p.img.Rect.Dx() {
			c := from[x/p.zoom*4 : x/p.zoom*4+4]
			if c[3] == 0 {
				c = []uint8{0xff, 0xff, 0xff, 0xff}
			}
			copy(line[4*x:], c)
		}
	}
}

// hatched is the colour of the lines across larger gaps, one pixel in so many.
var hatched = color.RGBA{0xd9, 0x8c, 0x7f, 0xff}

const hatchEvery = 12

// hatch draws lines across the larger gaps.
func (p *picture) hatch(v cover) {
	for y := range p.img.Rect.Dy() {
		row := p.cells.row + p.cells.rows - 1 - y/p.zoom
		for x := range p.img.Rect.Dx() {
			if (x+y)%hatchEvery > 1 {
				continue
			}
			column := p.cells.column + x/p.zoom
			if i := y*p.img.Stride + 4*x; p.img.Pix[i] == 0xff && p.img.Pix[i+1] == 0xff && p.img.Pix[i+2] == 0xff && v.isGap(column, row, p.level) {
				p.img.SetRGBA(x, y, hatched)
			}
		}
	}
}

// isGap says whether a cell of a level is in one of the larger gaps.
func (v cover) isGap(column, row, level int) bool {
	if shift := v.level - level; shift >= 0 {
		column, row = column>>shift, row>>shift
	} else {
		column, row = column<<-shift, row<<-shift
	}
	return v.area.holds(column, row) && v.enclosed[(row-v.area.row)*v.area.columns+column-v.area.column]
}
