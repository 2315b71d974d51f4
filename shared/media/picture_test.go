package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
)

// pngChunk makes a chunk with its checksum.
func pngChunk(kind string, content ...[]byte) []byte {
	c := join([]byte(kind), join(content...))
	return join(be32(len(c)-4), c, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(c)))
}

// pngHead makes the signature and IHDR.
func pngHead(w, h int) []byte {
	return join([]byte(pngSignature), pngChunk("IHDR", be32(w), be32(h), []byte{8, 2, 0, 0, 0}))
}

func TestPNG(t *testing.T) {
	small, large := pngOf(30, 20), pngOf(300, 200)
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"a small one":                          {small, Info{"image/png", 30, 20}},
		"one longer than the head":             {large, Info{"image/png", 300, 200}},
		"bytes after IEND":                     {join(small, []byte("<html>")), Info{"image/png", 30, 20}},
		"a page after IEND of a large one":     {join(large, bytes.Repeat([]byte("<html>"), 500)), Info{"image/png", 300, 200}},
		"many bytes after IEND of a large one": {join(large, make([]byte, 200_000)), Info{"image/png", 300, 200}},
		"exactly 150 megapixels":               {join(pngHead(15000, 10000), pngChunk("IDAT"), []byte(pngEnd)), Info{"image/png", 15000, 10000}},
		"text that mentions IEND before the picture": {join(pngHead(3, 2), pngChunk("tEXt", []byte("IEND")), pngChunk("IDAT"), []byte(pngEnd)),
			Info{"image/png", 3, 2}},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
	badSum := bytes.Clone(small)
	badSum[30] ^= 1
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"only the signature":                 {small[:8], "middle of its headers"},
		"IEND is missing":                    {small[:len(small)-12], "IEND"},
		"IEND is half there":                 {small[:len(small)-1], "IEND"},
		"IEND of a large one is missing":     {large[:len(large)-12], "IEND"},
		"text that says IEND is no end":      {join(pngHead(3, 2), pngChunk("tEXt", []byte(pngEnd)), pngChunk("IDAT")), "IEND"},
		"one pixel row above 150 megapixels": {pngHead(15000, 10001), "150,015,000 pixels (15000 x 10001). Allowed are at most 150,000,000"},
		"sides whose product would overflow": {pngHead(1<<32-1, 1<<32-1), "pixels"},
		"a width of 0":                       {join(pngHead(0, 10), []byte(pngEnd)), "IHDR"},
		"a checksum that does not match":     {badSum, "IHDR"},
		"another chunk comes first":          {join([]byte(pngSignature), pngChunk("IDAT", make([]byte, 13)), []byte(pngEnd)), "IHDR"},
		"more chunks than reads, and no end": {join(pngHead(9, 9), bytes.Repeat(pngChunk("IDAT", make([]byte, 5000)), 3000)), "IEND"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

// withSegments puts segments between the start of a JPEG and the rest.
func withSegments(b []byte, segments ...[]byte) []byte { return join(b[:2], join(segments...), b[2:]) }

func segment(marker byte, content ...[]byte) []byte {
	c := join(content...)
	return join([]byte{0xFF, marker}, be16(len(c)+2), c)
}

// hugeJPEG is a picture whose data is longer than what is ever scanned for its end.
func hugeJPEG() []byte {
	b := jpegOf(30, 20)
	return join(b[:len(b)-2], bytes.Repeat([]byte{0x55}, 3<<20), jpegEnd)
}

// exif makes an APP1 segment whose only entry is the orientation.
func exif(orientation int) []byte {
	return segment(jpegAPP1, []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"), be16(orientation), be16(0), be32(0))
}

func xmp(text string) []byte {
	return segment(jpegAPP1, []byte("http://ns.adobe.com/xap/1.0/\x00"), []byte(text))
}

func TestJPEG(t *testing.T) {
	small, large, huge := jpegOf(30, 20), jpegOf(600, 400), hugeJPEG()
	if len(large) <= HeadSize {
		t.Fatalf("the large picture has only %d bytes", len(large))
	}
	film := join(ftyp("mp42isom"), make([]byte, 400_000))
	dnl := bytes.Clone(small)
	sof := bytes.Index(dnl, []byte{0xFF, jpegSOF0})
	copy(dnl[sof+5:], "\x00\x00")
	micro := fmt.Sprintf(`<rdf:Description GCamera:MicroVideoOffset="%d"/>`, len(film))
	motion := fmt.Sprintf(`<Container:Item Item:Mime="image/jpeg" Item:Semantic="Primary" Item:Length="0"/>`+
		`<Container:Item Item:Mime="video/mp4" Item:Length="%d" Item:Semantic="MotionPhoto"/>`, len(film))
	shown, turned := Info{"image/jpeg", 30, 20}, Info{"image/jpeg", 20, 30}
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"a small one":                                   {small, shown},
		"one longer than the head":                      {large, Info{"image/jpeg", 600, 400}},
		"a page behind the end":                         {join(small, []byte("<html><script>alert(1)</script>")), shown},
		"a long page behind the end":                    {join(small, bytes.Repeat([]byte("<p>page"), 30_000)), shown},
		"orientation 3 keeps the sides":                 {withSegments(small, exif(3)), shown},
		"orientation 6 swaps the sides":                 {withSegments(small, exif(6)), turned},
		"an orientation that does not exist is ignored": {withSegments(small, exif(9)), shown},
		"the first of two orientations counts":          {withSegments(small, exif(8), exif(1)), turned},
		"orientation behind a long segment":             {withSegments(small, segment(0xED, make([]byte, 60_000)), exif(5)), turned},
		"forty long segments before the frame":          {withSegments(small, bytes.Repeat(segment(0xE2, make([]byte, 65_000)), 40)), shown},
		"filling bytes between segments":                {withSegments(small, []byte{0xFF, 0xFF, 0xFF}), shown},
		"a height that is stated after the scan":        {dnl, Info{Type: "image/jpeg"}},
		"a motion photo of the older form":              {join(withSegments(huge, xmp(micro)), film), shown},
		"a motion photo of the newer form":              {join(withSegments(huge, xmp(motion)), film), shown},
		"a motion photo closed by a trailer":            {join(huge, make([]byte, 400_000), []byte("SEFT")), shown},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
}

func TestJPEGRejected(t *testing.T) {
	small, huge := jpegOf(30, 20), hugeJPEG()
	sof := bytes.Index(small, []byte{0xFF, jpegSOF0})
	wide := bytes.Clone(small)
	copy(wide[sof+5:], "\xff\xff\xff\xff")
	micro := xmp(`<rdf:Description GCamera:MicroVideoOffset="300000"/>`)
	thumbnail := withSegments(small, segment(jpegAPP1, []byte("Exif\x00\x00"), small))
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"the end marker is missing":                   {small[:len(small)-2], "end marker"},
		"cut in the middle of the picture":            {huge[:len(huge)/2], "end marker"},
		"the end of a thumbnail is not the end":       {thumbnail[:len(thumbnail)-20], "end marker"},
		"a film that does not begin where it is said": {join(withSegments(huge[:len(huge)-2], micro), make([]byte, 400_000)), "end marker"},
		"cut in the middle of a segment":              {small[:sof-30], "middle of its headers"},
		"only its first bytes":                        {small[:4], "middle of its headers"},
		"no frame":                                    {join(small[:2], segment(jpegSOS, make([]byte, 10)), jpegEnd), "no frame"},
		"no scan":                                     {join(small[:2], jpegEnd, small), "before any picture data"},
		"more than 150 megapixels":                    {wide, "4,294,836,225 pixels (65535 x 65535)"},
		"a segment shorter than its length":           {withSegments(small, []byte{0xFF, 0xE0, 0, 1}), "shorter than its own length"},
		"nothing but stray bytes":                     {join(small[:2], bytes.Repeat([]byte{0xFF}, 50_000)), "no picture data"},
		"segments without end":                        {join(small[:2], bytes.Repeat(segment(0xE2, make([]byte, 65_000)), 500)), "too many pieces"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

func TestEXIFOrientation(t *testing.T) {
	for name, c := range map[string]struct {
		tiff string
		want int
	}{
		"big endian":    {"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00", 6},
		"little endian": {"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00", 8},
		"a second entry": {"MM\x00*\x00\x00\x00\x08\x00\x02\x01\x00\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" +
			"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00", 3},
		"a type that is no short number":    {"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x04\x00\x00\x00\x01\x00\x06\x00\x00", 0},
		"fewer entries than are announced":  {"MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12\x00\x03", 0},
		"a directory outside of the block":  {"MM\x00*\xff\xff\xff\xff\x00\x01", 0},
		"a block that ends after its magic": {"MM\x00*", 0},
		"something else":                    {"hello", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exifOrientation([]byte(c.tiff)); got != c.want {
				t.Errorf("exifOrientation = %d, want %d", got, c.want)
			}
		})
	}
}

func TestGIF(t *testing.T) {
	small, large := gifOf(30, 20), gifOf(800, 600)
	if len(large) <= HeadSize {
		t.Fatalf("the large picture has only %d bytes", len(large))
	}
	none := bytes.Clone(small)
	copy(none[6:], "\x00\x00")
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"a small one":                             {small, Info{"image/gif", 30, 20}},
		"one longer than the head":                {large, Info{"image/gif", 800, 600}},
		"bytes after the trailer":                 {join(small, []byte("<html>")), Info{"image/gif", 30, 20}},
		"zeros after the trailer of a large one":  {join(large, make([]byte, 300)), Info{"image/gif", 800, 600}},
		"a page after the trailer of a large one": {join(large, bytes.Repeat([]byte("<p>page"), 1000)), Info{"image/gif", 800, 600}},
		"a logical screen of no width":            {none, Info{Type: "image/gif"}},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
	wide := bytes.Clone(small)
	copy(wide[6:], "\xff\xff\xff\xff")
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"the trailer is missing":                {small[:len(small)-1], "trailer"},
		"the trailer of a large one is missing": {large[:len(large)-1], "trailer"},
		"picture data that ends like a trailer": {join(small[:len(small)-10], []byte{0, gifTrailer}), "trailer"},
		"no picture that could be followed":     {join(small[:13], bytes.Repeat([]byte{9}, 5000)), "no block"},
		"only its first bytes":                  {small[:10], "middle of its headers"},
		"more than 150 megapixels":              {wide, "65535 x 65535"},
		"extensions without end":                {join(small[:10], []byte{0, 0, 0}, bytes.Repeat([]byte{gifExtension, 0xFE, 1, 1, 0}, 600_000)), "trailer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

func TestWebP(t *testing.T) {
	lossy := chunkOf("VP8 ", []byte{0x10, 0, 0, 0x9D, 1, 0x2A, 0x2C, 0x41, 0xC8, 0x80}, make([]byte, 50)) // scale bits above the sizes
	lossless := chunkOf("VP8L", []byte{0x2F, 0x2B, 0xC1, 0x31, 0x00}, make([]byte, 50))
	canvas := func(w, h int) []byte {
		return chunkOf("VP8X", []byte{0x10, 0, 0, 0}, le32(w - 1)[:3], le32(h - 1)[:3])
	}
	size := Info{"image/webp", 300, 200}
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"lossy":                   {riff("WEBP", lossy), size},
		"lossless":                {riff("WEBP", lossless), size},
		"a canvas with a profile": {riff("WEBP", canvas(300, 200), chunkOf("ICCP", make([]byte, 90_001)), lossy), size},
		"an animation":            {riff("WEBP", canvas(300, 200), chunkOf("ANIM", make([]byte, 6)), chunkOf("ANMF", make([]byte, 40))), size},
		"bytes after the end":     {join(riff("WEBP", lossy), []byte("<html>")), size},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
	full := riff("WEBP", lossy)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"the RIFF length passes the end":         {full[:len(full)-1], "its header says that it ends at byte 80, and the file has 79 bytes"},
		"the picture passes the end":             {riff("WEBP", lossy[:40]), "its picture says"},
		"the picture in a canvas passes the end": {riff("WEBP", canvas(300, 200), lossy[:40]), "its picture says"},
		"a canvas without a picture":             {riff("WEBP", canvas(300, 200), chunkOf("EXIF", make([]byte, 40))), "holds no picture"},
		"a frame that is no key frame":           {riff("WEBP", chunkOf("VP8 ", []byte{1}, make([]byte, 50))), "begin with a picture"},
		"another chunk first":                    {riff("WEBP", chunkOf("EXIF", make([]byte, 40)), lossy), "begin with a picture"},
		"a canvas above 150 megapixels":          {riff("WEBP", canvas(16384, 16384), lossy), "268,435,456 pixels"},
		"only its first bytes":                   {full[:16], "middle of its headers"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

func TestALargePNGCostsOneSmallRead(t *testing.T) {
	const size = 80 << 20
	o := &object{size: size, ranges: map[int64][]byte{
		0:                         join(pngHead(9000, 9000), be32(1<<20), []byte("IDAT")),
		size - int64(len(pngEnd)): []byte(pngEnd),
	}}
	got, err := Inspect(context.Background(), o.source(HeadSize))
	if want := (Info{"image/png", 9000, 9000}); err != nil || got != want {
		t.Errorf("Inspect = %+v, %v, want %+v", got, err, want)
	}
	if o.reads != 1 || o.read > 16<<10 {
		t.Errorf("it took %d reads of %d bytes, want 1 of at most 16 KiB", o.reads, o.read)
	}
}
