package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

// shifted is a bucket that grants in its own time what is granted in the soak's, and lists the uploads of a key in the order in which they
// began, as S3 does.
type shifted struct {
	*s3blob.Bucket
	clock *clock

	mu    sync.Mutex
	begun map[string]int // uploads by their ids: how many began before
}

// StartParts begins an upload, and notes when.
func (s *shifted) StartParts(ctx context.Context, key string, o blob.PutOptions) (string, error) {
	up, err := s.Bucket.StartParts(ctx, key, o)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.begun[up] = len(s.begun)
	}
	return up, err
}

// Uploads lists those that are open.
func (s *shifted) Uploads(ctx context.Context, prefix string) ([]blob.Upload, error) {
	us, err := s.Bucket.Uploads(ctx, prefix)
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(us, func(a, b blob.Upload) int { return cmp.Or(strings.Compare(a.Key, b.Key), s.begun[a.ID]-s.begun[b.ID]) })
	return us, err
}

func (s *shifted) real(t time.Time) time.Time { return time.Now().Add(t.Sub(s.clock.now())) }

// SignForm signs a form that ends as long from now as the soak's does.
func (s *shifted) SignForm(ctx context.Context, f blob.FormSpec) (blob.Form, time.Time, error) {
	ends := f.Expires
	f.Expires = s.real(ends)
	form, _, err := s.Bucket.SignForm(ctx, f)
	return form, ends, err
}

// SignParts signs parts in the same way.
func (s *shifted) SignParts(ctx context.Context, key, up string, ps []blob.PartSpec, expires time.Time) ([]string, time.Time, error) {
	urls, _, err := s.Bucket.SignParts(ctx, key, up, ps, s.real(expires))
	return urls, expires, err
}

// SignBare signs a PUT in the same way.
func (s *shifted) SignBare(ctx context.Context, b blob.BareSpec) (string, time.Time, error) {
	ends := b.Expires
	b.Expires = s.real(ends)
	url, _, err := s.Bucket.SignBare(ctx, b)
	return url, ends, err
}
