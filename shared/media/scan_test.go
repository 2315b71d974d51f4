package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// e57Of is the beginning of a scan and its XML section, of size bytes in all; edit changes the header.
func e57Of(size int, edit ...func(header []byte)) []byte {
	b := make([]byte, size)
	copy(b, "ASTM-E57")
	binary.LittleEndian.PutUint32(b[8:], 1)
	binary.LittleEndian.PutUint64(b[16:], uint64(size))
	binary.LittleEndian.PutUint64(b[24:], 48)
	binary.LittleEndian.PutUint64(b[32:], uint64(size-48))
	binary.LittleEndian.PutUint64(b[40:], 1024)
	for _, e := range edit {
		e(b)
	}
	return b
}

// lines repeats a line that may name its number.
func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// inspectAs inspects bytes that were announced as a format.
func inspectAs(format string, b []byte) (Info, error) {
	s := whole(b).source(HeadSize)
	s.Format = format
	return Inspect(context.Background(), s)
}

func TestE57IsHeldAgainstItsHeader(t *testing.T) {
	number := func(at int, v uint64) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint64(h[at:], v) }
	}
	good := e57Of(4096)
	for name, c := range map[string]struct {
		body []byte
		says string // "" is accepted
	}{
		"a whole file":                          {good, ""},
		"a file of another minor version":       {e57Of(4096, func(h []byte) { h[12] = 9 }), ""},
		"a file that is larger than the head":   {e57Of(3 * HeadSize), ""},
		"a file cut in half":                    {good[:2048], "is incomplete: its header says 4,096 bytes, and 2,048 are here"},
		"a large file cut in half":              {e57Of(4 * HeadSize)[:2*HeadSize], "is incomplete"},
		"a file without its last byte":          {good[:4095], "is incomplete"},
		"a file with bytes behind its end":      {append(bytes.Clone(good), 0), "is broken: its header says 4,096 bytes, and 4,097 are here"},
		"a header that ends early":              {good[:47], "ends in the middle of its headers"},
		"the signature alone":                   {good[:8], "ends in the middle of its headers"},
		"a version to come":                     {e57Of(4096, func(h []byte) { h[8] = 2 }), "version 2.0"},
		"XML before the end of the header":      {e57Of(4096, number(24, 47)), "puts 4,048 bytes of XML at byte 47"},
		"XML behind the end of the file":        {e57Of(4096, number(24, 4096)), "at byte 4,096 of 4,096"},
		"XML that passes the end of the file":   {e57Of(4096, number(32, 4049)), "puts 4,049 bytes of XML"},
		"XML of more bytes than there can be":   {e57Of(4096, number(32, 1<<63)), "is broken"},
		"XML at a place that no file has":       {e57Of(4096, number(24, 1<<63)), "is broken"},
		"no XML":                                {e57Of(4096, number(32, 0)), "puts 0 bytes of XML"},
		"a length of more bytes than it can be": {e57Of(4096, number(16, 1<<63+4096)), "is incomplete"},
	} {
		for _, format := range []string{"", FormatE57} {
			t.Run(name+map[string]string{FormatE57: ", as announced"}[format], func(t *testing.T) {
				in, err := inspectAs(format, c.body)
				if c.says == "" {
					if err != nil || in != (Info{Type: "model/e57"}) {
						t.Errorf("Inspect = %+v, %v; want an e57", in, err)
					}
					return
				}
				if wantRejected(t, err); !strings.Contains(err.Error(), c.says) {
					t.Errorf("Inspect = %v, want it to say %q", err, c.says)
				}
			})
		}
	}
}

func TestXYZIsJudgedByItsFirstLines(t *testing.T) {
	points := lines(300, "%d.5 -2.25 3e-2\n")
	for name, c := range map[string]struct {
		body string
		says string // "" is accepted
	}{
		"spaces":                             {points, ""},
		"tabs":                               {lines(300, "%d\t2\t3\n"), ""},
		"commas":                             {lines(300, "%d,2,3\n"), ""},
		"semicolons and spaces":              {lines(300, " %d ; 2.0 ; 3 ;\n"), ""},
		"lines that end as on Windows":       {lines(300, "%d 2 3\r\n"), ""},
		"a byte order mark":                  {"\xef\xbb\xbf" + points, ""},
		"comments and blank lines":           {"# made by a scanner, 20\xb0C\n\n// in metres\n" + points, ""},
		"names of columns":                   {"X Y Z R G B\n" + points, ""},
		"names of columns with commas":       {"\"x\",\"y\",\"z\"\n" + points, ""},
		"the number of points":               {"300\n" + points, ""},
		"the number of points, then names":   {"300\nx y z\n" + points, ""},
		"intensity and colour":               {lines(300, "%d 2 3 0.5 255 0 17\n"), ""},
		"words in further columns":           {lines(300, "%d 2 3 wall\n"), ""},
		"one point without the end of line":  {"1 2 3", ""},
		"points that were not measured":      {"nan NaN nan\n" + points, ""},
		"all signs and exponents":            {"+1. -.5 1e5\n1E+5 -1.5e-05 0\n" + points, ""},
		"one bad line in ten":                {lines(30, "%d 2 3\n") + "oops\n" + points, ""},
		"ninety-nine times the same point":   {strings.Repeat("1 2 3\n", 99), ""},
		"lines of any length":                {lines(300, "%d 2 3"+strings.Repeat(" 0.125", 100)+"\n"), ""},
		"a point cut by the end of the head": {lines(40_000, "%d 2.000 3\n"), ""},

		"one line repeated":                   {strings.Repeat("1 2 3\n", 2000), "points are all the same, \"1 2 3\""},
		"one line repeated in a large file":   {strings.Repeat("1 2 3\n", 40_000), "points are all the same"},
		"a picture":                           {string(pngOf(3, 2)), "of the type image/png"},
		"a page":                              {"<!doctype html><p>1 2 3", "an HTML page"},
		"prose":                               {strings.Repeat("The quick brown fox jumps over the lazy dog.\n", 50), "its line 2, \"The quick"},
		"an archive":                          {"PK\x03\x04 1 2 3\n", "a ZIP archive"},
		"numbers as UTF-16":                   {"\xff\xfe1\x00 \x002\x00 \x003\x00\n\x00", "is of a kind that is not known here"},
		"two numbers a line":                  {lines(300, "%d 2\n"), "its line 1, \"0 2\", is no point"},
		"one number a line":                   {lines(300, "%d\n"), "its line 2, \"1\", is no point"},
		"names twice":                         {"x y z\nmetres metres metres\n" + points, "its line 2"},
		"comments alone":                      {"# a\n# b\n", "no line of it is a point"},
		"names of columns alone":              {"x y z\n", "no line of it is a point"},
		"a line without an end":               {strings.Repeat("1 2 3 ", 20_000), "no line ends within its first 65536 bytes"},
		"one bad line in three":               {strings.Repeat("1 2 3\n4 5 6\noops\n", 50), "such as line 3, \"oops\""},
		"a table of words":                    {strings.Repeat("anna;bert;carl\n", 50), "its line 2"},
		"hexadecimal numbers":                 {lines(300, "0x%d 0x2 0x3\n"), "is no point"},
		"infinite numbers":                    {lines(300, "inf inf inf %d\n"), "is no point"},
		"numbers with a letter behind":        {lines(300, "%dm 2m 3m\n"), "is no point"},
		"a scan of the other kind":            {string(e57Of(4096)), "of the type model/e57"},
		"no bytes":                            {"", "empty"},
		"points with binary bytes among them": {points + "\x00\x01", "it has bytes that no text has"},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := inspectAs(FormatXYZ, []byte(c.body))
			if c.says == "" {
				if err != nil || in != (Info{Type: "model/x-xyz"}) {
					t.Errorf("Inspect = %+v, %v; want an xyz", in, err)
				}
				return
			}
			if wantRejected(t, err); !strings.Contains(err.Error(), c.says) {
				t.Errorf("Inspect = %v, want it to say %q", err, c.says)
			}
		})
	}
}

func TestAFormatIsOnlyWhatWasAnnounced(t *testing.T) {
	points := []byte(lines(300, "%d 2 3\n"))
	_, err := inspect(points)
	if wantRejected(t, err); !strings.Contains(err.Error(), "plain text") || !strings.Contains(err.Error(), "xyz where it is announced") {
		t.Errorf("points that nobody announced: %v", err)
	}
	for name, c := range map[string]struct{ body []byte }{
		"points announced as e57":    {points},
		"a picture announced as e57": {pngOf(3, 2)},
		"a page announced as e57":    {[]byte("<html>")},
	} {
		_, err := inspectAs(FormatE57, c.body)
		if wantRejected(t, err); !strings.Contains(err.Error(), "was announced as e57, but it is") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := inspectAs("las", points); err == nil || strings.Contains(err.Error(), "announced as las") {
		t.Errorf("a format that nobody knows: %v, want an error that is no rejection", err)
	}
}

func TestFormatsAndTheirTypes(t *testing.T) {
	for contentType, want := range map[string]string{
		"model/e57": FormatE57, "Model/E57; charset=x": FormatE57, "application/x-e57": FormatE57, "model/x-xyz": FormatXYZ, "chemical/x-xyz": FormatXYZ,
		"image/png": "", "text/plain": "", "": "", "model/gltf+json": "",
	} {
		if got := FormatOf(contentType); got != want {
			t.Errorf("FormatOf(%q) = %q, want %q", contentType, got, want)
		}
	}
	for _, f := range Formats() {
		if byFormat(f) == nil {
			t.Errorf("the format %q has no type", f)
		}
	}
	if Agree("model/gltf+json", "model/e57") || !Agree("model/e57", "model/e57") || Class("model/gltf+json") != "" {
		t.Error("another model passes for a scan")
	}
}

// FuzzXYZ judges arbitrary bytes that were announced as points.
func FuzzXYZ(f *testing.F) {
	for _, s := range []string{
		"1 2 3\n", "300\nx y z\n1;2;3\r\n4;5;6", "\xef\xbb\xbf# c\n\n// d\n+1.,-.5,1e+5\nnan nan nan", strings.Repeat("1 2 3\n", 200), "1 2\n", "\x00", "x\ny\n",
	} {
		f.Add([]byte(s), uint16(len(s)))
		f.Add([]byte(s), uint16(3))
	}
	for _, b := range seeds() {
		f.Add(b, uint16(len(b)))
	}
	f.Fuzz(func(t *testing.T, b []byte, head uint16) {
		o := whole(b)
		s := o.source(int64(head))
		s.Format = FormatXYZ
		in, err := Inspect(context.Background(), s)
		checkAnswer(t, o, in, err)
		if err == nil && (in.Type != "model/x-xyz" || bytes.IndexByte(b[:min(len(b), HeadSize)], 0) >= 0) {
			t.Errorf("Inspect accepts %.80q as %+v", b, in)
		}
	})
}
