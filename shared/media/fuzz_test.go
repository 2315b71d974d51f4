package media

import (
	"context"
	"errors"
	"testing"
)

// seeds are one file of every kind that is parsed, as small as it gets, and some that are cut off.
func seeds() [][]byte {
	moov := mkBox("moov", mkBox("mvhd", make([]byte, 100)), mkTrack("vide", 0, quarter, 320, 180))
	wav := riff("WAVE", chunkOf("fmt ", make([]byte, 16)), chunkOf("data", make([]byte, 10)))
	heic := mkHEIF("heicmif1", [][]byte{ispe(64, 64), ispe(640, 480), mkBox("irot", []byte{1})}, 2, 3)
	webm := join(el(ebmlHeader, el(ebmlDocType, []byte("webm"))), el(mkvSegment, el(mkvTracks, el(mkvTrackEntry, el(mkvVideo, el(mkvPixelWidth, be16(640)))))))
	jpeg := jpegOf(8, 8)
	all := [][]byte{
		pngOf(3, 2), gifOf(3, 2), jpeg, withSegments(jpeg, exif(6)), withSegments(jpeg, xmp(`Semantic="MotionPhoto" Item:Length="9">`)),
		riff("WEBP", chunkOf("VP8L", []byte{0x2F, 0, 0, 0, 0}, make([]byte, 9))), riff("WEBP", chunkOf("VP8X", make([]byte, 10)), chunkOf("ANMF", make([]byte, 9))),
		heic, join(ftyp("isom"), moov, mkBox("mdat")), join(ftyp("qt  "), mkBox("mdat"), moov), webm, wav, frames(2), oggOf("OpusHead"),
		[]byte("ID3\x04\x00\x00\x00\x00\x00\x05....."), []byte("%PDF-1.7\n%%EOF"), []byte("<html>"), e57Of(1024), []byte("x y z\n1 2 3\n4 5 6\n"),
	}
	for _, b := range all {
		all = append(all, b[:len(b)*2/3])
	}
	return all
}

// checkAnswer fails the test when an answer breaks a promise of the package.
func checkAnswer(t *testing.T, o *object, in Info, err error) {
	t.Helper()
	var r *Rejected
	switch {
	case errors.As(err, &r):
		if r.Message == "" {
			t.Error("a rejection without a message")
		}
	case err != nil:
		t.Errorf("bytes that can be read give the error %v", err)
	case !Allowed(in.Type) || in.Width < 0 || in.Height < 0:
		t.Errorf("Inspect accepts %+v", in)
	case Class(in.Type) == classImage && in.Width*in.Height > MaxPixels:
		t.Errorf("Inspect accepts an image of %d x %d", in.Width, in.Height)
	}
	if o.reads > maxReads || o.read > maxReads*maxAhead {
		t.Errorf("it took %d reads of %d bytes, want at most %d of at most %d", o.reads, o.read, maxReads, maxAhead)
	}
}

// FuzzInspect looks into arbitrary bytes, with a head that ends anywhere.
func FuzzInspect(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b, uint16(len(b)))
		f.Add(b, uint16(30))
	}
	f.Fuzz(func(t *testing.T, b []byte, head uint16) {
		o := whole(b)
		in, err := Inspect(context.Background(), o.source(int64(head)))
		checkAnswer(t, o, in, err)
	})
}

// FuzzInspectOfALargeObject puts bytes at the start and at the end of an object of any size, with zeros between.
func FuzzInspectOfALargeObject(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b[:len(b)/2], b[len(b)/2:], int64(1<<30))
		f.Add(b, b, int64(1<<62))
	}
	f.Fuzz(func(t *testing.T, first, last []byte, size int64) {
		if size < int64(len(first)+len(last)) {
			return
		}
		o := &object{size: size, ranges: map[int64][]byte{0: first, size - int64(len(last)): last}}
		in, err := Inspect(context.Background(), o.source(HeadSize))
		checkAnswer(t, o, in, err)
	})
}

// FuzzBoxes puts arbitrary content into the boxes from which sizes are read.
func FuzzBoxes(f *testing.F) {
	moov := join(mkBox("mvhd", make([]byte, 100)), mkTrack("vide", 1, quarter, 320, 180))
	meta := join(be32(0), mkBox("pitm", be32(0), be16(7)), mkBox("iprp", mkBox("ipco", ispe(640, 480), mkBox("clap", make([]byte, 32)), mkBox("irot", []byte{1})),
		mkBox("ipma", be32(0), be32(1), be16(7), []byte{3, 1, 2, 3})))
	f.Add(moov)
	f.Add(meta)
	f.Fuzz(func(t *testing.T, content []byte) {
		for brand, kind := range map[string]string{"isom": "moov", "qt  ": "moov", "heic": "meta", "avif": "meta", "msf1": "moov"} {
			o := whole(join(ftyp(brand+"mif1"), mkBox(kind, content), mkBox("mdat")))
			in, err := Inspect(context.Background(), o.source(200))
			checkAnswer(t, o, in, err)
		}
	})
}

// FuzzTracks puts arbitrary content into the tracks of a WebM file.
func FuzzTracks(f *testing.F) {
	f.Add(el(mkvTrackEntry, el(mkvVideo, el(mkvPixelWidth, be16(640)), el(mkvPixelHeight, be16(360)))))
	f.Add([]byte{mkvTrackEntry, 0x88, mkvVideo, 0x86, mkvPixelWidth, 0x81, 9, mkvPixelHeight, 0x81, 5})
	f.Fuzz(func(t *testing.T, content []byte) {
		o := whole(join(el(ebmlHeader, el(ebmlDocType, []byte("webm"))), el(mkvSegment, el(mkvTracks, content))))
		in, err := Inspect(context.Background(), o.source(HeadSize))
		checkAnswer(t, o, in, err)
		if err != nil {
			t.Errorf("a whole segment is rejected: %v", err)
		}
	})
}

// FuzzMetadata puts arbitrary content into the EXIF and XMP segments of a JPEG.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"))
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00"))
	f.Add([]byte(`<rdf:Description GCamera:MicroVideoOffset="400"/>`))
	f.Add([]byte(`<Container:Item Item:Semantic="MotionPhoto" Item:Length="400"/>`))
	picture := jpegOf(16, 8)
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 60_000 {
			return
		}
		b := withSegments(picture, segment(jpegAPP1, []byte("Exif\x00\x00"), content), xmp(string(content)))
		in, err := inspect(b)
		if err != nil || in.Width*in.Height != 16*8 {
			t.Errorf("Inspect = %+v, %v, want a picture of 16 x 8 or 8 x 16", in, err)
		}
		if _, err := inspect(b[:len(b)-2]); err == nil {
			t.Error("the picture is accepted without its end")
		}
	})
}
