package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
)

// sample is a file of one type: pictures by Go's encoders, of other types as little as the format demands, with filling of real sizes.
type sample struct {
	name, want string // the type it is taken for
	content    []byte
}

// samples are files of the types that differ in how they are inspected.
func samples() []sample {
	heic := func(brands string) []byte {
		size := box("ispe", make([]byte, 4), be32(4032), be32(3024))
		ipma := box("ipma", make([]byte, 4), be32(1), []byte{0, 1, 1, 1})
		main := box("pitm", make([]byte, 4), []byte{0, 1})
		meta := box("meta", make([]byte, 4), box("hdlr", make([]byte, 24)), main, box("iprp", box("ipco", size), ipma))
		return join(fileType(brands), meta, box("mdat", make([]byte, 500_000)))
	}
	film := func(brands string) []byte {
		head := join(make([]byte, 40), be32(1<<16), make([]byte, 12), be32(1<<16), make([]byte, 12), be32(1<<30), be32(1920<<16), be32(1080<<16))
		track := box("trak", box("tkhd", head), box("mdia", box("mdhd", make([]byte, 24)), box("hdlr", make([]byte, 8), []byte("vide"), make([]byte, 13))))
		return join(fileType(brands), box("mdat", make([]byte, 500_000)), box("moov", box("mvhd", make([]byte, 100)), track))
	}
	return []sample{
		{"PNG", "image/png", pngOf(400, 300)},
		{"JPEG", "image/jpeg", jpegOf(800, 600)},
		{"GIF", "image/gif", gifOf(400, 300)},
		{"WebP", "image/webp", riff("WEBP", chunk("VP8L", []byte{0x2f, 0x2b, 0xc1, 0x31, 0}, make([]byte, 500_000)))},
		{"HEIC", "image/heic", heic("heicmif1")},
		{"AVIF", "image/avif", heic("avifmif1")},
		{"MP4, moov at its end", "video/mp4", film("isomiso2mp41")},
		{"QuickTime, moov at its end", "video/quicktime", film("qt  ")},
		{"WAV", "audio/wav", riff("WAVE", chunk("fmt ", make([]byte, 16)), chunk("data", make([]byte, 500_000)))},
		{"MP3", "audio/mpeg", bytes.Repeat(join([]byte{0xff, 0xfb, 0x90, 0}, make([]byte, 413)), 1000)},
		{"PDF", "application/pdf", join([]byte("%PDF-1.7\n"), make([]byte, 500_000), []byte("\n%%EOF\n"))},
	}
}

// noise is a picture that does not compress, the same every time.
func noise(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 1))
	for i := range m.Pix {
		m.Pix[i] = byte(random.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 0xff
		}
	}
	return m
}

func pngOf(width, height int) []byte {
	return encoded(func(b *bytes.Buffer) error { return png.Encode(b, noise(width, height)) })
}

func jpegOf(width, height int) []byte {
	return encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, noise(width, height), nil) })
}

func gifOf(width, height int) []byte {
	p := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black, color.White})
	for i, v := range noise(width, height).Pix[:len(p.Pix)] {
		p.Pix[i] = v & 1
	}
	return encoded(func(b *bytes.Buffer) error { return gif.Encode(b, p, nil) })
}

func encoded(encode func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// box makes a box of the ISO base media format.
func box(kind string, content ...[]byte) []byte {
	c := join(content...)
	return join(be32(uint32(8+len(c))), []byte(kind), c)
}

// fileType makes the first box: a major brand and compatible ones, of four letters each.
func fileType(brands string) []byte {
	return box("ftyp", []byte(brands[:4]), be32(0), []byte(brands[4:]))
}

// chunk makes a RIFF chunk, padded to an even length.
func chunk(id string, content ...[]byte) []byte {
	c := join(content...)
	return join([]byte(id), binary.LittleEndian.AppendUint32(nil, uint32(len(c))), c, make([]byte, len(c)%2))
}

func riff(form string, chunks ...[]byte) []byte { return chunk("RIFF", []byte(form), join(chunks...)) }
