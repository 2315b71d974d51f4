package s3blob

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/assetry/assetry/shared/blob"
)

// streamGrant is how long the request of StreamPart may take to begin.
const streamGrant = 15 * time.Minute

// StreamPart writes one part from a body that can be read once. The request is presigned by our own signer, because its payload is then not
// part of the signature: the SDK would have to read the body twice. It is sent once.
func (b *Bucket) StreamPart(ctx context.Context, key, upload string, number int, body io.Reader, size int64) (blob.Part, error) {
	url, err := b.SignPart(ctx, key, upload, number, size, b.now().Add(streamGrant))
	if err != nil {
		return blob.Part{}, err
	}
	ctx, _ = begin(ctx, "UploadPart")
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, io.NopCloser(body))
	if err != nil {
		return blob.Part{}, fmt.Errorf("write part %d of %s: %w", number, key, err)
	}
	r.ContentLength = size
	if size == 0 {
		r.Body = http.NoBody
	}
	res, err := b.client.Options().HTTPClient.Do(r)
	if err != nil {
		return blob.Part{}, failed(err, fmt.Sprintf("write part %d of", number), key)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return blob.Part{}, refused(res, fmt.Sprintf("write part %d of", number), key)
	}
	etag := res.Header.Get("Etag")
	return blob.Part{Number: number, ETag: unquote(&etag), Size: size}, nil
}
