package areaplan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assetry/assetry/shared/pointcloud/xyz"
	"github.com/assetry/assetry/shared/product"
)

// batch is how many points are read at once: some ten kilobytes of a file, so that Spent is asked often.
const batch = 1024

// drawn is the share of a step that reading takes, as its progress is shown; the rest is drawing.
const drawn = 0.95

// shortest is the shortest line that is a point, "0 0 0" with its end, in bytes.
const shortest = 6

// runXYZ reads a scan to its end, or as far as there is time.
func runXYZ(ctx context.Context, t *product.Task, in product.Input, name string) (product.Result, error) {
	s := newScan()
	if t.Checkpoint != nil {
		var err error
		if s, err = resume(t.Checkpoint); err != nil {
			return product.Result{}, err
		}
	}
	done, err := s.readOn(ctx, t, in)
	if err != nil {
		return product.Result{}, err
	}
	if !done {
		checkpoint, err := s.checkpoint()
		return product.Result{Checkpoint: checkpoint}, err
	}
	if err := s.judge(in, true); err != nil {
		return product.Result{}, err
	}
	files, err := s.deliver(t, in, name)
	return product.Result{Done: err == nil, Deliverables: files}, err
}

// readOn reads from where the scan stands, and says whether it came to the end.
func (s *scan) readOn(ctx context.Context, t *product.Task, in product.Input) (done bool, err error) {
	src, err := in.Open(ctx, s.read.Offset)
	if err != nil {
		return false, fmt.Errorf("open %s at %d: %w", in.Asset, s.read.Offset, err)
	}
	defer src.Close()
	r := xyz.NewReader(src, s.read)
	for points := make([]xyz.Point, batch); ; {
		n, err := r.Read(points)
		s.put(points[:n])
		before := s.read.Offset
		s.read = r.State()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s at %d: %w", in.Asset, s.read.Offset, err)
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if err := s.judge(in, false); err != nil {
			return false, err
		}
		t.Tell(drawn * float64(s.read.Offset) / float64(max(in.Size, 1)))
		if t.IsSpent(s.read.Offset - before) {
			return false, nil
		}
	}
}

// judge refuses a scan of which nothing is to be made: at its end, or as soon as no end could make it better, so that terabytes of something
// else are not read in vain.
func (s *scan) judge(in product.Input, ended bool) error {
	bad, points := s.read.Bad.Total(), s.read.Points
	lines := bad + points
	if !ended {
		lines += max(in.Size-s.read.Offset, 0)/shortest + 1
	}
	switch {
	case lines > 0 && float64(bad) > MaxBadShare*float64(lines):
		return product.Refuse("%s", s.badText(in.Name))
	case ended && points < MinPoints:
		return product.Refuse("%s has %s; at least %d are needed to measure a scan. Lines are read as x, y and z, in numbers like 12.5 with blanks, commas or semicolons between them",
			in.Name, plural(points, "point"), MinPoints)
	case ended && s.box.isPlace():
		return product.Refuse("all %s points of %s are at one place (%g, %g, %g), so there is nothing to measure or to draw; look at how the file was exported and upload it again",
			thousands(points), in.Name, s.box.min[0], s.box.min[1], s.box.min[2])
	}
	return nil
}

// badText says what is wrong with the lines of a scan.
func (s *scan) badText(name string) string {
	b := s.read.Bad
	var kinds []string
	for _, k := range []struct {
		n    int64
		what string
	}{
		{b.Unreadable, "not x, y, z and the columns of the first point"},
		{b.NaN, "NaN"},
		{b.OutOfRange, fmt.Sprintf("beyond ±%s", thousands(xyz.MaxCoordinate))},
	} {
		if k.n > 0 {
			kinds = append(kinds, fmt.Sprintf("%s: %s", k.what, thousands(k.n)))
		}
	}
	first := strings.Trim(fmt.Sprint(b.Lines), "[]")
	return fmt.Sprintf("%s has %s that cannot be read, of %s read (%s); at most %g %% may be bad. The first: %s. Numbers are written like 12.5, with blanks, commas or semicolons between them, the same in the whole file; correct the lines or take them out, and upload the file again",
		name, plural(b.Total(), "line"), thousands(b.Total()+s.read.Points), strings.Join(kinds, "; "), MaxBadShare*100, strings.ReplaceAll(first, " ", ", "))
}
