package assets_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/table"
)

// between does something once, before an item enters a folder, and fails that write if it says so.
type between struct {
	table.Table
	do func() error
}

// Transact is the table's, after what comes between.
func (b *between) Transact(ctx context.Context, ws []table.Write) error {
	entering := slices.ContainsFunc(ws, func(w table.Write) bool { return rowKind(w.Key) == "folderitem" })
	if do := b.do; entering && do != nil {
		b.do = nil
		if err := do(); err != nil {
			return err
		}
	}
	return b.Table.Transact(ctx, ws)
}

// behind is a client on a stack where something comes between the copy of an image and its place in a folder.
func behind(t *testing.T) (*client, *between) {
	b := &between{}
	return newClient(newStackBehind(t, func(db table.Table) table.Table { b.Table = db; return b }), shapes[0]), b
}

// source serves a file on TLS, and lets the stack copy from it. It gives the address, with a secret in its query.
func (c *client) source(t *testing.T, file []byte) string {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.png" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "a.png", time.Time{}, bytes.NewReader(file))
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c.imports(importer.New(importer.Options{Guard: guard.Options{
		Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), Roots: roots,
	}}))
	return s.URL + "/a.png?secret=never-told"
}

// copied does what the worker of an import does.
func (c *client) copied(t *testing.T, asset string, run int64) {
	t.Helper()
	a, err := id.ParseAsset(strings.TrimPrefix(asset, "asset_"))
	if err == nil {
		err = c.uploads.Import(t.Context(), c.home.ID, a, run)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportFromAnAddress(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := picture(t, 9, 8)
		address := c.source(t, file)
		want := &sum{"CRC32C", crc32cOf(file)}
		var a created
		raw := c.run(t, scenario{request{method: "POST", path: "/assets", key: c.keys.editor, body: object("source", address,
			"workspace_id", c.home.ID.String(), "file_name", "cat.png", "content_type", "image/png", "checksum", want)}, 201, []string{"+active", "+asset", "+import"}}, &a)
		fields := []string{"asset_id", "status", "uploaded_via", "url", "visibility", "workspace_id"}
		if diff := cmp.Diff(fields, keysOf(t, raw.body)); diff != "" || a.Status != "pending_upload" || a.UploadedVia != "url" {
			t.Fatalf("create answered %s\n%s", raw.body, diff)
		}
		pending := c.retrieve(t, c.keys.viewer, a.AssetID)
		if diff := cmp.Diff(&come{ReceivedBytes: new(int64)}, pending.Progress); diff != "" {
			t.Errorf("the progress of an import that waits (-want +got):\n%s", diff)
		}
		for _, verb := range []string{"complete", "retry", "upload", "parts"} {
			c.refused(t, request{method: "POST", path: "/assets/" + a.AssetID + "/" + verb, key: c.keys.editor}, 409, "conflict")
		}
		c.copied(t, a.AssetID, 1)
		got := c.retrieve(t, c.keys.viewer, a.AssetID)
		if got.Status != "ready" || got.SizeBytes == nil || *got.SizeBytes != int64(len(file)) || got.Progress != nil || !cmp.Equal(got.Checksum, want) {
			t.Errorf("the asset is %+v", got)
		}
		to := c.do(t, request{method: "GET", path: "/assets/" + a.AssetID + "/content", key: c.keys.viewer}).header.Get("Location")
		if _, body := followed(t, to); !bytes.Equal(body, file) {
			t.Errorf("the content is not the source's: %d bytes", len(body))
		}
	})
}

func TestImportThatFailsIsRetriedFromAnotherAddress(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		address := c.source(t, picture(t, 9, 8))
		expired := strings.Replace(address, "a.png", "expired.png", 1)
		var a created
		c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor,
			body: object("source", expired, "workspace_id", c.home.ID.String())}), 201, &a)
		c.copied(t, a.AssetID, 1)
		failed := c.retrieve(t, c.keys.viewer, a.AssetID)
		if failed.Status != "failed" || failed.FailureMessage == nil || strings.Contains(*failed.FailureMessage, "never-told") {
			t.Fatalf("an import from an address that has expired is %+v", failed)
		}
		retry := func(source string) request {
			return request{method: "POST", path: "/assets/" + a.AssetID + "/retry", key: c.keys.editor, body: object("source", source)}
		}
		for _, bad := range []string{"", "nonsense", "http://example.com/a.png", "https://user:secret@example.com/a.png", "https://10.0.0.1/a.png"} {
			c.refused(t, retry(bad), 400, "input_validation_error", "source")
		}
		var again created
		raw := c.do(t, retry(address))
		c.decode(t, raw, 200, &again)
		if again.Status != "pending_upload" || again.Upload != nil || bytes.Contains(raw.body, []byte("never-told")) {
			t.Fatalf("retry answered %s", raw.body)
		}
		c.copied(t, a.AssetID, 2)
		if got := c.retrieve(t, c.keys.viewer, a.AssetID); got.Status != "ready" {
			t.Errorf("after the retry the asset is %+v", got)
		}
	})
}

func TestFolderItemFromAnAddress(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		address := c.source(t, picture(t, 9, 8))
		f := c.createFolder(t, object("name", "Pictures"))["folder_id"]
		add := request{method: "POST", path: c.foldersPath() + "/" + f + "/items", key: c.keys.editor, once: "one picture",
			body: object("type", "image", "source", address, "description", "second idea")}
		var got struct {
			FolderID    string `json:"folder_id"`
			SavedNodeID string `json:"saved_node_id"`
			AssetID     string `json:"asset_id"`
			URL         string `json:"url"`
		}
		c.run(t, scenario{add, 201, []string{"+active", "+asset", "+folderitem", "+import", "+once", "~folder", "~once"}}, &got)
		if got.FolderID != f || got.AssetID == "" || !linkPattern.MatchString(got.URL) {
			t.Fatalf("the item is %+v", got)
		}
		c.duplicate(t, add, "saved_node_id", got.SavedNodeID)
		c.copied(t, got.AssetID, 1)
		if a := c.retrieve(t, c.keys.viewer, got.AssetID); a.Status != "ready" || a.FolderID == nil || *a.FolderID != f || a.URL != got.URL {
			t.Errorf("the asset is %+v", a)
		}
		add.once, add.path = "", c.foldersPath()+"/fld_x/items"
		c.refused(t, add, 404, "not_found")
		gone := c.createFolder(t, object("name", "Gone"))["folder_id"]
		c.run(t, scenario{request{method: "DELETE", path: c.foldersPath() + "/" + gone, key: c.keys.editor}, 200, []string{"-folder", "-foldername"}}, nil)
		add.path = c.foldersPath() + "/" + gone + "/items"
		c.refused(t, add, 404, "not_found")
	})
}

func TestAnImageWhoseFolderIsDeletedMeanwhileIsNotKept(t *testing.T) {
	c, b := behind(t)
	address := c.source(t, picture(t, 9, 8))
	f := c.createFolder(t, object("name", "Short-lived"))["folder_id"]
	b.do = func() error {
		c.decode(t, c.do(t, request{method: "DELETE", path: c.foldersPath() + "/" + f, key: c.keys.editor}), 200, nil)
		return nil
	}
	add := request{method: "POST", path: c.foldersPath() + "/" + f + "/items", key: c.keys.editor, body: object("source", address)}
	var body refusal
	c.decode(t, c.do(t, add), 404, &body)
	if list := c.list(t, c.keys.editor, ""); body.Error.Code != "not_found" || len(list.Assets) != 0 || b.do != nil {
		t.Errorf("the answer is %+v, and the list has %d assets", body, len(list.Assets))
	}
}

// TestAnImageIsPutIntoItsFolderByARepeat cuts a request off between the copy and the folder.
func TestAnImageIsPutIntoItsFolderByARepeat(t *testing.T) {
	c, b := behind(t)
	address := c.source(t, picture(t, 9, 8))
	f := c.createFolder(t, object("name", "Pictures"))["folder_id"]
	b.do = func() error { return fault.New(fault.Unavailable, "The table did not answer; repeat.") }
	add := request{method: "POST", path: c.foldersPath() + "/" + f + "/items", key: c.keys.editor, body: object("source", address), once: "k"}
	c.decode(t, c.do(t, add), 503, nil)
	cut := c.list(t, c.keys.editor, "")
	if len(cut.Assets) != 1 {
		t.Fatalf("after the request was cut off there are %d assets", len(cut.Assets))
	}
	var got map[string]string
	c.decode(t, c.do(t, add), 201, &got)
	if list := c.list(t, c.keys.editor, ""); len(list.Assets) != 1 || got["asset_id"] != cut.Assets[0].AssetID {
		t.Errorf("the repeat made %v, and there are %d assets", got, len(list.Assets))
	}
	c.duplicate(t, add, "saved_node_id", got["saved_node_id"])
}
