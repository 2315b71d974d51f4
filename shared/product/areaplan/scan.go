package areaplan

import (
	"math"

	"github.com/assetry/assetry/shared/pointcloud/xyz"
)

// box is the smallest box around points, with their intensities as a fourth axis. It holds nothing while min is above max.
type box struct{ min, max [4]float64 }

func newBox() box {
	inf := math.Inf(1)
	return box{[4]float64{inf, inf, inf, inf}, [4]float64{-inf, -inf, -inf, -inf}}
}

func (b *box) put(p *xyz.Point) {
	for i, v := range [4]float64{p.X, p.Y, p.Z, p.Intensity} {
		b.min[i], b.max[i] = min(b.min[i], v), max(b.max[i], v)
	}
}

// isPlace says whether all points are at one place.
func (b *box) isPlace() bool { return [3]float64(b.min[:3]) == [3]float64(b.max[:3]) }

// scan is what is known of a file so far. Its checkpoint is all of it.
type scan struct {
	read xyz.State
	box  box
	grid *grid
}

func newScan() *scan { return &scan{box: newBox(), grid: newGrid()} }

func (s *scan) put(points []xyz.Point) {
	for i := range points {
		s.box.put(&points[i])
		s.grid.put(&points[i])
	}
}
