package xyz_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/pointcloud/xyz"
)

// seeds are files of every kind, for the properties that hold for all.
var seeds = []string{
	"1 2 3\n4 5 6\n",
	"\ufeff// x y z r g b\r\n2\r\n1 2 3 4 5 6\r\nnan 0 0 1 2 3\r\n",
	"1;2;3;0.5;9;9;9\n1e8;0;0;1;1;1;1\n;;;\n",
	"name,of,columns\n1, 2, 3, 4\n\n# end\n5,6,7,8",
	"wall\n" + strings.Repeat("8", 5000) + "\n1 2 3\n" + strings.Repeat("7 ", 2500) + "\n4 5 6\n",
	"1.5e-5\t-0\t+.25\t17\t0\t0\t255\textra\n-inf\t1\t1\t1\t1\t1\t1\n",
	"\r\r\n\n\x00\xff1 2 3",
	"99999999999999999999 0.30000000000000004 1e-400\n",
}

// cut reads a text in pieces: after each call of Read, where stop says so, the state goes through its JSON into another Reader.
func cut(t interface{ Fatalf(string, ...any) }, text string, size func() int, stop func() bool, around func(io.Reader) io.Reader) ([]xyz.Point, xyz.State) {
	var points []xyz.Point
	r := xyz.NewReader(around(strings.NewReader(text)), xyz.State{})
	for {
		dst := make([]xyz.Point, size())
		n, err := r.Read(dst)
		points = append(points, dst[:n]...)
		if errors.Is(err, io.EOF) {
			return points, r.State()
		}
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		if !stop() {
			continue
		}
		b, err := json.Marshal(r.State())
		if err != nil {
			t.Fatalf("State: %v", err)
		}
		var s xyz.State
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatalf("State: %v", err)
		}
		r = xyz.NewReader(around(strings.NewReader(text[s.Offset:])), s)
	}
}

func TestReadIsTheSameHoweverItIsCut(t *testing.T) {
	line := rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,3}\.[0-9]{0,4} [0-9]{1,3} [0-9]{1,3}( [0-9]{1,3}){0,5}`),
		rapid.StringMatching(`[0-9]{1,3}[,; \t][0-9]{1,3}[,; \t](nan|inf|[0-9]{9}|x)`),
		rapid.SampledFrom([]string{"", "# c", "x y z i r g b", "17", strings.Repeat("1 ", 2100), strings.Repeat("1", 5000)}),
	)
	end := rapid.SampledFrom([]string{"\n", "\r\n"})
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for _, l := range rapid.SliceOfN(line, 0, 60).Draw(t, "lines") {
			text.WriteString(l + end.Draw(t, "end"))
		}
		whole, want := cut(t, text.String(), func() int { return 1000 }, func() bool { return false }, func(r io.Reader) io.Reader { return r })
		around := rapid.SampledFrom([]func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		}).Draw(t, "source")
		points, got := cut(t, text.String(), func() int { return rapid.IntRange(1, 9).Draw(t, "points") }, func() bool { return rapid.Bool().Draw(t, "stop") }, around)
		if diff := cmp.Diff(whole, points); diff != "" {
			t.Fatalf("points (-whole +cut):\n%s", diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("state (-whole +cut):\n%s", diff)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		never := func() bool { return false }
		always := func() bool { return true }
		plain := func(r io.Reader) io.Reader { return r }
		whole, want := cut(t, string(text), func() int { return 64 }, never, plain)
		points, got := cut(t, string(text), func() int { return 1 }, always, iotest.OneByteReader)
		if diff := cmp.Diff(whole, points); diff != "" {
			t.Errorf("points (-whole +cut):\n%s", diff)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("state (-whole +cut):\n%s", diff)
		}
		if want.Offset != int64(len(text)) || want.Points != int64(len(whole)) || want.Points+want.Bad.Total() > want.Line {
			t.Errorf("state %+v after %d bytes and %d points", want, len(text), len(whole))
		}
		for _, p := range whole {
			for _, v := range []float64{p.X, p.Y, p.Z} {
				if !(v >= -xyz.MaxCoordinate && v <= xyz.MaxCoordinate) {
					t.Errorf("point %v is beyond the bound", p)
				}
			}
		}
	})
}
