package upload_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/upload"
)

func TestChecksumsThatAreRefused(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	before := w.end(t)
	form := func(d upload.Draft) error { _, _, err := w.uploads.Begin(ctx, w.who, d); return err }
	direct := func(d upload.Draft) error { _, err := w.uploads.Direct(ctx, w.who, d, picture(1)); return err }
	parts := func(d upload.Draft) error { _, _, err := w.uploads.BeginParts(ctx, w.who, d, twoParts, 0); return err }
	for _, c := range []struct {
		name  string
		begin func(upload.Draft) error
		sum   blob.Checksum
		says  string
	}{
		{"an unknown algorithm, for a form", form, blob.Checksum{Algorithm: "MD5", Value: "x"}, "MD5"},
		{"an unknown algorithm, for parts", parts, blob.Checksum{Algorithm: "crc64nvme"}, "crc64nvme"},
		{"a value without an algorithm", direct, blob.Checksum{Value: "AAAAAA=="}, `algorithm ""`},
		{"a value that is too short", form, blob.Checksum{Algorithm: blob.SHA256, Value: "AAAA"}, "32 bytes"},
		{"a value that is no base64", direct, blob.Checksum{Algorithm: blob.CRC32, Value: "????????"}, "4 bytes"},
		{"a form without a value", form, blob.Checksum{Algorithm: blob.SHA256}, "without a value"},
		{"direct without a value", direct, blob.Checksum{Algorithm: blob.CRC64NVME}, "without a value"},
		{"SHA256 over parts", parts, blob.SHA256.Of(picture(1)), "S3 checks no SHA256 over a whole multipart upload; send CRC64NVME or CRC32C, or use a single upload"},
		{"SHA256 over parts without a value", parts, blob.Checksum{Algorithm: blob.SHA256}, "S3 checks no SHA256"},
		{"direct bytes of another checksum", direct, blob.SHA256.Of(picture(2)), "but " + blob.SHA256.Of(picture(2)).Value + " was announced"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := w.draft()
			d.Checksum = c.sum
			err := c.begin(d)
			fields := fault.FieldsOf(err)
			if !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Name != "checksum" || !strings.Contains(fields[0].Message, c.says) {
				t.Errorf("begin = %v; want the field checksum to say %q", err, c.says)
			}
		})
	}
	us, err := w.direct.Uploads(ctx, "")
	if w.end(t) != before || w.waiting() != 0 || err != nil || len(us) != 0 {
		t.Errorf("refused drafts wrote to the table or the bucket, or began the uploads %v (%v)", us, err)
	}
}

func TestEveryAlgorithmChecksASingleWrite(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	for _, alg := range blob.Algorithms() {
		t.Run(string(alg), func(t *testing.T) {
			d := w.draft()
			d.Checksum = alg.Of(picture(1))
			got, err := w.uploads.Direct(ctx, w.who, d, picture(1))
			if err != nil || got.State != asset.Ready || got.Checksum != d.Checksum {
				t.Fatalf("direct = %+v, %v", got, err)
			}
			if o, err := w.direct.Head(ctx, got.Source().Key(), got.Object); err != nil || o.Checksum != d.Checksum {
				t.Errorf("the bucket keeps %+v, %v; want %+v", o.Checksum, err, d.Checksum)
			}
			a, g, err := w.uploads.Begin(ctx, w.who, d)
			if err != nil {
				t.Fatal(err)
			}
			if status := w.send(t, g, picture(2)); status != http.StatusBadRequest {
				t.Errorf("a form with other bytes was answered %d, want 400", status)
			}
			w.mustSend(t, g, picture(1))
			w.deliverAll(t)
			if got := w.get(t, a.ID); got.State != asset.Ready || got.Checksum != d.Checksum {
				t.Errorf("after the form: %+v", got)
			}
			_, g, err = w.uploads.Begin(ctx, w.who, d)
			if err != nil {
				t.Fatal(err)
			}
			for name := range g.Fields {
				if strings.Contains(name, "checksum") {
					delete(g.Fields, name)
				}
			}
			if status := w.send(t, g, picture(1)); status != http.StatusForbidden {
				t.Errorf("a form without its checksum was answered %d, want 403", status)
			}
		})
	}
}

func TestEveryAlgorithmOfPartsChecksTheWhole(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, drivers.SQLite(t))
	body := tall(1, twoParts)
	for _, alg := range []blob.Algorithm{blob.CRC64NVME, blob.CRC32C, blob.CRC32} {
		begin := func(t *testing.T, c blob.Checksum) (asset.Asset, upload.PartsGrant) {
			d := w.draft()
			d.Checksum = c
			a, g, err := w.uploads.BeginParts(ctx, w.who, d, twoParts, upload.MinPartSize)
			if err != nil {
				t.Fatal(err)
			}
			return a, g
		}
		t.Run(string(alg)+": the announced bytes become ready, and their checksum is kept", func(t *testing.T) {
			for _, c := range []blob.Checksum{alg.Of(body), {Algorithm: alg}} {
				a, g := begin(t, c)
				w.sendParts(t, g, body)
				got, err := w.uploads.Complete(ctx, w.who, a.ID)
				if err != nil || got.State != asset.Ready || got.Checksum != alg.Of(body) {
					t.Errorf("announced %v: %s with %v, %v", c, got.State, got.Checksum, err)
				}
			}
			w.deliverAll(t)
		})
		t.Run(string(alg)+": others are rejected when they are joined, and nothing of them stays", func(t *testing.T) {
			a, g := begin(t, alg.Of(tall(2, twoParts)))
			w.sendParts(t, g, body)
			got, err := w.uploads.Complete(ctx, w.who, a.ID)
			if err != nil || got.State != asset.Failed || got.Cause != asset.Rejected || !strings.Contains(got.Failure, string(alg)) {
				t.Fatalf("complete = %s (%s) %q, %v; want it rejected for its %s", got.State, got.Cause, got.Failure, err, alg)
			}
			w.mustCleanUp(t)
			if us, vs := w.uploadsOf(t, a), w.versions(t, a); len(us)+len(vs) != 0 {
				t.Errorf("the uploads %v and the versions %v are left", us, vs)
			}
			next, way, err := w.uploads.Retry(ctx, w.who, a.ID, "")
			if err != nil || next.Checksum != a.Checksum {
				t.Fatalf("retry = %+v, %v; want the announced checksum kept", next, err)
			}
			w.sendParts(t, *way.Parts, tall(2, twoParts))
			if got, err := w.uploads.Complete(ctx, w.who, a.ID); err != nil || got.State != asset.Ready {
				t.Errorf("the right bytes after the retry: %s %q, %v", got.State, got.Failure, err)
			}
			w.deliverAll(t)
		})
		t.Run(string(alg)+": a client that joins them itself does not slip by", func(t *testing.T) {
			a, g := begin(t, alg.Of(tall(2, twoParts)))
			if _, err := w.direct.CompleteParts(ctx, a.Source().Key(), g.Upload, stripped(w.sendParts(t, g, body)), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			w.deliverAll(t)
			got := w.get(t, a.ID)
			if got.State != asset.Failed || got.Cause != asset.Rejected || !strings.Contains(got.Failure, alg.Of(body).Value) {
				t.Errorf("after the event: %s (%s) %q", got.State, got.Cause, got.Failure)
			}
		})
	}
}
