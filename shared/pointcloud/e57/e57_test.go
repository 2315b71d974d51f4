package e57_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/pointcloud/e57"
	"github.com/assetry/assetry/shared/pointcloud/e57/e57test"
)

// source gives the bytes as a file.
func source(b []byte) e57.Source {
	return e57.Source{Size: int64(len(b)), Open: func(off int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b[off:])), nil
	}}
}

var lobby = e57test.Scan{Name: "Lobby & <stairs>", Points: 4210, Min: [3]float64{-10, -8, 0}, Max: [3]float64{10, 8.5, 3.2}}

func TestReadTellsWhatTheFileSays(t *testing.T) {
	office := e57test.Scan{Name: "Büro 2", Points: 0, Colour: true}
	xml := e57test.XML("local frame, metres", lobby, office)
	for _, before := range []int{0, 7, 972, 971, 1020 - 48 - 1, 5000, 100_000} {
		b := e57test.File(xml, before)
		f, err := e57.Read(source(b))
		if err != nil {
			t.Fatalf("Read of XML behind %d bytes: %v", before, err)
		}
		if f.Header.Length != int64(len(b)) || f.Header.Major != 1 || f.Header.PageSize != 1024 || f.Header.XMLLength != int64(len(xml)) {
			t.Errorf("header %+v of a file of %d bytes", f.Header, len(b))
		}
		f.Header = e57.Header{}
		fields := []e57.Field{
			{Name: "cartesianX", Type: "Float", Precision: "single", Min: "-100", Max: "100"},
			{Name: "cartesianY", Type: "Float", Precision: "single", Min: "-100", Max: "100"},
			{Name: "cartesianZ", Type: "ScaledInteger", Min: "-32768", Max: "32767"},
			{Name: "nor:normalX", Type: "Float", Precision: "single"},
			{Name: "intensity", Type: "Integer", Min: "0", Max: "4095"},
		}
		colours := append(fields[:5:5],
			e57.Field{Name: "colorRed", Type: "Integer", Min: "0", Max: "255"},
			e57.Field{Name: "colorGreen", Type: "Integer", Min: "0", Max: "255"},
			e57.Field{Name: "colorBlue", Type: "Integer", Min: "0", Max: "255"},
		)
		pose := &e57.Pose{Rotation: [4]float64{1}, Translation: [3]float64{1.5, -2, 0}}
		const guid = "{00000000-0000-4000-8000-000000000002}"
		want := &e57.File{
			GUID: "{00000000-0000-4000-8000-000000000001}", Library: "Made for a test", CoordinateMetadata: "local frame, metres", ScanCount: 2,
			Scans: []e57.Scan{
				{Name: lobby.Name, GUID: guid, Vendor: "A maker", Points: 4210, Bounds: &e57.Bounds{Min: lobby.Min, Max: lobby.Max}, Pose: pose, Fields: fields},
				{Name: office.Name, GUID: guid, Vendor: "A maker", Bounds: &e57.Bounds{}, Pose: pose, Fields: colours},
			},
		}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("XML behind %d bytes (-want +got):\n%s", before, diff)
		}
	}
}

func TestReadRefusesBrokenFiles(t *testing.T) {
	whole := e57test.File(e57test.XML("", lobby), 3000)
	changed := func(at int, b ...byte) []byte {
		file := bytes.Clone(whole)
		copy(file[at:], b)
		return e57test.Seal(file)
	}
	number := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-500] ^= 1
	deep := "<e57Root>" + strings.Repeat("<a>", 10_000)
	for _, tt := range []struct {
		name string
		file []byte
		says string
	}{
		{"nothing", nil, "0 bytes, fewer than the header"},
		{"half a header", whole[:40], "40 bytes, fewer than the header"},
		{"a picture", bytes.Repeat([]byte("\x89PNG\r\n\x1a\n"), 512), "is no E57"},
		{"cut in half", whole[:len(whole)/2], "ends too early"},
		{"without its last byte", whole[:len(whole)-1], "ends too early"},
		{"with more behind it", append(bytes.Clone(whole), 0), "its header says"},
		{"a version to come", changed(8, 2), "version 2.0"},
		{"a length that is none", changed(16, number(1<<63)...), "cannot be"},
		{"XML beyond the end", changed(24, number(1<<40)...), "cannot be"},
		{"XML in the header", changed(24, number(10)...), "cannot be"},
		{"XML in a checksum", changed(24, number(1022)...), "cannot be"},
		{"no XML", changed(32, number(0)...), "0 bytes of XML"},
		{"more XML than is read", changed(32, number(e57.MaxXML+1)...), "16777217 bytes of XML"},
		{"pages of no size", changed(40, number(0)...), "pages of 0 bytes"},
		{"pages of an odd size", changed(40, number(1000)...), "pages of 1000 bytes"},
		{"a flipped bit in the XML", flipped, "is damaged: page"},
		{"a flipped bit in the header", append(append(bytes.Clone(whole[:100]), whole[100]^1), whole[101:]...), "is damaged: page 0"},
		{"XML that is none", e57test.File("no XML at all", 0), "no XML"},
		{"XML of something else", e57test.File("<html></html>", 0), "begins with <html>"},
		{"XML that ends early", e57test.File("<e57Root><data3D>", 0), "ends within <data3D>"},
		{"XML with ends that cross", e57test.File("<e57Root><a></b></e57Root>", 0), "closed by </b>"},
		{"XML with an end too many", e57test.File("</e57Root>", 0), "did not begin"},
		{"XML that is broken", e57test.File("<e57Root><a b=></e57Root>", 0), "broken, in line 1"},
		{"XML in another encoding", e57test.File(`<?xml version="1.0" encoding="UTF-16"?><e57Root/>`, 0), "UTF-8"},
		{"XML without bottom", e57test.File(deep, 0), "within each other"},
		{"a scan of minus one point", e57test.File(e57test.XML("", e57test.Scan{Points: -1}), 0), `"-1" points`},
		{"a bound that is none", e57test.File(strings.Replace(e57test.XML("", lobby), ">8.5<", ">wide<", 1), 0), "no number"},
		{"an infinite bound", e57test.File(strings.Replace(e57test.XML("", lobby), ">8.5<", ">inf<", 1), 0), "no number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e57.Read(source(tt.file))
			var refused *e57.Invalid
			if !errors.As(err, &refused) || !strings.Contains(refused.Message, tt.says) {
				t.Errorf("Read: %v, want an Invalid that says %q", err, tt.says)
			}
		})
	}
}

func TestReadBlamesNotTheFileForItsSource(t *testing.T) {
	whole := e57test.File(e57test.XML("", lobby), 3000)
	broken := errors.New("connection reset")
	for _, keep := range []int{10, 1000, 1024, 3500, 4096} {
		for name, end := range map[string]error{"an error": broken, "an early end": io.EOF} {
			src := source(whole)
			open := src.Open
			src.Open = func(off int64) (io.ReadCloser, error) {
				body, err := open(off)
				left := max(0, int64(keep)-off)
				return io.NopCloser(io.MultiReader(io.LimitReader(body, left), iotest.ErrReader(end))), err
			}
			var refused *e57.Invalid
			if _, err := e57.Read(src); err == nil || errors.As(err, &refused) || end == broken && !errors.Is(err, broken) {
				t.Errorf("Read with %s after %d bytes: %v, want an error that may be repeated", name, keep, err)
			}
		}
	}
}

func TestReadKeepsOnlySoMuch(t *testing.T) {
	scans := make([]e57test.Scan, e57.MaxScans+5)
	for i := range scans {
		scans[i] = lobby
	}
	scans[0].Name = strings.Repeat("é", 5000)
	f, err := e57.Read(source(e57test.File(e57test.XML("", scans...), 0)))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Scans) != e57.MaxScans || f.ScanCount != len(scans) {
		t.Errorf("%d scans kept, %d counted; want %d and %d", len(f.Scans), f.ScanCount, e57.MaxScans, len(scans))
	}
	if n := len([]rune(f.Scans[0].Name)); n != e57.MaxText {
		t.Errorf("a name of %d characters, want %d", n, e57.MaxText)
	}
}

func FuzzRead(f *testing.F) {
	whole := e57test.File(e57test.XML("metres", lobby), 500)
	f.Add(whole, true)
	f.Add(whole[:len(whole)/2], false)
	f.Add([]byte("<e57Root><data3D><vectorChild><points recordCount=\"7\"/></vectorChild></data3D></e57Root>"), true)
	f.Add([]byte("<e57Root><data3D><vectorChild><pose><rotation><w/></rotation></pose></vectorChild></data3D>"), true)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		switch {
		case !bytes.HasPrefix(b, []byte("ASTM-E57")):
			b = e57test.File(string(b), 0) // as XML
		case sealed:
			b = e57test.Seal(bytes.Clone(b))
		}
		file, err := e57.Read(source(b))
		var refused *e57.Invalid
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("Read: %v, want an Invalid or nothing", err)
		}
		if err == nil && (file.ScanCount < len(file.Scans) || len(file.Scans) > e57.MaxScans) {
			t.Fatalf("%d scans kept of %d", len(file.Scans), file.ScanCount)
		}
	})
}
