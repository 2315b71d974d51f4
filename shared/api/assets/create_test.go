package assets_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/upload"
)

// created is the answer to create, complete and retry, as a client reads it.
type created struct {
	AssetID        string    `json:"asset_id"`
	Status         string    `json:"status"`
	UploadedVia    string    `json:"uploaded_via"`
	URL            string    `json:"url"`
	Visibility     string    `json:"visibility"`
	WorkspaceID    string    `json:"workspace_id"`
	FailureMessage *string   `json:"failure_message"`
	ExpiresAt      time.Time `json:"expires_at"`
	UploadURL      string    `json:"upload_url"`
	Upload         *struct {
		URL         string            `json:"url"`
		Method      string            `json:"method"`
		ContentType string            `json:"content_type"`
		FileField   string            `json:"file_field"`
		FormFields  map[string]string `json:"form_fields"`
	} `json:"upload"`
}

// keysOf are the names of the fields of a JSON object, sorted.
func keysOf(t *testing.T, body []byte) []string {
	t.Helper()
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// create reserves a signed upload.
func (c *client) create(t *testing.T, key, body string, wrote ...string) (a created, raw answer) {
	t.Helper()
	raw = c.run(t, scenario{request{method: "POST", path: "/assets", key: key, body: body}, 201, wrote}, &a)
	return a, raw
}

// form encodes a direct upload the way the published SDK does.
func form(t *testing.T, filename string, file []byte, before, after []string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	write := func(pairs []string) {
		for i := 0; i < len(pairs); i += 2 {
			if err := w.WriteField(pairs[i], pairs[i+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(before)
	out, err := w.CreateFormFile("file", filename)
	if err == nil {
		_, err = out.Write(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	write(after)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// md5Of is the ETag that the bucket gives to bytes that come at once.
func md5Of(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// send posts a file to a signed form, as a client does.
func (c *client) send(t *testing.T, a created, file []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range a.Upload.FormFields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	out, err := w.CreateFormFile(a.Upload.FileField, "any")
	if err == nil {
		_, err = out.Write(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	resp, err := http.Post(a.Upload.URL, w.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		t.Fatalf("the form was answered %d %s", resp.StatusCode, text)
	}
}

var linkPattern = regexp.MustCompile(`^http://assets\.test:8080/l/[A-Za-z0-9_-]{40,}$`)

func TestCreateReservesASignedUpload(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		body := object("source", "signed-url", "workspace_id", c.home.ID.String(), "file_name", "Кот 🐈.png", "content_type", "image/png")
		a, raw := c.create(t, c.keys.editor, body, "+active", "+asset")
		want := []string{"asset_id", "expires_at", "status", "upload", "upload_url", "uploaded_via", "url", "visibility", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" {
			t.Errorf("fields of the answer (-want +got):\n%s", diff)
		}
		if a.Status != "pending_upload" || a.UploadedVia != "signed_url" || a.Visibility != "workspace" || a.WorkspaceID != c.home.ID.String() {
			t.Errorf("the answer is %s", raw.body)
		}
		if !linkPattern.MatchString(a.URL) || !strings.HasPrefix(a.AssetID, "asset_") {
			t.Errorf("asset %s has the link %s", a.AssetID, a.URL)
		}
		if in := time.Until(a.ExpiresAt); in < 14*time.Minute || in > 15*time.Minute {
			t.Errorf("the upload ends in %s, want just under 15 minutes", in)
		}
		u := a.Upload
		if u.Method != "POST" || u.ContentType != "multipart/form-data" || u.FileField != "file" || u.URL != a.UploadURL || u.FormFields["Content-Type"] != "image/png" {
			t.Errorf("the upload is %+v, with upload_url %s", u, a.UploadURL)
		}
	})
}

func TestCreateTakesTheLeast(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a, _ := c.create(t, c.keys.owner, object("source", "signed-url", "workspace_id", c.home.ID.String()), "+active", "+asset")
		got := c.retrieve(t, c.keys.owner, a.AssetID)
		if got.Name != nil || got.UploadContentType != nil || got.ContentType != "application/octet-stream" {
			t.Errorf("without name and type the asset is %+v", got)
		}
		c.create(t, c.keys.owner, object("source", "signed-url", "workspace_id", c.home.ID.String(),
			"content_type", nil, "file_name", nil, "folder", nil, "project_id", nil), "+asset")
	})
}

func TestCreatePutsIntoAFolderAndOnAProject(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		prj := c.createProject(t, "Spring")
		body := object("source", "signed-url", "workspace_id", c.home.ID.String(), "folder", "Mood", "project_id", prj)
		c.create(t, c.keys.editor, body, "+active", "+asset", "+folder", "+foldername", "+node")
		c.create(t, c.keys.editor, body, "+asset", "+node")
	})
}

func TestCreateDirect(t *testing.T) {
	workspaceFirst := func(c *client) ([]string, []string) {
		return []string{"workspace_id", c.home.ID.String(), "folder", "Mood", "content_type", "image/png", "file_name", "a b.png"}, nil
	}
	asTheSDK := func(c *client) ([]string, []string) {
		return []string{"workspace_id", c.home.ID.String(), "folder", "Mood"}, []string{"content_type", "image/png", "file_name", "a b.png"}
	}
	allAfter := func(c *client) ([]string, []string) {
		return nil, []string{"file_name", "a b.png", "content_type", "image/png", "folder", "Mood", "workspace_id", c.home.ID.String()}
	}
	for name, order := range map[string]func(*client) ([]string, []string){
		"fields before the file": workspaceFirst, "as the SDK sends them": asTheSDK, "fields after the file": allAfter,
	} {
		t.Run(name, func(t *testing.T) {
			inShapes(t, func(t *testing.T, c *client) {
				before, after := order(c)
				file := picture(t, 7, 5)
				body, kind := form(t, "sent.png", file, before, after)
				var a created
				raw := c.run(t, scenario{
					request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}, 201,
					[]string{"+active", "+asset", "+folder", "+foldername", "+object", "~asset"},
				}, &a)
				want := []string{"asset_id", "status", "uploaded_via", "url", "visibility", "workspace_id"}
				if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" || a.Status != "ready" || a.UploadedVia != "direct" {
					t.Errorf("the answer is %s", raw.body)
				}
				got := c.retrieve(t, c.keys.viewer, a.AssetID)
				wantAsset := retrieved{
					AssetID: a.AssetID, Name: new("a b.png"), WorkspaceID: c.home.ID.String(), URL: a.URL, ContentType: "image/png",
					UploadContentType: new("image/png"), SizeBytes: new(int64(len(file))), UploadedVia: "direct", Status: "ready",
					Width: new(7), Height: new(5), CreatedAt: got.CreatedAt, FolderID: got.FolderID, ETag: new(md5Of(file)),
				}
				if diff := cmp.Diff(wantAsset, got); diff != "" {
					t.Errorf("the asset (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCreateDirectTakesNameAndTypeOfItsPart(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		body, kind := form(t, `C:\pictures\cat.png`, picture(t, 1, 1), []string{"workspace_id", c.home.ID.String()}, nil)
		var a created
		c.run(t, scenario{request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}, 201,
			[]string{"+active", "+asset", "+object", "~asset"}}, &a)
		got := c.retrieve(t, c.keys.editor, a.AssetID)
		if got.Name == nil || *got.Name != "cat.png" || got.UploadContentType == nil || *got.UploadContentType != "application/octet-stream" {
			t.Errorf("the asset is %+v", got)
		}
	})
}

func TestCreateDirectAtTheLimit(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := append(picture(t, 1, 1), make([]byte, upload.MaxDirect)...)[:upload.MaxDirect]
		body, kind := form(t, "big.png", file, []string{"workspace_id", c.home.ID.String()}, nil)
		c.run(t, scenario{request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}, 201,
			[]string{"+active", "+asset", "+object", "~asset"}}, nil)
		for _, more := range []int{1, 1 << 20} {
			body, kind := form(t, "big.png", append(file, make([]byte, more)...), []string{"workspace_id", c.home.ID.String()}, nil)
			got := c.refused(t, request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}, 413, "payload_too_large")
			if !bytes.Contains(got.body, []byte("signed-url")) {
				t.Errorf("413 does not say what to do: %s", got.body)
			}
		}
	})
}

func TestLinksBeginAtThePublicURL(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		c.public = "https://media.example.com"
		a, _ := c.create(t, c.keys.owner, object("source", "signed-url", "workspace_id", c.home.ID.String()), "+active", "+asset")
		if !strings.HasPrefix(a.URL, "https://media.example.com/l/") {
			t.Errorf("the link is %s", a.URL)
		}
	})
}
