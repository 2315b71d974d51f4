package s3blob_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/s3blob"
)

func TestABarePutTakesAnyHeaderAndAnyBytes(t *testing.T) {
	b, s := open(t)
	ctx := context.Background()
	bare, _, err := b.SignBare(ctx, blob.BareSpec{Key: key, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	sized, _, err := b.SignBare(ctx, blob.BareSpec{Key: key, Size: 6, Expires: soon()})
	if err != nil {
		t.Fatal(err)
	}
	past := s3blob.New(s.Client(), s.Bucket, s3blob.Options{Now: func() time.Time { return time.Now().Add(-20 * time.Minute) }})
	ended, _, err := past.SignBare(ctx, blob.BareSpec{Key: key, Expires: time.Now().Add(-5 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	kind := map[string]string{"Content-Type": "text/plain", "Cache-Control": "no-store"}
	for _, c := range []struct {
		name, method, url string
		headers           map[string]string
		body              string
		stored            bool
	}{
		{"no header", "PUT", bare, nil, "pixels", true},
		{"headers of the sender's own", "PUT", bare, kind, "other pixels", true},
		{"again, with other bytes", "PUT", bare, nil, "pictures", true},
		{"the length that was bound", "PUT", sized, kind, "pixels", true},
		{"another length than was bound", "PUT", sized, kind, "pixel", false},
		{"another key", "PUT", strings.Replace(bare, "/source?", "/other?", 1), nil, "pixels", false},
		{"another method", "DELETE", bare, nil, "", false},
		{"a read", "GET", bare, nil, "", false},
		{"as a part", "PUT", bare + "&partNumber=1&uploadId=x", nil, "pixels", false},
		{"a longer life", "PUT", strings.Replace(bare, "X-Amz-Expires=", "X-Amz-Expires=1", 1), nil, "pixels", false},
		{"after its end", "PUT", ended, nil, "pixels", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, err := b.Versions(ctx, key, 0)
			if err != nil {
				t.Fatal(err)
			}
			status, _, text := send(t, s, c.method, c.url, c.headers, c.body)
			if (status == 200) != c.stored {
				t.Errorf("answered %d %s", status, text)
			}
			after, err := b.Versions(ctx, key, 0)
			if err != nil || (len(after) == len(before)+1) != c.stored {
				t.Errorf("%d versions, %d before, %v", len(after), len(before), err)
			}
		})
	}
	for name, size := range map[string]int64{"fewer than no bytes": -1, "more than S3 takes": 5<<30 + 1} {
		if url, _, err := b.SignBare(ctx, blob.BareSpec{Key: key, Size: size, Expires: soon()}); err == nil {
			t.Errorf("%s: %s is signed", name, url)
		}
	}
}
