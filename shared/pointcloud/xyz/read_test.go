package xyz_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/pointcloud/xyz"
)

// readAll reads everything from src, and gives the points and where the reader stands.
func readAll(t testing.TB, src io.Reader) ([]xyz.Point, xyz.State) {
	t.Helper()
	r := xyz.NewReader(src, xyz.State{})
	var points []xyz.Point
	for dst := make([]xyz.Point, 100); ; {
		n, err := r.Read(dst)
		points = append(points, dst[:n]...)
		if errors.Is(err, io.EOF) {
			return points, r.State()
		}
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
	}
}

func TestReadTakesTheUsualFiles(t *testing.T) {
	plain := []xyz.Point{{X: 1, Y: 2, Z: 3}, {X: -4.5, Y: 5e3, Z: 0.25}}
	intense := []xyz.Point{{X: 1, Y: 2, Z: 3, Intensity: 0.5}, {X: -4.5, Y: 5e3, Z: 0.25, Intensity: -7}}
	coloured := []xyz.Point{{X: 1, Y: 2, Z: 3, R: 10, G: 20, B: 255}, {X: -4.5, Y: 5e3, Z: 0.25, R: 0, G: 1, B: 2}}
	both := []xyz.Point{{X: 1, Y: 2, Z: 3, Intensity: 0.5, R: 10, G: 20, B: 255}, {X: -4.5, Y: 5e3, Z: 0.25, Intensity: -7, R: 0, G: 1, B: 2}}
	for _, tt := range []struct {
		name, text string
		points     []xyz.Point
		layout     xyz.Layout
	}{
		{"blanks", "1 2 3\n-4.5 5e3 .25\n", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"tabs and lines of Windows", "1\t2\t3\r\n-4.5\t5e3\t.25\r\n", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"columns that are aligned", "   1   2 \t 3  \n  -4.5 5e3  .25\t\n", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"commas", "1,2,3\n-4.5,5e3,.25\n", plain, xyz.Layout{Separator: "comma", Columns: 3}},
		{"commas with blanks", "1, 2 ,3\n-4.5,\t5e3, .25\n", plain, xyz.Layout{Separator: "comma", Columns: 3}},
		{"semicolons", "1;2;3\n-4.5;5e3;.25\n", plain, xyz.Layout{Separator: "semicolon", Columns: 3}},
		{"a last line without its end", "1 2 3\n-4.5 5e3 .25", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"a byte order mark", "\ufeff1 2 3\n-4.5 5e3 .25\n", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"comments and blank lines", "# made by hand\n// x\n\n1 2 3\n  # between\n\n-4.5 5e3 .25\n% end\n", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"lines of text before", "Exported by a program, 3 columns\nsecond line\n1 2 3\n-4.5 5e3 .25\n", plain, xyz.Layout{Separator: "blanks", Columns: 3}},
		{"intensity", "1 2 3 0.5\n-4.5 5e3 .25 -7\n", intense, xyz.Layout{Separator: "blanks", Columns: 4, Intensity: 4}},
		{"colour", "1 2 3 10 20 255\n-4.5 5e3 .25 0 1 2\n", coloured, xyz.Layout{Separator: "blanks", Columns: 6, Red: 4, Green: 5, Blue: 6}},
		{"colour with points", "1 2 3 10.0 20.0 255.0\n-4.5 5e3 .25 0 1 2\n", coloured, xyz.Layout{Separator: "blanks", Columns: 6, Red: 4, Green: 5, Blue: 6}},
		{"intensity and colour", "1;2;3;0.5;10;20;255\n-4.5;5e3;.25;-7;0;1;2\n", both, xyz.Layout{Separator: "semicolon", Columns: 7, Intensity: 4, Red: 5, Green: 6, Blue: 7}},
		{"further columns", "1 2 3 0.5 10 20 255 a 7 7\n-4.5 5e3 .25 -7 0 1 2 b\n", both, xyz.Layout{Separator: "blanks", Columns: 10, Intensity: 4, Red: 5, Green: 6, Blue: 7}},
		{"colour before other numbers", "1 2 3 10 20 255 0.5 9\n-4.5 5e3 .25 0 1 2 -0.7 9\n", coloured, xyz.Layout{Separator: "blanks", Columns: 8, Red: 4, Green: 5, Blue: 6}},
		{"normals", "1 2 3 0.1 0.2 0.9\n-4.5 5e3 .25 0 0 1\n", plain, xyz.Layout{Separator: "blanks", Columns: 6}},
		{"names of columns", "X,Y,Z,R,G,B,Intensity\n1,2,3,10,20,255,0.5\n-4.5,5e3,.25,0,1,2,-7\n", both, xyz.Layout{Separator: "comma", Columns: 7, Red: 4, Green: 5, Blue: 6, Intensity: 7}},
		{"names in a comment", "//X Y Z Label Intensity\n1 2 3 wall 0.5\n-4.5 5e3 .25 floor -7\n", intense, xyz.Layout{Separator: "blanks", Columns: 5, Intensity: 5}},
		{"labels with blanks among commas", "x,y,z,label,intensity\n1,2,3,a wall,0.5\n-4.5,5e3,.25,the floor,-7\n", intense, xyz.Layout{Separator: "comma", Columns: 5, Intensity: 5}},
		{"names of other columns than there are", "x y z r g b\n1 2 3 0.5\n-4.5 5e3 .25 -7\n", intense, xyz.Layout{Separator: "blanks", Columns: 4, Intensity: 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			points, s := readAll(t, strings.NewReader(tt.text))
			if diff := cmp.Diff(tt.points, points); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.layout, s.Layout); diff != "" {
				t.Errorf("layout (-want +got):\n%s", diff)
			}
			if n := s.Bad.Total(); n != 0 || s.Points != 2 || s.Offset != int64(len(tt.text)) {
				t.Errorf("%d points, %d bad, at %d; want 2, 0 and %d", s.Points, n, s.Offset, len(tt.text))
			}
		})
	}
}

func TestReadCountsTheLeadingNumberOfPoints(t *testing.T) {
	points, s := readAll(t, strings.NewReader("  2 \r\n1 2 3 4\r\n5 6 7 8\r\n"))
	if s.Declared != 2 || len(points) != 2 || s.Bad.Total() != 0 {
		t.Errorf("declared %d, %d points, %d bad; want 2, 2, 0", s.Declared, len(points), s.Bad.Total())
	}
}

func TestReadCountsBadLines(t *testing.T) {
	long := "1 2 3 " + strings.Repeat("9", xyz.MaxLine)
	for _, tt := range []struct {
		name, line string
		bad        xyz.Bad
	}{
		{"text", "wall", xyz.Bad{Unreadable: 1}},
		{"two columns", "1 2", xyz.Bad{Unreadable: 1}},
		{"a column that is no number", "1 2 c 4", xyz.Bad{Unreadable: 1}},
		{"a number with something behind it", "1 2 3 4m", xyz.Bad{Unreadable: 1}},
		{"a wanted column that is missing", "1 2 3", xyz.Bad{Unreadable: 1}},
		{"another separator", "1,2,3,4", xyz.Bad{Unreadable: 1}},
		{"decimal commas", "1,5 2,5 3,5 4", xyz.Bad{Unreadable: 1}},
		{"a colon", "1 2:3 4 5", xyz.Bad{Unreadable: 1}},
		{"hexadecimal", "0x1p4 2 3 4", xyz.Bad{Unreadable: 1}},
		{"NaN", "1 NaN 3 4", xyz.Bad{NaN: 1}},
		{"NaN as intensity", "1 2 3 -nan", xyz.Bad{NaN: 1}},
		{"infinity as intensity", "1 2 3 1e999", xyz.Bad{OutOfRange: 1}},
		{"infinity", "-inf 2 3 4", xyz.Bad{OutOfRange: 1}},
		{"a coordinate beyond the bound", "1 2 -10000000.001 4", xyz.Bad{OutOfRange: 1}},
		{"a coordinate beyond every number", "1e999 2 3 4", xyz.Bad{OutOfRange: 1}},
		{"a line that is too long", long, xyz.Bad{Unreadable: 1}},
		{"a line of many buffers", strings.Repeat(long, 200), xyz.Bad{Unreadable: 1}},
		{"bytes that are no text", "\x00\xff\xfe 2 3", xyz.Bad{Unreadable: 1}},
		{"the bound itself", "1 2 1e7 4", xyz.Bad{}},
		{"nothing", " \t", xyz.Bad{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.bad.Total() > 0 {
				tt.bad.Lines = []int64{2}
			}
			for _, end := range []string{"\n", "\r\n"} {
				text := "1 2 3 4" + end + tt.line + end + "5 6 7 8" + end
				points, s := readAll(t, strings.NewReader(text))
				if diff := cmp.Diff(tt.bad, s.Bad); diff != "" {
					t.Errorf("bad lines (-want +got):\n%s", diff)
				}
				if want := (xyz.Point{X: 5, Y: 6, Z: 7, Intensity: 8}); points[len(points)-1] != want || s.Line != 3 {
					t.Errorf("the last point of %d lines is %v, want %v of 3", s.Line, points[len(points)-1], want)
				}
			}
		})
	}
}

func TestReadCountsColoursThatAreNone(t *testing.T) {
	_, s := readAll(t, strings.NewReader(strings.Repeat("1 2 3 4 5 6\n", 50)+"1 2 3 4 5 256\n1 2 3 4 5 -1\n1 2 3 4.5 5 6\n"))
	if diff := cmp.Diff(xyz.Bad{Unreadable: 3, Lines: []int64{51, 52, 53}}, s.Bad); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s", diff)
	}
}

func TestReadKeepsTheFirstBadLines(t *testing.T) {
	_, s := readAll(t, strings.NewReader("1 2 3\n"+strings.Repeat("x\n", 1000)))
	if len(s.Bad.Lines) != xyz.MaxBadLines || s.Bad.Lines[0] != 2 || s.Bad.Lines[19] != 21 || s.Bad.Unreadable != 1000 {
		t.Errorf("bad lines %+v, want 1000, of which lines 2 to 21", s.Bad)
	}
}

func TestReadFindsNoPointsInOtherFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty":          "",
		"text":           strings.Repeat("Lorem ipsum dolor\n", 500),
		"a picture":      "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\x01\x02\n\xfe\xff", 5000),
		"decimal commas": strings.Repeat("1,5 2,5 3,5\n", 500),
		"one long line":  strings.Repeat("1", 1<<20),
	} {
		points, s := readAll(t, strings.NewReader(text))
		if len(points) != 0 || s.Offset != int64(len(text)) {
			t.Errorf("%s: %d points to offset %d, want none to %d", name, len(points), s.Offset, len(text))
		}
		if name != "empty" && s.Bad.Total() == 0 {
			t.Errorf("%s: no bad line", name)
		}
	}
}

// A slow caller hears from Read however few points there are.
func TestReadReturnsWhileNothingIsAPoint(t *testing.T) {
	for name, line := range map[string]string{"bad lines": "nothing\n", "comments": "# nothing\n", "one line": "nothing"} {
		src := io.MultiReader(strings.NewReader("1 2 3\n"), strings.NewReader(strings.Repeat(line, 12<<20/len(line))))
		r, calls := xyz.NewReader(src, xyz.State{}), 0
		for err := error(nil); err == nil; calls++ {
			_, err = r.Read(make([]xyz.Point, 10))
		}
		if calls < 3 {
			t.Errorf("%s: 12 MiB without a point took %d calls, want at least 3", name, calls)
		}
	}
}

func TestReadGivesTheErrorOfItsSourceAndCanGoOn(t *testing.T) {
	var text strings.Builder
	if _, err := (roomscan.Scan{Seed: 3, Columns: roomscan.XYZI, Head: "# a room\n"}).Write(&text, 300_000); err != nil {
		t.Fatal(err)
	}
	want, end := readAll(t, strings.NewReader(text.String()))
	broken := errors.New("connection reset")
	var got []xyz.Point
	var state xyz.State
	for at := range 12 {
		rest := text.String()[state.Offset:]
		part := rest[:min(len(rest), 7_919*(at+1))]
		r := xyz.NewReader(io.MultiReader(strings.NewReader(part), iotest.ErrReader(broken)), state)
		for {
			dst := make([]xyz.Point, 50)
			n, err := r.Read(dst)
			got, state = append(got, dst[:n]...), r.State()
			if err != nil {
				if !errors.Is(err, broken) {
					t.Fatalf("Read: %v, want the error of the source", err)
				}
				break
			}
		}
	}
	r := xyz.NewReader(strings.NewReader(text.String()[state.Offset:]), state)
	for err := error(nil); err == nil; {
		dst := make([]xyz.Point, 50)
		var n int
		n, err = r.Read(dst)
		got = append(got, dst[:n]...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points after breaks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(end, r.State()); diff != "" {
		t.Errorf("state after breaks (-want +got):\n%s", diff)
	}
}

func TestReadAllocatesNothingForALine(t *testing.T) {
	var text strings.Builder
	if _, err := (roomscan.Scan{Columns: roomscan.XYZIRGB}).Write(&text, 2<<20); err != nil {
		t.Fatal(err)
	}
	r := xyz.NewReader(strings.NewReader(text.String()+"wall\n1.12345678901234567890 2 3 4 5 6 7\n"), xyz.State{})
	dst := make([]xyz.Point, 100)
	if _, err := r.Read(dst); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(300, func() {
		if _, err := r.Read(dst); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("100 points take %v allocations, want none", n)
	}
}

func ExampleReader() {
	r := xyz.NewReader(strings.NewReader("x;y;z\n1.5;2;0\n4;5;n/a\n"), xyz.State{})
	for points := make([]xyz.Point, 100); ; {
		n, err := r.Read(points)
		for _, p := range points[:n] {
			fmt.Println(p.X, p.Y, p.Z)
		}
		if err != nil {
			break
		}
	}
	fmt.Println("bad lines:", r.State().Bad.Lines)
	// Output:
	// 1.5 2 0
	// bad lines: [3]
}
