package media

import (
	"context"
	"testing"
)

// BenchmarkInspect measures what one Finalize spends on looking, without the reads themselves.
func BenchmarkInspect(b *testing.B) {
	moov := mkBox("moov", mkBox("mvhd", make([]byte, 100)), mkTrack("soun", 0, identity, 0, 0), mkTrack("vide", 0, identity, 320, 180))
	for name, content := range map[string][]byte{
		"png":            pngOf(100, 100),
		"jpeg":           withSegments(jpegOf(100, 100), exif(6)),
		"gif":            gifOf(100, 100),
		"heic":           mkHEIF("heicmif1", [][]byte{ispe(64, 64), ispe(640, 480)}, 2),
		"mp4, moov last": join(ftyp("isom"), mkBox("mdat", make([]byte, 200_000)), moov),
		"refused page":   []byte("<!doctype html><title>a page</title>"),
	} {
		b.Run(name, func(b *testing.B) {
			read := func(_ context.Context, off, n int64) ([]byte, error) {
				return content[off:min(off+n, int64(len(content)))], nil
			}
			s := Source{Size: int64(len(content)), Head: content[:min(HeadSize, len(content))], ReadAt: read}
			b.ReportAllocs()
			for b.Loop() {
				in, err := Inspect(context.Background(), s)
				if (err == nil) == (name == "refused page") {
					b.Fatalf("Inspect = %+v, %v", in, err)
				}
			}
		})
	}
}
