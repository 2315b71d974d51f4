package areaplan

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/pointcloud/xyz"
	"github.com/assetry/assetry/shared/product"
)

// end gives the checkpoint at the end of a text, with another one wherever cut says so.
func end(t interface{ Fatalf(string, ...any) }, text string, cut func() bool, around func(io.Reader) io.Reader) []byte {
	in := product.Input{Name: "room.xyz", Size: int64(len(text)), Open: func(_ context.Context, off int64) (io.ReadCloser, error) {
		return io.NopCloser(around(strings.NewReader(text[off:]))), nil
	}}
	for s := newScan(); ; {
		done, err := s.readOn(context.Background(), &product.Task{Spent: func(int64) bool { return cut() }}, in)
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		checkpoint, err := s.checkpoint()
		if err != nil {
			t.Fatalf("checkpoint: %v", err)
		}
		if done {
			return checkpoint
		}
		if s, err = resume(checkpoint); err != nil {
			t.Fatalf("resume: %v", err)
		}
	}
}

// Files are made of what the last checkpoint holds and of nothing else, so this is what makes them the same.
func TestScanIsTheSameHoweverItIsCut(t *testing.T) {
	never := func() bool { return false }
	plain := func(r io.Reader) io.Reader { return r }
	var texts []string
	for _, s := range []roomscan.Scan{
		{Seed: 1}, {Seed: 2, Columns: roomscan.XYZI, Separator: ';', CRLF: true, Ceiling: true}, {Seed: 3, Columns: roomscan.XYZRGB, Separator: ','},
	} {
		var b strings.Builder
		if _, err := s.Write(&b, 45_000); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, b.String())
	}
	texts[1] += strings.Repeat("4000000;-9000000;3;1\r\n", 5) + strings.Repeat("9", 9000) + "\r\n"
	var want [][]byte
	for _, text := range texts {
		want = append(want, end(t, text, never, plain))
	}
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(texts)-1).Draw(t, "text")
		around := rapid.SampledFrom([]func(io.Reader) io.Reader{plain, iotest.HalfReader, iotest.DataErrReader}).Draw(t, "source")
		got := end(t, texts[i], func() bool { return rapid.Bool().Draw(t, "cut") }, around)
		if !bytes.Equal(want[i], got) {
			t.Fatalf("the last checkpoint has %d bytes, and others than the %d without a break", len(got), len(want[i]))
		}
	})
}

func TestGridStaysSmall(t *testing.T) {
	g := newGrid()
	state := uint64(1)
	next := func() float64 { // numbers all over the place
		state = state*6364136223846793005 + 1442695040888963407
		return float64(state>>11)/(1<<53)*2*xyz.MaxCoordinate - xyz.MaxCoordinate
	}
	for range 20_000 {
		g.put(&xyz.Point{X: next(), Y: next(), Z: next(), R: 255})
	}
	var points int64
	g.each(func(_, _ int, c *cell) { points += int64(c.count) })
	if len(g.tiles) > tiles || points != 20_000 {
		t.Errorf("%d tiles with %d points, want at most %d with 20000", len(g.tiles), points, tiles)
	}
}

func TestCellThinsOutWhenItIsFull(t *testing.T) {
	full := cell{count: maxCount, r: maxCount * 255, g: maxCount * 100, z: -maxCount * 5 << finest}
	sum := full
	for range 1000 {
		sum.add(full)
	}
	if sum.count > maxCount || sum.r/sum.count < 254 || sum.g/sum.count < 99 || sum.height() > -4.9 || sum.height() < -5.1 {
		t.Errorf("the sum of full cells is %+v at %v, want the mean of one", sum, sum.height())
	}
}

func FuzzResume(f *testing.F) {
	s := newScan()
	s.put([]xyz.Point{{X: 1, Y: 2, Z: 3, R: 9}, {X: -1, Y: 2e6, Z: 3}})
	checkpoint, err := s.checkpoint()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(checkpoint)
	f.Add(checkpoint[:len(checkpoint)-3])
	f.Add([]byte(checkpointHead))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := resume(b)
		if err != nil {
			return
		}
		if len(s.grid.tiles) > tiles {
			t.Errorf("%d tiles, want at most %d", len(s.grid.tiles), tiles)
		}
	})
}
