package areaplan_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/pointcloud/e57/e57test"
	"github.com/assetry/assetry/shared/pointcloud/xyz"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/areaplan"
)

func TestReportMeasuresTheScan(t *testing.T) {
	// 40 by 40 places with sixteen points each, but for a hole of 5 by 4, a single empty place, and a bay that is open to the side.
	scan := square(40, func(x, y int) bool {
		return x >= 10 && x < 15 && y >= 20 && y < 24 || x == 30 && y == 30 || x < 8 && y >= 2 && y < 6
	})
	r, _ := whole(t, product.Imperial, input("lobby.xyz", "24752\n# a comment\n"+scan+"7 7 nan\n"))
	if *r.Units.Declared != product.Imperial || r.Units.Name != "foot" || *r.Units.Metres != 0.3048 || len(r.Remarks) != 0 {
		t.Errorf("units %+v, remarks %q", r.Units, r.Remarks)
	}
	const points, places = 16 * (1600 - 20 - 1 - 32), 1600 - 20 - 1 - 32
	m := r.XYZ
	if m.Points != points || m.Lines != points+3 || *m.Declared != 24752 || m.BadLines.Total != 1 || m.BadLines.NaN != 1 {
		t.Errorf("%d points of %d lines, %d declared, bad lines %+v", m.Points, m.Lines, *m.Declared, m.BadLines)
	}
	if diff := cmp.Diff([]int64{points + 3}, m.BadLines.Lines); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(areaplan.Bounds{Min: [3]float64{0.5, 0.5, 1}, Max: [3]float64{39.5, 39.5, 1}}, m.Bounds); diff != "" {
		t.Errorf("bounds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(areaplan.Extents{Units: [3]float64{39, 39, 0}, Metres: &[3]float64{11.8872, 11.8872, 0}}, m.Extents); diff != "" {
		t.Errorf("extents (-want +got):\n%s", diff)
	}
	if m.Intensity != nil || m.Colour || m.Columns.Columns != 3 {
		t.Errorf("intensity %v, colour %t, columns %+v; want none, false and 3", m.Intensity, m.Colour, m.Columns)
	}
	// At most 256 cells of a power of two lie along 39 units and a cell: 0.25 each. No two places share one.
	if m.Density.CellSize != 0.25 || *m.Density.CellSizeMetres != 0.0762 || m.Density.Occupied != places || m.Density.Mean != 16 || m.Density.Median != 16 {
		t.Errorf("density %+v, want 16 points in each of %d cells of 0.25 units, 0.0762 m", m.Density, places)
	}
}

func TestReportFindsGaps(t *testing.T) {
	// Sixteen points a place, so that places and cells are one; a wall that runs diagonally is tight.
	var b strings.Builder
	for y := range 200 {
		for x := range 200 {
			ring := x+y == 60 || x+y == 100 || x-y == 20 || y-x == 20
			hole := x >= 120 && x < 125 && y >= 150 && y < 154 || x == 180 && y == 180
			bay := x < 30 && y >= 110 && y < 115
			if x+y > 110 && !hole && !bay || ring && x+y >= 60 && x+y <= 100 && x-y <= 20 && y-x <= 20 || x == 0 || y == 0 {
				b.WriteString(strings.Repeat(number(x)+";"+number(y)+";0\n", 16))
			}
		}
	}
	r, _ := whole(t, "", input("gaps.xyz", b.String()))
	if r.Units.Declared != nil || r.Units.Metres != nil || r.Units.Name != "unit" || r.XYZ.Extents.Metres != nil || !strings.Contains(strings.Join(r.Remarks, " "), "no units") {
		t.Errorf("undeclared units %+v, extents %+v, remarks %q", r.Units, r.XYZ.Extents, r.Remarks)
	}
	m := r.XYZ
	if m.Density.CellSize != 1 {
		t.Fatalf("a cell is %v units, want 1", m.Density.CellSize)
	}
	if m.Gaps.Cells < 20+1 || m.Gaps.AreaSquareMetres != nil || m.Gaps.Area != float64(m.Gaps.Cells) {
		t.Errorf("gaps %+v, want at least 21 cells of 1 square unit, and no metres", m.Gaps)
	}
	find := func(x, y float64) int64 {
		for _, g := range m.Gaps.Largest {
			if math.Abs(g.X-x) < 1e-6 && math.Abs(g.Y-y) < 1e-6 {
				return g.Cells
			}
		}
		return 0
	}
	for _, want := range []areaplan.Gap{{X: 122.5, Y: 152, Cells: 20}, {X: 180.5, Y: 180.5, Cells: 1}, {X: 40.5, Y: 40.5, Cells: 761}} {
		if got := find(want.X, want.Y); got != want.Cells {
			t.Errorf("the gap at %v, %v has %d cells, want %d; gaps: %+v", want.X, want.Y, got, want.Cells, m.Gaps.Largest)
		}
	}
}

func TestDeliverablesAreWhatTheySayTheyAre(t *testing.T) {
	for _, tt := range []struct {
		name, colour string
		scan         roomscan.Scan
	}{
		{"height", "height", roomscan.Scan{Seed: 1}},
		{"density, where a ceiling hides the heights", "density", roomscan.Scan{Seed: 1, Columns: roomscan.XYZI, Ceiling: true}},
		{"colours", "rgb", roomscan.Scan{Seed: 1, Columns: roomscan.XYZIRGB}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, files := whole(t, product.Metric, input("Büro 北 🏠.xyz", room(t, tt.scan, 1_500_000)))
			if *r.Units.Declared != product.Metric || *r.Units.Metres != 1 {
				t.Errorf("units %+v", r.Units)
			}
			if r.View.Colour != tt.colour || r.XYZ.Colour != (tt.colour == "rgb") || (r.XYZ.Intensity != nil) != (tt.scan.Columns != "") {
				t.Errorf("coloured by %s, colour %t, intensity %v", r.View.Colour, r.XYZ.Colour, r.XYZ.Intensity)
			}
			if diff := cmp.Diff([2]float64{0.1, 99.9}, r.View.Percentiles); diff != "" {
				t.Errorf("percentiles (-want +got):\n%s", diff)
			}
			// Stray points lie up to three metres beyond the walls, and are cropped.
			if r.View.Min[0] < -0.3 || r.View.Min[1] < -0.3 || r.View.Max[0] > 12.7 || r.View.Max[1] > 8.9 || r.XYZ.Bounds.Min[0] > -1 {
				t.Errorf("the view is from %v to %v, the points from %v to %v", r.View.Min, r.View.Max, r.XYZ.Bounds.Min, r.XYZ.Bounds.Max)
			}
			names := []string{"Büro 北 🏠-report.json", "Büro 北 🏠-top.png", "Büro 北 🏠-top.pdf"}
			for i, f := range files {
				if f.Name != names[i] {
					t.Errorf("file %d is %q, want %q", i, f.Name, names[i])
				}
				if i == 0 {
					continue
				}
				found, err := media.Inspect(t.Context(), media.Source{Size: int64(len(f.Bytes)), Head: f.Bytes})
				if err != nil || found.Type != f.Type || r.View.Files[i-1] != f.Name {
					t.Errorf("%s is %+v (%v), want %s; the report says %s", f.Name, found, err, f.Type, r.View.Files)
				}
			}
			img, err := png.Decode(bytes.NewReader(files[1].Bytes))
			if err != nil {
				t.Fatal(err)
			}
			if size := img.Bounds().Size(); size.X != r.View.Pixels[0] || size.Y != r.View.Pixels[1] || max(size.X, size.Y) > 8192 {
				t.Errorf("the picture is %v, the report says %v", size, r.View.Pixels)
			}
		})
	}
}

// A view's longer side stays below 8,192 pixels whatever the extents; a single point far away does not make it coarser.
func TestViewHoldsItsBounds(t *testing.T) {
	var b strings.Builder
	for i := range 30_000 {
		v := json.Number(number(i))
		b.WriteString(string(v) + " 3.25 1\n" + string(v) + " 3.5 1\n")
	}
	r, _ := whole(t, product.Metric, input("corridor.xyz", b.String()+"-9999999 9999999 0\n"))
	if longer := max(r.View.Pixels[0], r.View.Pixels[1]); longer > 8192 || longer < 1500 {
		t.Errorf("the view of a corridor of 30 km is %v pixels", r.View.Pixels)
	}
	if r.View.Max[0]-r.View.Min[0] > 30_100 || r.View.CellSize > 16 {
		t.Errorf("the view runs from %v to %v in squares of %v, want the 30 km without the point far away", r.View.Min, r.View.Max, r.View.CellSize)
	}
}

func TestViewOfALineIsDrawn(t *testing.T) {
	var upright, flat strings.Builder
	for i := range 500 {
		upright.WriteString("1 2 " + number(i) + "\n")
		flat.WriteString("5 " + number(i) + " 0\n")
	}
	for name, scan := range map[string]string{"upright.xyz": upright.String(), "flat.xyz": flat.String()} {
		if r, files := whole(t, "", input(name, scan)); len(files) != 3 || r.View == nil {
			t.Errorf("%s: %d files", name, len(files))
		}
	}
}

func TestReportOfAnE57SaysWhatItsXMLSays(t *testing.T) {
	file := e57test.File(e57test.XML("EPSG:25832",
		e57test.Scan{Name: "Station 1", Points: 4_000_000_000, Min: [3]float64{-1, -2, -3}, Max: [3]float64{1, 2, 3}, Colour: true},
		e57test.Scan{Name: "Station 2", Points: 5}), 2000)
	r, files := whole(t, product.Imperial, input("tower.e57", string(file)))
	if len(files) != 1 || files[0].Name != "tower-report.json" || r.View != nil || r.XYZ != nil {
		t.Fatalf("%d files, view %v, xyz %v; want one report alone", len(files), r.View, r.XYZ)
	}
	e := r.E57
	if e.Version != "1.0" || e.Points != 4_000_000_005 || e.ScanCount != 2 || e.CoordinateMetadata != "EPSG:25832" {
		t.Errorf("described as %+v", e)
	}
	one := e.Scans[0]
	if one.Name != "Station 1" || !one.Colour || !one.Intensity || e.Scans[1].Colour || len(one.Columns) != 8 || one.Bounds.Max != [3]float64{1, 2, 3} || one.Pose.Translation != [3]float64{1.5, -2, 0} {
		t.Errorf("scan described as %+v", one)
	}
	remarks := strings.Join(r.Remarks, " ")
	for _, want := range []string{"follows", "not read", "metres"} {
		if !strings.Contains(remarks, want) {
			t.Errorf("remarks %q, want %q in them", remarks, want)
		}
	}
}

func TestRunRefusesWhatNothingCanBeMadeOf(t *testing.T) {
	e57 := string(e57test.File(e57test.XML("", e57test.Scan{Name: "Station 1", Points: 5}), 5000))
	good := room(t, roomscan.Scan{Seed: 1}, 60_000)
	lines := int64(strings.Count(good, "\n"))
	for _, tt := range []struct {
		name  string
		input product.Input
		says  []string
	}{
		{"an empty file", input("a.xyz", ""), []string{"a.xyz has 0 points", "at least 100"}},
		{"99 points", input("a.xyz", strings.Repeat("1 2 3\n4 5 6\n9 9 9\n", 33)), []string{"99 points", "at least 100"}},
		{"one line repeated", input("a.xyz", strings.Repeat("1.5 2 3\n", 5000)), []string{"all 5,000 points", "at one place (1.5, 2, 3)"}},
		{"too many bad lines", input("a.xyz", good+strings.Repeat("nan 0 0\n", int(lines/999)+1)), []string{"a.xyz has", "0.1 %", "NaN: ", "The first: "}},
		{"numbers beyond the bound", input("a.xyz", strings.Repeat("1e9 0 0\n", 200)), []string{"beyond ±10,000,000: 200"}},
		{"a picture", input("a.xyz", "\x89PNG\r\n\x1a\n"+strings.Repeat("\x00\x01\n\xfe", 5000)), []string{"cannot be read"}},
		{"decimal commas", input("a.xyz", strings.Repeat("1,5 2,5 3,5\n", 500)), []string{"like 12.5"}},
		{"an e57 cut in half", input("a.e57", e57[:len(e57)/2]), []string{"a.e57 ends too early", "upload the whole file again"}},
		{"an e57 that is none", input("a.e57", good), []string{"is no E57"}},
		{"another format", input("a.las", good), []string{"las", "e57 or xyz"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := refusal(t, tt.input)
			for _, want := range tt.says {
				if !strings.Contains(got, want) {
					t.Errorf("refused with %q, want %q in it", got, want)
				}
			}
		})
	}
}

func TestRunAllowsAThousandthOfBadLines(t *testing.T) {
	good := room(t, roomscan.Scan{Seed: 1}, 60_000)
	bad := strings.Count(good, "\n") / 1000
	r, _ := whole(t, "", input("a.xyz", strings.Repeat("wall\n", xyz.MaxHead)+good+strings.Repeat("nan 0 0\n", bad)))
	if r.XYZ.BadLines.Total != int64(bad) || r.XYZ.BadLines.Share > areaplan.MaxBadShare {
		t.Errorf("bad lines %+v, want %d", r.XYZ.BadLines, bad)
	}
}

// Terabytes of something else are not read to their end.
func TestRunRefusesAsSoonAsItIsCertain(t *testing.T) {
	in := input("a.xyz", strings.Repeat("1 2 3\nnot a point\n", 400_000))
	var read int64
	_, err := run(t, product.Job{Inputs: []product.Input{in}}, func(n int64) bool { read += n; return false })
	if err == nil || read > in.Size/10 {
		t.Errorf("refused (%v) after %d of %d bytes, want a tenth at most", err, read, in.Size)
	}
}
