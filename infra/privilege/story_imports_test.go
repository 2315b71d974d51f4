package privilege_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// source is a server that imports copy from.
type source struct {
	url string

	mu     sync.Mutex
	file   []byte
	etag   string
	breaks string // a request for this range is answered 404
}

// newSource serves a file.
func newSource(t *testing.T, file []byte) *source {
	t.Helper()
	s := &source{file: file, etag: `"one"`}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		file, etag, breaks := s.file, s.etag, s.breaks
		s.mu.Unlock()
		if breaks != "" && r.Header.Get("Range") == breaks {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "source.png", time.Time{}, bytes.NewReader(file))
	}))
	t.Cleanup(server.Close)
	s.url = server.URL + "/source.png"
	return s
}

func (s *source) set(etag, breaks string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.etag, s.breaks = etag, breaks
}

// Imports are cut into ranges of 8 MiB; large has three.
const (
	large    = 17 << 20
	lastPart = "bytes=16777216-17825791"
)

// importFrom announces an import and gives the asset's id.
func (w *world) importFrom(t *testing.T, s *source) string {
	t.Helper()
	return w.must(t, "POST", "/assets", m{"source": s.url, "workspace_id": w.workspace.String(), "file_name": "source.png"}).text(t, "asset_id")
}

// becomes delivers until an asset has a state.
func (w *world) becomes(t *testing.T, asset, state string) {
	t.Helper()
	w.until(t, "asset "+asset+" is "+state, func() bool { return w.status(t, asset) == state })
}

// tellImports copies a small file and a large one, the first also with the bucket's answer lost.
func tellImports(t *testing.T, w *world) {
	small := newSource(t, picture(0))
	w.becomes(t, w.importFrom(t, small), "ready")
	w.gates.lose("on-import-requested", object("PUT", ""))
	w.becomes(t, w.importFrom(t, small), "ready")
	w.uses(t, "on-import-requested", "s3:GetObject")
	w.becomes(t, w.importFrom(t, newSource(t, picture(large))), "ready")
	w.uses(t, "on-import-requested", "s3:GetObjectVersion", "dynamodb:GetItem", "dynamodb:UpdateItem")
	w.uses(t, "stream-publish", "events:PutEvents")
}

// tellImportFaults breaks a source off and mends it, breaks another off and changes its file, and lets a retry overtake the writing of a third.
func tellImportFaults(t *testing.T, w *world) {
	for etag, uses := range map[string][]string{
		`"one"`: {"s3:ListMultipartUploadParts"},
		`"two"`: {"s3:ListBucketMultipartUploads", "s3:AbortMultipartUpload"},
	} {
		s := newSource(t, picture(large))
		s.set(`"one"`, lastPart)
		asset := w.importFrom(t, s)
		w.becomes(t, asset, "failed")
		s.set(etag, "")
		w.must(t, "POST", "/assets/"+asset+"/retry", nil)
		w.becomes(t, asset, "ready")
		w.uses(t, "on-import-requested", uses...)
	}
	w.uses(t, "on-import-requested", "dynamodb:PutItem")

	asset := w.importFrom(t, newSource(t, picture(0)))
	g, letGo := w.gates.hold(t, "on-import-requested", object("PUT", ""))
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.deliver(t)
	}()
	g.await(t)
	a, err := w.domain(time.Now).assets.Find(t.Context(), w.workspace, parse(t, asset))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Write(t.Context(), table.Update(a.Key(), table.Present(), table.Set(schema.Generation, table.Int(2)))); err != nil {
		t.Fatal(err) // as a retry would have it
	}
	letGo()
	<-done
	w.uses(t, "on-import-requested", "s3:DeleteObjectVersion")
}
