package roomscan_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/assetry/assetry/infra/roomscan"
)

func write(t *testing.T, s roomscan.Scan, size int64) (string, int64) {
	t.Helper()
	var b bytes.Buffer
	points, err := s.Write(&b, size)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), points
}

func TestScanHasTheSizeAndTheLinesAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name    string
		scan    roomscan.Scan
		sep     string
		columns int
	}{
		{"three columns", roomscan.Scan{}, " ", 3},
		{"intensity, by semicolons", roomscan.Scan{Columns: roomscan.XYZI, Separator: ';'}, ";", 4},
		{"colours, lines of Windows", roomscan.Scan{Columns: roomscan.XYZRGB, Separator: ',', CRLF: true}, ",", 6},
		{"everything, after a head", roomscan.Scan{Columns: roomscan.XYZIRGB, Separator: '\t', Head: "// made up\n", Ceiling: true}, "\t", 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, points := write(t, tt.scan, 20_000)
			if n := len(text); n > 20_000 || n < 19_900 {
				t.Errorf("the scan has %d bytes, want almost 20000", n)
			}
			text, ok := strings.CutPrefix(text, tt.scan.Head)
			if !ok {
				t.Errorf("the scan does not begin with its head")
			}
			if crlf := strings.Count(text, "\r\n") == int(points); crlf != tt.scan.CRLF {
				t.Errorf("all lines end with CRLF: %t, want %t", crlf, tt.scan.CRLF)
			}
			lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r", ""), "\n"), "\n")
			if int64(len(lines)) != points {
				t.Errorf("%d lines, said to be %d", len(lines), points)
			}
			for _, line := range lines {
				fields := strings.Split(line, tt.sep)
				if len(fields) != tt.columns {
					t.Fatalf("line %q has %d columns, want %d", line, len(fields), tt.columns)
				}
				for _, f := range fields {
					if _, err := strconv.ParseFloat(f, 64); err != nil {
						t.Fatalf("line %q: %v", line, err)
					}
				}
			}
		})
	}
}

func TestSeedDecidesTheBytes(t *testing.T) {
	one, _ := write(t, roomscan.Scan{Seed: 1}, 5000)
	again, _ := write(t, roomscan.Scan{Seed: 1}, 5000)
	two, _ := write(t, roomscan.Scan{Seed: 2}, 5000)
	if one != again {
		t.Error("one seed gave two scans")
	}
	if one == two {
		t.Error("two seeds gave one scan")
	}
}
