package media

import (
	"bytes"
	"context"
	"testing"
)

// identity and quarter are matrices of a track: nine 32-bit numbers.
var (
	identity = join(be32(1<<16), make([]byte, 12), be32(1<<16), make([]byte, 12), be32(1<<30))
	quarter  = join(be32(0), be32(1<<16), be32(0), be32(-1<<16), make([]byte, 16), be32(1<<30))
)

// mkTrack makes a trak box of a kind with a header of version 0 or 1.
func mkTrack(kind string, version byte, matrix []byte, w, h int) []byte {
	head := 40
	if version == 1 {
		head = 52
	}
	return mkBox("trak",
		mkBox("tkhd", []byte{version}, make([]byte, head-1), matrix, be32(w<<16), be32(h<<16)),
		mkBox("edts", make([]byte, 20)),
		mkBox("mdia", mkBox("mdhd", make([]byte, 24)), mkBox("hdlr", make([]byte, 8), []byte(kind), make([]byte, 13)), mkBox("minf", make([]byte, 200))))
}

func TestFilms(t *testing.T) {
	mp4, qt := ftyp("isomiso2mp41"), ftyp("qt  ")
	moov := func(tracks ...[]byte) []byte { return mkBox("moov", mkBox("mvhd", make([]byte, 100)), join(tracks...)) }
	plain := moov(mkTrack("vide", 0, identity, 320, 180))
	data := mkBox("mdat", make([]byte, 1000))
	wide := join(be32(1), []byte("mdat"), be64(16+1000), make([]byte, 1000))
	size := Info{"video/mp4", 320, 180}
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"moov first":                             {join(mp4, plain, data), size},
		"moov last":                              {join(mp4, data, plain), size},
		"moov last behind more than the head":    {join(mp4, mkBox("mdat", make([]byte, 200_000)), plain), size},
		"film data of a 64-bit size":             {join(mp4, wide, plain), size},
		"film data to the end of the file":       {join(mp4, plain, be32(0), []byte("mdat"), make([]byte, 99)), size},
		"a header of version 1":                  {join(mp4, moov(mkTrack("vide", 1, identity, 320, 180)), data), size},
		"sound before the picture":               {join(mp4, moov(mkTrack("soun", 0, identity, 0, 0), mkTrack("vide", 0, identity, 320, 180)), data), size},
		"a track with a size that is no picture": {join(mp4, moov(mkTrack("sbtl", 0, identity, 99, 9), mkTrack("vide", 0, identity, 320, 180)), data), size},
		"a quarter turn swaps the sides":         {join(mp4, moov(mkTrack("vide", 0, quarter, 320, 180)), data), Info{"video/mp4", 180, 320}},
		"no picture at all":                      {join(mp4, moov(mkTrack("soun", 0, identity, 0, 0)), data), Info{Type: "video/mp4"}},
		"a moov box that holds nothing":          {join(mp4, mkBox("moov"), data), Info{Type: "video/mp4"}},
		"a moov box with a broken inside":        {join(mp4, mkBox("moov", be32(4), []byte("trak")), data), Info{Type: "video/mp4"}},
		"an inner box that passes its parent":    {join(mp4, mkBox("moov", be32(5000), []byte("trak")), mkBox("mdat", make([]byte, 9000))), Info{Type: "video/mp4"}},
		"a track header that is too short":       {join(mp4, moov(mkBox("trak", mkBox("tkhd", make([]byte, 50)))), data), Info{Type: "video/mp4"}},
		"bytes that are no box behind the film":  {join(mp4, plain, data, []byte("this is only a remark")), size},
		"a fragment behind moov ends the walk":   {join(mp4, plain, mkBox("moof", make([]byte, 40)), be32(1<<30), []byte("mdat")), size},
		"QuickTime":                              {join(qt, data, plain), Info{"video/quicktime", 320, 180}},
		"QuickTime that is older than ftyp":      {join(mkBox("wide"), data, plain), Info{"video/quicktime", 320, 180}},
		"QuickTime that begins with its film":    {join(data, plain), Info{"video/quicktime", 320, 180}},
		"a phone's brand with MP4 beside it":     {join(ftyp("3gp43gp4isom"), plain, data), size},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
	full := join(mp4, plain, data)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"no moov":                               {join(mp4, data), `no "moov"`},
		"film data to the end, and no moov":     {join(mp4, be32(0), []byte("mdat"), make([]byte, 99)), `no "moov"`},
		"film data that is cut off":             {full[:len(full)-1], `"mdat" box goes on after the end`},
		"moov that is cut off":                  {join(mp4, data, plain)[:1200], `"moov" box goes on after the end`},
		"a 64-bit size beyond all numbers":      {join(mp4, be32(1), []byte("mdat"), be64(1<<64-1)), `"mdat" box goes on after the end`},
		"a 64-bit size smaller than its header": {join(mp4, be32(1), []byte("mdat"), be64(3), plain), `no "moov"`},
		"a size smaller than its header":        {join(mp4, be32(7), []byte("free"), plain), `no "moov"`},
		"boxes without end, and no moov":        {join(mp4, bytes.Repeat(mkBox("free"), 100_000)), `no "moov"`},
		"a phone's brand alone":                 {join(ftyp("3gp43gp4"), plain, data), "of a kind that is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

func TestMoovAtTheEndOfALargeFilmCostsTwoSmallReads(t *testing.T) {
	sampleTables := mkBox("free", make([]byte, 300_000)) // stands for what a long sound track carries before the picture's
	for name, c := range map[string]struct {
		moov  []byte
		reads int
	}{
		"the picture comes first": {mkBox("moov", mkBox("mvhd", make([]byte, 100)), mkTrack("vide", 0, identity, 1920, 1080), sampleTables), 1},
		"a long sound track comes first": {mkBox("moov", mkBox("mvhd", make([]byte, 100)), mkTrack("soun", 0, identity, 0, 0), sampleTables,
			mkTrack("vide", 0, identity, 1920, 1080)), 2},
	} {
		t.Run(name, func(t *testing.T) {
			head := ftyp("isommp42")
			const data = 50 << 20
			at := int64(len(head) + data)
			o := &object{size: at + int64(len(c.moov)), ranges: map[int64][]byte{0: join(head, be32(data), []byte("mdat")), at: c.moov}}
			got, err := Inspect(context.Background(), o.source(HeadSize))
			if want := (Info{"video/mp4", 1920, 1080}); err != nil || got != want {
				t.Errorf("Inspect = %+v, %v, want %+v", got, err, want)
			}
			if o.reads != c.reads || o.read > 64<<10 {
				t.Errorf("it took %d reads of %d bytes, want %d of at most 64 KiB in all", o.reads, o.read, c.reads)
			}
		})
	}
}

// mkHEIF makes a picture in boxes: its properties, and which of them (counted from 1) the primary item 7 has. Item 1 is a tile.
func mkHEIF(brands string, properties [][]byte, places ...byte) []byte {
	ipma := mkBox("ipma", be32(0), be32(2), be16(1), []byte{1, 1}, be16(7), []byte{byte(len(places))}, places)
	return join(ftyp(brands),
		mkBox("meta", be32(0), mkBox("hdlr", make([]byte, 24)), mkBox("pitm", be32(0), be16(7)), mkBox("iprp", mkBox("ipco", properties...), ipma)),
		mkBox("mdat", make([]byte, 100)))
}

func ispe(w, h int) []byte { return mkBox("ispe", be32(0), be32(w), be32(h)) }

func TestPicturesInBoxes(t *testing.T) {
	tile, grid := ispe(512, 512), ispe(4032, 3024)
	turn := func(quarters byte) []byte { return mkBox("irot", []byte{quarters}) }
	cut := mkBox("clap", be32(641), be32(1), be32(427), be32(1), be32(-1), be32(2), be32(-1), be32(2))
	mirror := mkBox("imir", []byte{1})
	config := mkBox("hvcC", make([]byte, 70))
	wideIDs := join(ftyp("heicmif1"), mkBox("meta", be32(0), mkBox("pitm", be32(1<<24), be32(70_000)), mkBox("iprp", mkBox("ipco", tile, grid),
		mkBox("ipma", be32(1<<24|1), be32(1), be32(70_000), []byte{1}, be16(0x8002)))))
	const square = 1 << 31
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"a grid has its own size":          {mkHEIF("heicmif1", [][]byte{tile, config, grid}, 0x83), Info{"image/heic", 4032, 3024}},
		"a quarter turn swaps the sides":   {mkHEIF("heicmif1", [][]byte{tile, grid, turn(1)}, 2, 0x83), Info{"image/heic", 3024, 4032}},
		"three quarters swap them too":     {mkHEIF("heicmif1", [][]byte{tile, grid, turn(3)}, 2, 0x83), Info{"image/heic", 3024, 4032}},
		"a half turn does not":             {mkHEIF("heicmif1", [][]byte{tile, grid, turn(2)}, 2, 0x83), Info{"image/heic", 4032, 3024}},
		"a mirror does not":                {mkHEIF("heicmif1", [][]byte{tile, grid, mirror}, 2, 0x83), Info{"image/heic", 4032, 3024}},
		"another item's turn does not":     {mkHEIF("heicmif1", [][]byte{turn(1), grid}, 2), Info{"image/heic", 4032, 3024}},
		"cut, then turned":                 {mkHEIF("heicmif1", [][]byte{tile, ispe(648, 432), cut, turn(1)}, 2, 3, 4), Info{"image/heic", 427, 641}},
		"long ids and places":              {wideIDs, Info{"image/heic", 4032, 3024}},
		"AVIF":                             {mkHEIF("avifmif1miaf", [][]byte{tile, grid}, 2), Info{"image/avif", 4032, 3024}},
		"a general brand that is AVIF":     {mkHEIF("mif1miafavif", [][]byte{tile, grid}, 2), Info{"image/avif", 4032, 3024}},
		"a general brand that is HEIC":     {mkHEIF("mif1mp41heic", [][]byte{tile, grid}, 2), Info{"image/heic", 4032, 3024}},
		"a general brand":                  {mkHEIF("mif1miaf", [][]byte{tile, grid}, 2), Info{"image/heif", 4032, 3024}},
		"no size for the primary":          {mkHEIF("heicmif1", [][]byte{tile, config}, 2), Info{Type: "image/heic"}},
		"a place that does not exist":      {mkHEIF("heicmif1", [][]byte{tile, config}, 99), Info{Type: "image/heic"}},
		"a cut that is larger than it":     {mkHEIF("heicmif1", [][]byte{tile, cut}, 1, 2), Info{Type: "image/heic"}},
		"a size of 0":                      {mkHEIF("heicmif1", [][]byte{tile, ispe(0, 5)}, 2), Info{Type: "image/heic"}},
		"a meta box that holds nothing":    {join(ftyp("avifmif1"), mkBox("meta", be32(0))), Info{Type: "image/avif"}},
		"a meta box shorter than its head": {join(ftyp("avifmif1"), mkBox("meta")), Info{Type: "image/avif"}},
		"a sequence without a still":       {join(ftyp("avisavif"), mkBox("moov", mkTrack("pict", 0, identity, 64, 48))), Info{"image/avif", 64, 48}},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
	full := mkHEIF("heicmif1", [][]byte{tile, grid}, 2)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"no meta box":                {join(ftyp("heicmif1"), mkBox("mdat", make([]byte, 100))), `no "meta"`},
		"cut off in the data":        {full[:len(full)-1], `"mdat" box goes on after the end`},
		"cut off in the meta box":    {full[:100], `"meta" box goes on after the end`},
		"more than 150 megapixels":   {mkHEIF("heicmif1", [][]byte{tile, ispe(20_000, 10_000)}, 2), "200,000,000 pixels"},
		"too large before it is cut": {mkHEIF("heicmif1", [][]byte{ispe(20_000, 10_000), cut}, 1, 2), "200,000,000 pixels"},
		"an AVIF that is too large":  {mkHEIF("avifmif1", [][]byte{tile, ispe(square-1, square-1)}, 2), "pixels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}
