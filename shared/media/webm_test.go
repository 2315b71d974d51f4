package media

import (
	"bytes"
	"testing"
)

// el makes an element with an id and a size of eight bytes.
func el(id uint32, content ...[]byte) []byte {
	c := join(content...)
	return join(bytes.TrimLeft(be32(int(id)), "\x00"), be64(1<<56|uint64(len(c))), c)
}

func TestWebM(t *testing.T) {
	header := el(ebmlHeader, el(ebmlDocType, []byte("webm")))
	void := el(0xEC, make([]byte, 50))
	video := func(parts ...[]byte) []byte { return el(mkvTracks, el(mkvTrackEntry, void, el(mkvVideo, parts...))) }
	file := func(parts ...[]byte) []byte { return join(header, el(mkvSegment, parts...)) }
	frames := join(el(mkvPixelWidth, be16(640)), el(mkvPixelHeight, be16(360)))
	open := join(header, be32(mkvSegment), []byte{0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, void, video(frames), el(mkvCluster, make([]byte, 99)))
	size := Info{"video/webm", 640, 360}
	for name, c := range map[string]struct {
		b    []byte
		want Info
	}{
		"the size of its frames":   {file(void, video(frames), el(mkvCluster)), size},
		"a display size in pixels": {file(video(frames, el(mkvDisplayWide, be16(480)), el(mkvDisplayHigh, be16(270)))), Info{"video/webm", 480, 270}},
		"a display size in another unit": {file(video(frames, el(mkvDisplayUnit, []byte{3}),
			el(mkvDisplayWide, []byte{16}), el(mkvDisplayHigh, []byte{9}))), size},
		"sound before the picture":           {file(el(mkvTracks, el(mkvTrackEntry, void), el(mkvTrackEntry, el(mkvVideo, frames)))), size},
		"a segment of open length":           {open, size},
		"sound alone":                        {file(el(mkvTracks, el(mkvTrackEntry, void))), Info{Type: "video/webm"}},
		"tracks behind the head":             {file(el(0xEC, make([]byte, 70_000)), video(frames)), Info{Type: "video/webm"}},
		"no tracks before the first cluster": {file(el(mkvCluster), video(frames)), Info{Type: "video/webm"}},
		"a number of nine bytes":             {file(video(el(mkvPixelWidth, make([]byte, 9)), el(mkvPixelHeight, be16(360)))), Info{Type: "video/webm"}},
		"a size beyond all pictures":         {file(video(el(mkvPixelWidth, be64(1<<63)), el(mkvPixelHeight, be16(360)))), Info{Type: "video/webm"}},
		"bytes after the end":                {join(file(video(frames)), []byte("<html>")), size},
		"a document type that is padded":     {join(el(ebmlHeader, el(ebmlDocType, []byte("webm\x00\x00"))), el(mkvSegment, video(frames))), size},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, c.want) })
	}
	full := file(video(frames))
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"the segment passes the end":  {full[:len(full)-1], "segment goes on after the end"},
		"nothing behind the header":   {header, "nothing follows its header"},
		"a header that says Matroska": {el(ebmlHeader, el(ebmlDocType, []byte("matroska"))), "a Matroska video"},
		"a header that says nothing":  {el(ebmlHeader, void), "not known here"},
		"a header that is cut off":    {header[:6], "not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}
