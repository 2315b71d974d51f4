package upload_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/upload"
)

// A grant says when it really ends: with the credentials that signed it, where those say when they do.
func TestGrantsEndWithTheCredentialsThatSigned(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	soonest := time.Now().Add(7 * time.Minute).UTC().Truncate(time.Second)
	client := s3.New(w.server.Client().Options(), func(o *s3.Options) {
		lasting := o.Credentials
		o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			c, err := lasting.Retrieve(ctx)
			c.CanExpire, c.Expires = true, soonest
			return c, err
		})
	})
	s := w.through(s3blob.New(client, w.server.Bucket, s3blob.Options{}), upload.Options{})
	a, put, err := s.BeginPut(ctx, w.who, w.xyz(), 0)
	if err != nil || !put.Expires.Equal(soonest) || !a.GrantUntil.Equal(soonest) {
		t.Errorf("the PUT ends %s, %v; want %s", put.Expires, err, soonest)
	}
	a, parts, err := s.BeginOpenParts(ctx, w.who, w.xyz(), 2, 0)
	if err != nil || !parts.Expires.Equal(soonest) {
		t.Fatalf("the parts end %s, %v; want %s", parts.Expires, err, soonest)
	}
	body := points(1, upload.MinPartSize+3000)
	w.sendOpen(t, parts, pieced(body, upload.MinPartSize)...)
	if done, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || done.Size != int64(len(body)) {
		t.Errorf("complete = %+v, %v", done, err)
	}
	lasting, page, err := w.uploads.BeginParts(ctx, w.who, w.draft(), twoParts, 0)
	if err != nil || !page.Expires.Equal(lasting.GrantUntil) {
		t.Errorf("with credentials that state no end the parts end %s, %v; want %s", page.Expires, err, lasting.GrantUntil)
	}
}
