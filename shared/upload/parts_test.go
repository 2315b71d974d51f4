package upload_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

// tall is a real PNG with so much behind its end that it has n bytes.
func tall(shade uint8, n int) []byte {
	return append(picture(shade), make([]byte, n-len(picture(shade)))...)
}

// twoParts is a size that takes two parts of the smallest size.
const twoParts = upload.MinPartSize + 1000

func (w *world) draft() upload.Draft {
	return upload.Draft{Workspace: w.ws.ID, Name: "a.png", Declared: "image/png"}
}

// beginParts announces a picture of size bytes in parts of the smallest size.
func (w *world) beginParts(t testing.TB, size int64) (asset.Asset, upload.PartsGrant) {
	t.Helper()
	a, g, err := w.uploads.BeginParts(context.Background(), w.who, w.draft(), size, upload.MinPartSize)
	if err != nil {
		t.Fatalf("begin parts: %v", err)
	}
	return a, g
}

// sendPart puts one part as a client does, and gives the ETag of the bucket's answer.
func (w *world) sendPart(t failer, p upload.SignedPart, body []byte) (status int, etag string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, p.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.server.HTTP().Do(req)
	if err != nil {
		t.Fatalf("send part %d: %v", p.Number, err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("ETag")
}

// sendParts puts the parts of a grant that are not left out, and gives them with the ETags that were answered.
func (w *world) sendParts(t testing.TB, g upload.PartsGrant, body []byte, leaveOut ...int) (ps []blob.Part) {
	t.Helper()
	for _, p := range g.Parts {
		if len(leaveOut) > 0 && p.Number == leaveOut[0] {
			continue
		}
		from := int64(p.Number-1) * g.PartSize
		status, etag := w.sendPart(t, p, body[from:from+g.Length(p.Number)])
		if status != http.StatusOK {
			t.Fatalf("the bucket answered %d to part %d, want 200", status, p.Number)
		}
		ps = append(ps, blob.Part{Number: p.Number, ETag: etag})
	}
	return ps
}

// uploadsOf lists the open uploads of an asset.
func (w *world) uploadsOf(t testing.TB, a asset.Asset) []blob.Upload {
	t.Helper()
	us, err := w.bucket.Uploads(context.Background(), objectPrefix(a.Workspace, a.ID))
	if err != nil {
		t.Fatal(err)
	}
	return us
}

func TestLifeOfAnUploadByParts(t *testing.T) {
	ctx := context.Background()
	drivers.Each(t, func(t *testing.T, open drivers.Open) {
		w := newWorld(t, open(t))

		t.Run("an announced asset is pending, readable at once, and names its upload", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			if d := cmp.Diff(a, w.get(t, a.ID)); d != "" {
				t.Errorf("get differs from what begin answered (-begin +get):\n%s", d)
			}
			want := upload.Plan{Size: twoParts, PartSize: upload.MinPartSize, Count: 2}
			if d := cmp.Diff(want, g.Plan); d != "" || len(g.Parts) != 2 || g.Next != 0 || g.Upload == "" || g.Upload != a.Upload || !g.Expires.Equal(a.GrantUntil) {
				t.Errorf("begin granted %+v for %+v (-want plan +got):\n%s", g, a, d)
			}
		})
		t.Run("complete makes it ready, again answers the same, and the late event writes nothing", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			body := tall(1, twoParts)
			sent := w.sendParts(t, g, body)
			first, err := w.uploads.CompleteParts(ctx, w.who, a.ID, sent)
			if err != nil || first.State != asset.Ready || first.Size != twoParts || first.Type != "image/png" {
				t.Fatalf("complete = %+v, %v", first, err)
			}
			w.deliverAll(t)
			again, err := w.uploads.Complete(ctx, w.who, a.ID)
			if d := cmp.Diff(first, again); err != nil || d != "" {
				t.Errorf("second complete: %v (-first +second):\n%s", err, d)
			}
			w.wantOnly(t, w.get(t, a.ID), body)
			if us := w.uploadsOf(t, a); len(us) != 0 {
				t.Errorf("uploads are open after complete: %v", us)
			}
		})
		t.Run("missing parts are a conflict that names them, and the upload goes on", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			body := tall(2, twoParts)
			w.sendParts(t, g, body, 1)
			_, err := w.uploads.Complete(ctx, w.who, a.ID)
			domaintest.WantKind(t, "complete", err, fault.Conflict)
			if err != nil && !strings.Contains(err.Error(), "1 is not there") {
				t.Errorf("complete = %v; want it to name part 1", err)
			}
			w.sendParts(t, g, body, 2)
			done, err := w.uploads.Complete(ctx, w.who, a.ID)
			if err != nil || done.State != asset.Ready {
				t.Errorf("complete with all parts = %s, %v", done.State, err)
			}
		})
		t.Run("a client that completes directly against the bucket is settled by the event alone", func(t *testing.T) {
			a, g := w.beginParts(t, twoParts)
			body := tall(3, twoParts)
			if _, err := w.bucket.CompleteParts(ctx, a.Source().Key(), g.Upload, stripped(w.sendParts(t, g, body)), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			w.deliverAll(t)
			got := w.get(t, a.ID)
			if got.State != asset.Ready {
				t.Fatalf("after the event: %+v", got)
			}
			w.wantOnly(t, got, body)
		})
	})
}

// stripped takes the quotes off ETags.
func stripped(ps []blob.Part) []blob.Part {
	for i := range ps {
		ps[i].ETag = strings.Trim(ps[i].ETag, `"`)
	}
	return ps
}
