// Package media says what bytes are: their type, whether their structure is complete, and how wide and high they are.
//
// It never trusts a name or a header that came with the bytes, and it decodes no picture. It looks at the first HeadSize bytes and,
// where a format keeps its answer elsewhere (a movie box at the end of a film, the last chunk of a PNG), at a few ranges more: at most
// maxReads reads of at most maxAhead bytes for one object, whatever the object says about itself.
//
// Complete means that the object ends where its format says it ends; a file that was cut off while it was sent is refused. Bytes
// after that end are ignored: they are served under the type that was found here. What is checked, by format:
//
//   - PNG: IHDR is whole; the IEND chunk is in the last 4 KiB, or is reached by walking the chunks.
//   - JPEG: a frame and a scan; an end marker after the scan in the last 64 KiB, or in the first 2 MiB, or a motion photo's film.
//   - GIF: the trailer is the last byte (before zero padding), or is reached by walking the blocks of the first 2 MiB.
//   - WebP, WAV: the RIFF size and the chunks that matter fit in the object.
//   - AVIF, HEIC, HEIF: a meta box (or moov, for sequences), and no box that passes the end.
//   - MP4, QuickTime: a moov box, and no mdat, moov or meta box that passes the end. Fragments are not walked.
//   - WebM: a segment that, where it states its size, fits in the object.
//   - MP3: two MPEG audio frames in a row after the tag. Ogg: a first page with a known audio codec, and no video stream.
//   - PDF: %PDF- at the start, and %%EOF in the last 4 KiB.
//   - E57: version 1, a length in the header that is the object's, and an XML section within it.
//
// One format has no signature: xyz, points as lines of numbers, is a text as many others are. It is judged only where it was announced
// (Source.Format), by the first lines; and what was announced as a format is nothing else.
package media

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// HeadSize is how many bytes of an object the caller reads before Inspect, in one ranged read: enough for the headers of nearly every
// picture, and few enough to cost no more than the request itself.
const HeadSize = 64 << 10

// MaxPixels is the largest number of pixels of an image, from its header: contract 3.6, 150 megapixels.
const MaxPixels = 150_000_000

// Source is an object to look into: its size, its first bytes, and a ranged read for the rest.
type Source struct {
	Size int64  // in bytes
	Head []byte // the first HeadSize bytes, or all of a smaller object

	Format string // what it was announced as, one of Formats; "": any type that shows itself

	// ReadAt gives up to n bytes at off. It may be nil when Head holds everything.
	ReadAt func(ctx context.Context, off, n int64) ([]byte, error)
}

// Info is what was found. Width and Height are in pixels as a viewer shows them, after rotation; 0 means not known.
type Info struct {
	Type          string // one of Types
	Width, Height int
}

// Rejected says why an object cannot be accepted. It is final: reading the same bytes again gives the same answer.
type Rejected struct {
	Message string // a sentence for people: what was found, what is allowed
}

// Error is the message.
func (r *Rejected) Error() string { return r.Message }

// Inspect finds out what the bytes of s are. The error is *Rejected when they cannot be accepted; any other error means that reading
// failed and that the call may be repeated.
func Inspect(ctx context.Context, s Source) (Info, error) {
	if s.Size <= 0 {
		return Info{}, &Rejected{"The file is empty (0 bytes). Allowed are " + allowedText + "."}
	}
	r := newReader(ctx, s)
	head, err := r.upTo(0, HeadSize)
	if err != nil {
		return Info{}, err
	}
	f, err := formatOf(head, s)
	if err != nil {
		return Info{}, err
	}
	in, err := f.look(r)
	switch {
	case errors.Is(err, errEnd):
		return Info{}, incomplete(f.name, "it ends in the middle of its headers")
	case errors.Is(err, errBudget):
		return Info{}, &Rejected{"The " + f.name + " file is scattered over too many pieces to be checked. Save it again with another program."}
	case err != nil:
		return Info{}, err
	}
	if f.class() == classImage {
		if err := checkPixels(in.Width, in.Height); err != nil {
			return Info{}, err
		}
	}
	in.Type = f.mime
	return in, nil
}

// formatOf finds the format of an object that begins with head: the one that it shows, and where one was announced only that.
func formatOf(head []byte, s Source) (*format, error) {
	f := sniff(head, s.Size)
	if s.Format == "" {
		if f == nil {
			return nil, &Rejected{"The file is " + describe(head) + ". Allowed are " + allowedText + "."}
		}
		return f, nil
	}
	want := byFormat(s.Format)
	if want == nil {
		return nil, fmt.Errorf("media: the format %q is not known", s.Format)
	}
	if f == want || f == nil && want.text {
		return want, nil
	}
	found := describe(head)
	if f != nil {
		found = "of the type " + f.mime
	}
	return nil, &Rejected{fmt.Sprintf("The file was announced as %s, but it is %s. Announce what it is, or send what was announced.", s.Format, found)}
}

// incomplete refuses a file whose end is missing.
func incomplete(name, what string) *Rejected {
	return &Rejected{"The " + name + " file is incomplete: " + what + ". It was probably cut off; send the whole file again."}
}

// broken refuses a file that contradicts its own format.
func broken(name, what string) *Rejected {
	return &Rejected{"The " + name + " file is broken: " + what + ". Save it again with another program."}
}

// checkPixels refuses an image above MaxPixels. Parsers call it as soon as they know the size, before they look any further.
func checkPixels(width, height int) error {
	n := uint64(width) * uint64(height)
	if n <= MaxPixels {
		return nil
	}
	return &Rejected{fmt.Sprintf("The image has %s pixels (%d x %d). Allowed are at most %s (150 megapixels).",
		thousands(n), width, height, thousands(MaxPixels))}
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}
