package media

import (
	"bytes"
	"fmt"
	"testing"
)

// oggOf makes the first pages of an Ogg file, one for each stream.
func oggOf(packets ...string) []byte {
	var out []byte
	for i, p := range packets {
		out = join(out, []byte("OggS\x00\x02"), make([]byte, 8), le32(i), make([]byte, 8), []byte{1, byte(len(p))}, []byte(p))
	}
	return out
}

// frames makes n MPEG-1 layer III frames of 128 kbit/s at 44.1 kHz, 417 bytes each.
func frames(n int) []byte {
	return bytes.Repeat(join([]byte{0xFF, 0xFB, 0x90, 0x00}, make([]byte, 413)), n)
}

func TestMP3(t *testing.T) {
	tag := func(n int) []byte {
		return join([]byte{'I', 'D', '3', 4, 0, 0, byte(n >> 21 & 0x7F), byte(n >> 14 & 0x7F), byte(n >> 7 & 0x7F), byte(n & 0x7F)}, make([]byte, n))
	}
	footed := tag(20)
	footed[5] = 0x10
	ok := Info{Type: "audio/mpeg"}
	for name, b := range map[string][]byte{
		"frames alone":                     frames(3),
		"one frame that is the whole file": frames(1),
		"a tag and frames":                 join(tag(300), frames(3)),
		"a tag with a footer":              join(footed, make([]byte, 10), frames(2)),
		"two tags":                         join(tag(30), tag(30), frames(2)),
		"padding after the tag":            join(tag(30), make([]byte, 2000), frames(2)),
		"a tag with a cover picture that is longer than the head": join(tag(300_000), frames(2)),
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, b, ok) })
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"a tag that is cut off":         {tag(3000)[:2000], "before any sound"},
		"a tag and nothing behind":      {tag(3000), "before any sound"},
		"a frame and something else":    {join(frames(1), make([]byte, 1000)), "not known here"},
		"frames of two different kinds": {join(frames(1), []byte{0xFF, 0xF3, 0x90, 0}, make([]byte, 900)), "not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

func TestLengthOfAnMPEGFrame(t *testing.T) {
	for header, want := range map[[4]byte]int{
		{0xFF, 0xFB, 0x90, 0}: 417, // MPEG-1 layer III, 128 kbit/s, 44.1 kHz
		{0xFF, 0xFB, 0x92, 0}: 418, // the same, padded
		{0xFF, 0xFD, 0xC4, 0}: 768, // MPEG-1 layer II, 256 kbit/s, 48 kHz
		{0xFF, 0xFF, 0xC8, 0}: 576, // MPEG-1 layer I, 384 kbit/s, 32 kHz
		{0xFF, 0xF3, 0x80, 0}: 208, // MPEG-2 layer III, 64 kbit/s, 22.05 kHz
		{0xFF, 0xE3, 0x48, 0}: 288, // MPEG-2.5 layer III, 32 kbit/s, 8 kHz
		{0xFF, 0xFB, 0xF0, 0}: 0,   // no such bit rate
		{0xFF, 0xFB, 0x9C, 0}: 0,   // no such sampling rate
		{0xFF, 0xF1, 0x50, 0}: 0,   // AAC
		{0xFF, 0xEB, 0x90, 0}: 0,   // no such version
		{0xFE, 0xFB, 0x90, 0}: 0,
	} {
		t.Run(fmt.Sprintf("%x", header), func(t *testing.T) {
			if got := mpegFrame(header[:]); got != want {
				t.Errorf("mpegFrame(%x) = %d, want %d", header, got, want)
			}
		})
	}
}

func TestWAV(t *testing.T) {
	format := chunkOf("fmt ", make([]byte, 16))
	ok := Info{Type: "audio/wav"}
	open := riff("WAVE", format, chunkOf("data", make([]byte, 100)))
	copy(open[4:], "\xff\xff\xff\xff")
	copy(open[len(open)-104:], "\xff\xff\xff\xff")
	rf64 := func(size, data uint64) []byte {
		b := riff("WAVE", chunkOf("ds64", le64(size), le64(data), make([]byte, 12)), format, []byte("data\xff\xff\xff\xff"), make([]byte, 100))
		copy(b, "RF64\xff\xff\xff\xff")
		return b
	}
	for name, b := range map[string][]byte{
		"the usual order": riff("WAVE", format, chunkOf("data", make([]byte, 100))),
		"other chunks before the sound": riff("WAVE", chunkOf("JUNK", make([]byte, 27)), format,
			chunkOf("LIST", make([]byte, 90_000)), chunkOf("data", make([]byte, 9))),
		"bytes after the end":           join(riff("WAVE", format, chunkOf("data", make([]byte, 100))), []byte("trailing")),
		"lengths left open by a stream": open,
		"lengths of 64 bits":            rf64(172, 100),
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, b, ok) })
	}
	full := riff("WAVE", format, chunkOf("data", make([]byte, 100)))
	long := bytes.Clone(full)
	copy(long[len(long)-104:], le32(101))
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"the RIFF length passes the end":      {full[:len(full)-1], "its header says that it ends at byte 144, and the file has 143 bytes"},
		"the sound passes the end":            {long, "its sound says that it ends at byte 145"},
		"there is no sound":                   {riff("WAVE", format), "incomplete"},
		"the sound has no format":             {riff("WAVE", chunkOf("data", make([]byte, 100))), "no format"},
		"a 64-bit length passes the end":      {rf64(5000, 100), "its header says"},
		"a 64-bit length that would overflow": {rf64(1<<64-1, 1<<64-1), "its header says"},
		"64-bit sound passes the end":         {rf64(150, 5000), "its sound says"},
		"only chunks that do not matter":      {riff("WAVE", bytes.Repeat(chunkOf("JUNK"), 500)), "no sound"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}

func TestOggAndPDF(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"Opus":                      {oggOf("OpusHead\x01"), "audio/ogg"},
		"a skeleton before Vorbis":  {oggOf("fishead\x00", "\x01vorbis"), "audio/ogg"},
		"a document":                {[]byte("%PDF-1.7\n1 0 obj\n%%EOF\n"), "application/pdf"},
		"a document after a blank":  {[]byte("\n%PDF-1.7\n1 0 obj\n%%EOF"), "application/pdf"},
		"a document that is padded": {join([]byte("%PDF-1.7\n%%EOF\n"), make([]byte, 3000)), "application/pdf"},
	} {
		t.Run(name, func(t *testing.T) { wantInfo(t, c.b, Info{Type: c.want}) })
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"a page that is cut off":        {oggOf("OpusHead\x01")[:30], "middle of its headers"},
		"a document without its end":    {[]byte("%PDF-1.7\n1 0 obj\n"), "%%EOF"},
		"a page that quotes a document": {[]byte("<p>%PDF-1.7 %%EOF"), "an HTML page"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(c.b)
			wantRejected(t, err, c.want)
		})
	}
}
