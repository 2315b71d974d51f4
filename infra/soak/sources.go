package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/remote"
)

// sources are the files that imports copy from: https://source.example/<kind>/<number>. They answer as badly as sources do.
type sources struct{ *peril }

var _ remote.Files = (*sources)(nil)

// Kinds of sources.
const (
	sourceGood  = "good"  // a picture
	sourceLarge = "large" // a picture of two parts
	sourceWhole = "whole" // a picture whose server knows no ranges
	sourceBad   = "bad"   // no picture
	sourceGone  = "gone"  // 404
	sourceScan  = "scan"  // a scan
)

// sourceOf is the address of a life's source.
func sourceOf(kind string, number int) string {
	return fmt.Sprintf("https://source.example/%s/%d?signature=secret", kind, number)
}

// read takes an address apart.
func (s *sources) read(address string) (kind string, number int, err error) {
	rest, ok := strings.CutPrefix(address, "https://source.example/")
	path, _, _ := strings.Cut(rest, "?")
	kind, n, slash := strings.Cut(path, "/")
	if _, err := fmt.Sscanf(n, "%d", &number); !ok || !slash || err != nil {
		return "", 0, fault.BadField("source", "is not an address of the soak's sources")
	}
	return kind, number, nil
}

// Check refuses what is no address of ours.
func (s *sources) Check(address string) error {
	_, _, err := s.read(address)
	return err
}

// bodyOf is the file at an address.
func bodyOf(kind string, number int) []byte {
	switch kind {
	case sourceBad:
		return webPage(number)
	case sourceLarge:
		return largePicture(number)
	case sourceScan:
		return xyz(number)
	}
	return picture(number)
}

// Get gives a file or a range of it.
func (s *sources) Get(_ context.Context, q remote.Query) (*remote.Answer, error) {
	kind, number, err := s.read(q.Address)
	if err != nil {
		return nil, err
	}
	b := s.next("source", q.Address)
	if b == throttle || b == loseCall || b == dieBefore {
		return nil, &remote.Error{Reason: remote.Unreachable, Message: "The source does not answer (injected).", Transient: true}
	}
	if kind == sourceGone {
		return nil, &remote.Error{Reason: remote.Gone, Message: "The source answers 404."}
	}
	body := bodyOf(kind, number)
	is := remote.Identity{ETag: fmt.Sprintf("%q", fmt.Sprint(kind, number)), Size: int64(len(body))}
	if q.Same != (remote.Identity{}) && q.Same.ETag != is.ETag {
		return nil, &remote.Error{Reason: remote.Changed, Message: "The source is another file than before."}
	}
	if q.Limit > 0 && is.Size > q.Limit {
		return nil, &remote.Error{Reason: remote.TooLarge, Message: "The source is larger than is taken."}
	}
	part, ranged := body, q.Length > 0 && kind != sourceWhole
	if ranged {
		from := min(q.From, is.Size)
		part = body[from:min(from+q.Length, is.Size)]
	}
	r := io.Reader(bytes.NewReader(part))
	if b == loseAnswer || b == dieAfter {
		r = io.MultiReader(bytes.NewReader(part[:len(part)/2]), torn{})
	}
	return &remote.Answer{Identity: is, Body: io.NopCloser(r), Ranged: ranged, Length: int64(len(part))}, nil
}

// torn is the end of a body whose connection breaks.
type torn struct{}

// Read fails.
func (torn) Read([]byte) (int, error) {
	return 0, &remote.Error{Reason: remote.Truncated, Message: "The source broke off (injected).", Transient: true}
}
