package s3blob

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/assetry/assetry/shared/blob"
)

// largestBody is S3's limit for one form, PUT or part: 5 GiB.
const largestBody = 5 << 30

// mostParts is S3's limit for the number of parts.
const mostParts = 10_000

// SignPut signs a PUT that works once: length, type, metadata and the absence of the key are bound.
func (b *Bucket) SignPut(ctx context.Context, s blob.PutSpec) (blob.Request, time.Time, error) {
	if err := checkType(s.Type); err != nil {
		return blob.Request{}, time.Time{}, err
	}
	if s.Size < 0 || s.Size > largestBody {
		return blob.Request{}, time.Time{}, fmt.Errorf("sign put %s: size %d, want 0 to %d", s.Key, s.Size, int64(largestBody))
	}
	meta, err := metaHeaders(s.Meta)
	if err != nil {
		return blob.Request{}, time.Time{}, err
	}
	g, err := b.newGrant(ctx, s.Expires)
	if err != nil {
		return blob.Request{}, time.Time{}, err
	}
	headers := append([]header{
		{"Content-Length", strconv.FormatInt(s.Size, 10)},
		{"Content-Type", s.Type},
		{"If-None-Match", "*"},
	}, meta...)
	u, err := b.presign(g, request{method: http.MethodPut, key: s.Key, headers: headers})
	if err != nil {
		return blob.Request{}, time.Time{}, err
	}
	r := blob.Request{Method: http.MethodPut, URL: u, Headers: make(map[string]string, len(headers))}
	for _, h := range headers {
		r.Headers[h.name] = h.value
	}
	return r, g.end, nil
}

// SignBare signs a PUT of which the host alone is bound, and the length where one is said, at most 5 GiB. S3 refuses x-amz- headers beside it.
func (b *Bucket) SignBare(ctx context.Context, s blob.BareSpec) (string, time.Time, error) {
	if s.Size < 0 || s.Size > largestBody {
		return "", time.Time{}, fmt.Errorf("sign put %s: size %d, want 0 to %d", s.Key, s.Size, int64(largestBody))
	}
	g, err := b.newGrant(ctx, s.Expires)
	if err != nil {
		return "", time.Time{}, err
	}
	r := request{method: http.MethodPut, key: s.Key}
	if s.Size > 0 {
		r.headers = []header{{"Content-Length", strconv.FormatInt(s.Size, 10)}}
	}
	u, err := b.presign(g, r)
	return u, g.end, err
}

// SignGet signs the reading of one version.
func (b *Bucket) SignGet(ctx context.Context, s blob.GetSpec) (string, error) {
	if s.Method == "" {
		s.Method = http.MethodGet
	}
	if s.Method != http.MethodGet && s.Method != http.MethodHead {
		return "", fmt.Errorf("sign get %s: method %q, want GET or HEAD", s.Key, s.Method)
	}
	if s.Version == "" {
		return "", fmt.Errorf("sign get %s: no version; a link names the version that was checked", s.Key)
	}
	g, err := b.newGrant(ctx, s.Expires)
	if err != nil {
		return "", err
	}
	var q []header
	if s.Disposition != "" {
		q = append(q, header{"response-content-disposition", s.Disposition})
	}
	if s.Type != "" {
		q = append(q, header{"response-content-type", s.Type})
	}
	q = append(q, header{"versionId", s.Version})
	return b.presign(g, request{method: s.Method, key: s.Key, query: q})
}
