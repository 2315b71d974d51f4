package areaplan

import (
	"cmp"
	"math"
	"slices"
)

// The share of points beyond each edge of the view, along each axis.
const (
	lowShare  = 0.001
	highShare = 0.999
)

// area is a rectangle of cells: from the first column and row, up to but without the last.
type area struct{ column, row, columns, rows int }

func (a area) holds(column, row int) bool {
	return column >= a.column && row >= a.row && column < a.column+a.columns && row < a.row+a.rows
}

func (a area) longer() int { return max(a.columns, a.rows) }

// at gives the area in cells that are 2^shift as wide, whole ones.
func (a area) coarser(shift int) area {
	column, row := a.column>>shift, a.row>>shift
	return area{column, row, (a.column+a.columns-1)>>shift - column + 1, (a.row+a.rows-1)>>shift - row + 1}
}

// crop gives the smallest area without the outermost thousandth of the points on each of its four sides.
func (g *grid) crop() area {
	columns, rows := map[int]int64{}, map[int]int64{}
	g.each(func(column, row int, c *cell) {
		columns[column] += int64(c.count)
		rows[row] += int64(c.count)
	})
	var a area
	a.column, a.columns = between(columns)
	a.row, a.rows = between(rows)
	return a
}

// between gives the first line of cells, and how many, between both shares of the points.
func between(counts map[int]int64) (first, lines int) {
	places := make([]int, 0, len(counts))
	var total int64
	for at, n := range counts {
		places = append(places, at)
		total += n
	}
	slices.Sort(places)
	low, high := int64(lowShare*float64(total)), int64(math.Ceil(highShare*float64(total)))
	var seen int64
	started := false
	for _, at := range places {
		seen += counts[at]
		if !started && seen > low {
			first, started = at, true
		}
		if seen >= high {
			return first, at - first + 1
		}
	}
	return first, 1
}

// Bounds of what is measured on.
const (
	measured = 256 // cells along the longer side, at most, so that scans of one size are comparable
	enough   = 16  // points that a cell with points has on average, so that one without is no accident
	blurred  = 32  // cells along the longer side below which they become no wider, however few points there are
)

// cover is how the points lie on the ground.
type cover struct {
	level    int
	occupied int64 // cells with points
	points   int64 // in them
	median   int64 // points of the cell in the middle
	empty    int64 // cells without points that are enclosed
	gaps     []gap // largest first
	area     area
	enclosed []bool // which cells of the area are in one of the larger gaps, row by row
}

// larger is how many cells a gap has from which on a view shows it: smaller ones are often no more than thin scanning.
const larger = 6

// gap is a part of the ground without points, enclosed by ground with points.
type gap struct {
	cells       int64
	column, row float64 // of its centre, in cells
}

// cover measures the area, on the narrowest cells that its bounds allow.
func (g *grid) cover(a area) cover {
	shift := 0
	for a.coarser(shift).longer() > measured {
		shift++
	}
	v := g.coverAt(a, shift)
	for v.points < enough*v.occupied && v.area.longer() > blurred {
		shift++
		v = g.coverAt(a, shift)
	}
	return v
}

// coverAt measures the area on cells that are 2^shift as wide as the grid's.
func (g *grid) coverAt(a area, shift int) cover {
	b := a.coarser(shift)
	counts := make([]int64, b.columns*b.rows)
	g.each(func(column, row int, c *cell) {
		if a.holds(column, row) {
			counts[(row>>shift-b.row)*b.columns+column>>shift-b.column] += int64(c.count)
		}
	})
	v := cover{level: g.level + shift, area: b, enclosed: make([]bool, len(counts))}
	var held []int64
	for _, n := range counts {
		if n > 0 {
			held = append(held, n)
			v.points += n
		}
	}
	slices.Sort(held)
	v.occupied, v.median = int64(len(held)), held[len(held)/2]
	v.findGaps(counts, b)
	return v
}

// findGaps floods the empty cells from the edge: what stays dry is enclosed. Water does not pass between two cells that touch at a corner,
// so a wall that runs diagonally is tight.
func (v *cover) findGaps(counts []int64, b area) {
	seen := make([]bool, len(counts))
	for column := range b.columns {
		flood(counts, seen, b, column, 0)
		flood(counts, seen, b, column, b.rows-1)
	}
	for row := range b.rows {
		flood(counts, seen, b, 0, row)
		flood(counts, seen, b, b.columns-1, row)
	}
	for row := range b.rows {
		for column := range b.columns {
			cells := flood(counts, seen, b, column, row)
			if len(cells) == 0 {
				continue
			}
			v.gaps = append(v.gaps, b.gapOf(cells))
			v.empty += int64(len(cells))
			for _, i := range cells {
				v.enclosed[i] = len(cells) >= larger
			}
		}
	}
	slices.SortStableFunc(v.gaps, func(x, y gap) int { return cmp.Compare(y.cells, x.cells) })
}

// gapOf gives the gap of some cells.
func (a area) gapOf(cells []int) gap {
	found := gap{cells: int64(len(cells))}
	for _, i := range cells {
		found.column += float64(i % a.columns)
		found.row += float64(i / a.columns)
	}
	found.column = found.column/float64(len(cells)) + float64(a.column) + 0.5
	found.row = found.row/float64(len(cells)) + float64(a.row) + 0.5
	return found
}

// flood marks the empty cells that are connected to one, if it is empty and not seen yet, and gives them.
func flood(counts []int64, seen []bool, b area, column, row int) (cells []int) {
	queue := []int{row*b.columns + column}
	for len(queue) > 0 {
		i := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[i] || counts[i] > 0 {
			continue
		}
		seen[i] = true
		cells = append(cells, i)
		column, row := i%b.columns, i/b.columns
		if column > 0 {
			queue = append(queue, i-1)
		}
		if column < b.columns-1 {
			queue = append(queue, i+1)
		}
		if row > 0 {
			queue = append(queue, i-b.columns)
		}
		if row < b.rows-1 {
			queue = append(queue, i+b.columns)
		}
	}
	return cells
}
