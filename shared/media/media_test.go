package media

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/enginetest"
)

func TestFilesOfRealEncodersAreMeasured(t *testing.T) {
	for name, want := range map[string]Info{
		"picture.png": {"image/png", 640, 427}, "palette.png": {"image/png", 640, 427}, "large.png": {"image/png", 2000, 1900},
		"picture.jpg": {"image/jpeg", 640, 427}, "progressive.jpg": {"image/jpeg", 640, 427}, "large.jpg": {"image/jpeg", 700, 500},
		"profile.jpg":  {"image/jpeg", 640, 427},
		"turned-1.jpg": {"image/jpeg", 640, 427}, "turned-2.jpg": {"image/jpeg", 640, 427}, "turned-3.jpg": {"image/jpeg", 640, 427},
		"turned-4.jpg": {"image/jpeg", 640, 427}, "turned-5.jpg": {"image/jpeg", 427, 640}, "turned-6.jpg": {"image/jpeg", 427, 640},
		"turned-7.jpg": {"image/jpeg", 427, 640}, "turned-8.jpg": {"image/jpeg", 427, 640},
		"picture.gif": {"image/gif", 640, 427}, "animated.gif": {"image/gif", 640, 427}, "large.gif": {"image/gif", 400, 300},
		"lossy.webp": {"image/webp", 640, 427}, "lossless.webp": {"image/webp", 640, 427}, "alpha.webp": {"image/webp", 640, 427},
		"animated.webp": {"image/webp", 640, 427}, "large.webp": {"image/webp", 500, 300},
		"picture.avif": {"image/avif", 640, 427}, "turned.avif": {"image/avif", 427, 640}, "animated.avif": {"image/avif", 640, 427},
		"large.avif":   {"image/avif", 500, 300},
		"picture.heic": {"image/heic", 640, 427}, "odd.heic": {"image/heic", 641, 427}, "large.heic": {"image/heic", 500, 300},
		"moov-last.mp4": {"video/mp4", 320, 180}, "moov-first.mp4": {"video/mp4", 320, 180}, "sound-first.mp4": {"video/mp4", 320, 180},
		"turned.mp4": {"video/mp4", 180, 320}, "fragmented.mp4": {"video/mp4", 320, 180},
		"film.mov": {"video/quicktime", 320, 180}, "turned.mov": {"video/quicktime", 180, 320}, "film.webm": {"video/webm", 320, 180},
		"sound.mp3": {Type: "audio/mpeg"}, "untagged.mp3": {Type: "audio/mpeg"}, "low.mp3": {Type: "audio/mpeg"},
		"layer2.mp3": {Type: "audio/mpeg"}, "sound.wav": {Type: "audio/wav"}, "rf64.wav": {Type: "audio/wav"},
		"streamed.wav": {Type: "audio/wav"}, "vorbis.ogg": {Type: "audio/ogg"}, "opus.ogg": {Type: "audio/ogg"},
		"document.pdf": {Type: "application/pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			b := readFile(t, name)
			o := whole(b)
			got, err := Inspect(context.Background(), o.source(HeadSize))
			if err != nil || got != want {
				t.Errorf("Inspect = %+v, %v, want %+v", got, err, want)
			}
			if limit := 1; o.reads > limit && name != "profile.jpg" {
				t.Errorf("it took %d reads of %d bytes in all after the head, want at most %d", o.reads, o.read, limit)
			}
			// Nothing may depend on how much of the object the head holds.
			if got, err := Inspect(context.Background(), whole(b).source(0)); err != nil || got != want {
				t.Errorf("Inspect without a head = %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestFilesOfRealEncodersThatAreCutOffAreRejected(t *testing.T) {
	for _, name := range []string{
		"picture.png", "large.png", "picture.jpg", "progressive.jpg", "large.jpg", "profile.jpg", "turned-6.jpg", "picture.gif", "animated.gif",
		"large.gif", "lossy.webp", "lossless.webp", "alpha.webp", "animated.webp", "large.webp", "picture.avif", "large.avif",
		"picture.heic", "large.heic", "moov-last.mp4", "moov-first.mp4", "film.mov", "film.webm", "sound.wav", "rf64.wav", "document.pdf",
	} {
		t.Run(name, func(t *testing.T) {
			b := readFile(t, name)
			for _, n := range []int{len(b) - 3, len(b) * 9 / 10, len(b) / 2, len(b) / 10, 40} {
				if name == "document.pdf" && n == len(b)-3 {
					continue // its end mark, %%EOF, would still be half there
				}
				if in, err := inspect(b[:n]); err == nil {
					t.Errorf("the first %d of %d bytes are accepted as %+v", n, len(b), in)
				} else {
					wantRejected(t, err)
				}
			}
		})
	}
}

func TestFilesOfOtherTypesAreNamed(t *testing.T) {
	for name, want := range map[string]string{
		"picture.bmp": "a BMP image", "picture.tiff": "a TIFF", "film.mkv": "a Matroska video", "film.avi": "an AVI video",
		"sound.m4a": "an M4A", "sound.aac": "an AAC audio file", "sound.flac": "a FLAC audio file",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect(readFile(t, name))
			wantRejected(t, err, want, allowedText)
		})
	}
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(enginetest.Tool(t, "media", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsNotAllowedIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"nothing":                                  {"", "empty (0 bytes)"},
		"one byte":                                 {"\x00", "not known here"},
		"an HTML page":                             {"<!DOCTYPE html><p>hi", "an HTML page"},
		"HTML after a byte order mark":             {"\xef\xbb\xbf \n<HTML>", "an HTML page"},
		"HTML behind a comment with a PNG in it":   {"<!-- \x89PNG\r\n\x1a\n -->\n<script>alert(1)</script>", "an HTML page"},
		"HTML behind a comment that talks of PNG":  {"<!-- PNG IHDR IEND --><script>alert(1)</script>", "an HTML page"},
		"HTML whose comment spells a box":          {"<!--ftypisom isom --><script>alert(1)</script>", "an HTML page"},
		"HTML whose comment spells film data":      {"<!--mdat --><script>alert(1)</script>", "an HTML page"},
		"an SVG picture":                           {`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`, "an SVG image"},
		"an XML document":                          {`<?xml version="1.0"?><a/>`, "an XML document"},
		"plain text":                               {"hello, world", "plain text"},
		"text in another script":                   {"Grüße, 世界", "plain text"},
		"text that begins like a bitmap":           {"BMW is a car", "plain text"},
		"text that spells a box":                   {"not free of charge, mind you", "plain text"},
		"JSON":                                     {`{"a":1}`, "text (JSON)"},
		"a shell script":                           {"#!/bin/sh\n", "a script"},
		"a ZIP archive":                            {"PK\x03\x04\x14\x00\x00\x00", "a ZIP archive"},
		"a Windows program":                        {"MZ\x90\x00\x03\x00", "a Windows program"},
		"a Linux program":                          {"\x7fELF\x02\x01\x01\x00", "a Linux program"},
		"a JPEG XL picture in boxes":               {"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl ", "a JPEG XL image"},
		"an ISO file of an unknown brand":          {string(ftyp("zzzzzzzz")), "an MPEG-4 file of a kind"},
		"a raw picture in boxes":                   {string(ftyp("crx crx isom")), "a raw camera image"},
		"an Ogg file with a picture stream":        {string(oggOf("\x80theora", "\x01vorbis")), "an Ogg video"},
		"an Ogg file with something unknown in it": {string(oggOf("whatever")), "without sound"},
		"an ID3 tag before a page":                 {"ID3\x04\x00\x00\x00\x00\x00\x00<html>" + strings.Repeat(" ", 100), "no MP3 sound"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect([]byte(c.content))
			wantRejected(t, err, c.want, allowedText)
		})
	}
}

func TestAFailedReadIsNotARejection(t *testing.T) {
	b := pngOf(200, 200)
	lost := errors.New("connection reset")
	for name, c := range map[string]struct {
		readAt func(context.Context, int64, int64) ([]byte, error)
		want   error
	}{
		"the read fails":          {func(context.Context, int64, int64) ([]byte, error) { return nil, lost }, lost},
		"the read gives nothing":  {func(context.Context, int64, int64) ([]byte, error) { return nil, nil }, io.ErrUnexpectedEOF},
		"there is no way to read": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Inspect(context.Background(), Source{Size: int64(len(b)), Head: b[:1000], ReadAt: c.readAt})
			var r *Rejected
			if err == nil || errors.As(err, &r) || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("the error is %v, want one that is no rejection and wraps %v", err, c.want)
			}
		})
	}
}

func TestNoFailedReadIsEverSwallowed(t *testing.T) {
	lost := errors.New("connection reset")
	long := mkBox("free", make([]byte, 100_000))
	objects := append(seeds(),
		pngOf(300, 200), join(pngOf(300, 200), make([]byte, 9000)), jpegOf(600, 400), gifOf(800, 600),
		withSegments(jpegOf(30, 20), bytes.Repeat(segment(0xE2, make([]byte, 65_000)), 9)),
		riff("WAVE", chunkOf("fmt ", make([]byte, 16)), chunkOf("LIST", make([]byte, 90_000)), chunkOf("data", make([]byte, 99))),
		join(ftyp("isom"), long, mkBox("moov", mkTrack("soun", 0, identity, 0, 0), long, mkTrack("vide", 0, identity, 320, 180))),
		join(ftyp("heic"), long, mkHEIF("heicmif1", [][]byte{ispe(640, 480), long, mkBox("irot", []byte{1})}, 1, 3)),
	)
	failed := 0
	for i, b := range objects {
		o := whole(b)
		if _, err := Inspect(context.Background(), o.source(16)); err != nil {
			continue // a rejection may come before the read that fails
		}
		failed += o.reads
		for failing := 1; failing <= o.reads; failing++ {
			s := whole(b).source(16)
			read, n := s.ReadAt, 0
			s.ReadAt = func(ctx context.Context, off, length int64) ([]byte, error) {
				if n++; n == failing {
					return nil, lost
				}
				return read(ctx, off, length)
			}
			if in, err := Inspect(context.Background(), s); !errors.Is(err, lost) {
				t.Errorf("object %d, read %d of %d fails: Inspect = %+v, %v, want the error %v", i, failing, o.reads, in, err, lost)
			}
		}
	}
	if failed < 30 {
		t.Errorf("only %d reads were made to fail, want at least 30", failed)
	}
}

func TestShortAndLongAnswersOfAReadAreJoinedAndCut(t *testing.T) {
	b := jpegOf(600, 400)
	for name, answer := range map[string]func(off, n int64) []byte{
		"a kilobyte at a time":  func(off, n int64) []byte { return b[off:min(off+n, off+1024, int64(len(b)))] },
		"everything to the end": func(off, n int64) []byte { return b[off:] },
	} {
		t.Run(name, func(t *testing.T) {
			readAt := func(_ context.Context, off, n int64) ([]byte, error) { return answer(off, n), nil }
			got, err := Inspect(context.Background(), Source{Size: int64(len(b)), Head: b[:HeadSize], ReadAt: readAt})
			if want := (Info{"image/jpeg", 600, 400}); err != nil || got != want {
				t.Errorf("Inspect = %+v, %v, want %+v", got, err, want)
			}
		})
	}
}

func TestInspectPassesTheContextOn(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "mine")
	b := pngOf(200, 200)
	seen := any(nil)
	_, err := Inspect(ctx, Source{Size: int64(len(b)), Head: b[:HeadSize], ReadAt: func(ctx context.Context, off, n int64) ([]byte, error) {
		seen = ctx.Value(key{})
		return bytes.Clone(b[off:min(off+n, int64(len(b)))]), nil
	}})
	if err != nil || seen != "mine" {
		t.Errorf("ReadAt saw the value %v of the context (error %v), want %q", seen, err, "mine")
	}
}

func TestObjectsMadeToKeepUsReadingCostLittle(t *testing.T) {
	for name, b := range map[string][]byte{
		"segments without end":   join([]byte{0xFF, 0xD8}, bytes.Repeat(segment(0xE2, make([]byte, 65_000)), 500)),
		"chunks without end":     join(pngHead(9, 9), bytes.Repeat(pngChunk("IDAT", make([]byte, 60_000)), 500)),
		"boxes without end":      join(ftyp("isom"), bytes.Repeat(mkBox("free", make([]byte, 60_000)), 500)),
		"boxes far apart in one": join(ftyp("heic"), mkBox("meta", be32(0), bytes.Repeat(mkBox("free", make([]byte, 2<<20)), 20))),
	} {
		t.Run(name, func(t *testing.T) {
			o := whole(b)
			in, err := Inspect(context.Background(), o.source(HeadSize))
			checkAnswer(t, o, in, err)
			if o.reads < maxReads-1 {
				t.Errorf("it took %d reads, want an object that uses up nearly all %d", o.reads, maxReads)
			}
		})
	}
}
