package privilege_test

import (
	"bytes"

	"testing"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/upload"
)

// overdue is what others began two hours ago, and left.
type overdue struct {
	*world
	domain
	principal access.Principal
}

func (w *world) overdue(t *testing.T) overdue {
	t.Helper()
	p, err := account.New(w.db, account.Options{}).Authenticate(t.Context(), w.key)
	if err != nil {
		t.Fatal(err)
	}
	return overdue{w, w.domain(later(past)), p}
}

// begin announces an asset that comes by form, and brings bytes of it if there are any.
func (o overdue) begin(t *testing.T, kind string, files ...[]byte) asset.Asset {
	t.Helper()
	a, _, err := o.uploads.Begin(t.Context(), o.principal, upload.Draft{Workspace: o.workspace, Declared: kind})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := o.bucket.Put(t.Context(), a.Source().Key(), bytes.NewReader(f), int64(len(f)), blob.PutOptions{Type: kind}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// tellSweeps sweeps what is overdue: uploads of which nothing came, of which bytes came whose news was lost, also more than once, and by parts, of
// which one is forgotten.
func tellSweeps(t *testing.T, w *world) {
	o := w.overdue(t)
	nothing := o.begin(t, "image/png")
	o.begin(t, "image/png", picture(0), picture(10))
	o.begin(t, "image/jpeg", photo())
	byParts, _, err := o.uploads.BeginParts(t.Context(), o.principal, upload.Draft{Workspace: w.workspace, Declared: "image/png"}, partSize+1000, partSize)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.bucket.StartParts(t.Context(), byParts.Source().Key(), blob.PutOptions{Type: "image/png"}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.domain(later(past/2)).uploads.Regrant(t.Context(), o.principal, nothing.ID); err != nil {
		t.Fatal(err) // granted anew meanwhile: a marker leads the sweeper to it
	}
	w.takeObjects()
	w.schedule(t, "sweep")
	w.uses(t, "sweep", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
		"s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload")
}
