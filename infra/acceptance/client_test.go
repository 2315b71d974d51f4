package acceptance_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"
)

// client speaks the wire by hand: net/http and nothing of the product.
type client struct {
	ready
	http *http.Client
}

func newClient(s *stack) *client {
	return &client{ready: s.ready, http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
}

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// asset holds the fields that the tests read of any answer about one asset.
type asset struct {
	ID      string `json:"asset_id"`
	Status  string `json:"status"`
	URL     string `json:"url"`
	Failure string `json:"failure_message"`
	Upload  *struct {
		URL    string            `json:"url"`
		Fields map[string]string `json:"form_fields"`
	} `json:"upload"`
}

func (c *client) do(ctx context.Context, method, address string, header http.Header, body io.Reader) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return answer{}, err
	}
	req.Header = header
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b}, err
}

// call sends JSON with the key to a path below /api/v1; body may be nil.
func (c *client) call(ctx context.Context, method, path string, body any) (answer, error) {
	header := http.Header{"Authorization": {"Bearer " + c.Key}}
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		r = bytes.NewReader(b)
		header.Set("Content-Type", "application/json")
	}
	return c.do(ctx, method, c.API+"/api/v1"+path, header, r)
}

// asset calls and decodes an asset from an answer of the status.
func (c *client) asset(ctx context.Context, method, path string, body any, status int) (asset, error) {
	got, err := c.call(ctx, method, path, body)
	if err != nil {
		return asset{}, err
	}
	if got.status != status {
		return asset{}, fmt.Errorf("%s %s = %d %s, want %d", method, path, got.status, got.body, status)
	}
	var a asset
	if err := json.Unmarshal(got.body, &a); err != nil {
		return asset{}, fmt.Errorf("%s %s answered %q: %w", method, path, got.body, err)
	}
	return a, nil
}

func (c *client) create(ctx context.Context, name string) (asset, error) {
	return c.asset(ctx, "POST", "/assets", map[string]string{
		"source": "signed-url", "workspace_id": c.Workspace, "file_name": name, "content_type": "image/png",
	}, http.StatusCreated)
}

func (c *client) get(ctx context.Context, id string) (asset, error) {
	return c.asset(ctx, "GET", "/assets/"+id, nil, http.StatusOK)
}

// sendForm fills the signed form of a created or retried asset.
func (c *client) sendForm(ctx context.Context, a asset, content []byte) (answer, error) {
	if a.Upload == nil {
		return answer{}, fmt.Errorf("%s was granted no upload", a.ID)
	}
	var parts []part
	for name, value := range a.Upload.Fields {
		parts = append(parts, part{name: name, value: value})
	}
	parts = append(parts, part{name: "file", file: "picture.png", value: string(content)})
	contentType, body := form(parts...)
	return c.do(ctx, "POST", a.Upload.URL, http.Header{"Content-Type": {contentType}}, body)
}

// part is one part of a form; with file it is a file of that name.
type part struct{ name, file, contentType, value string }

// form encodes a multipart form.
func form(parts ...part) (contentType string, body *bytes.Buffer) {
	body = new(bytes.Buffer)
	w := multipart.NewWriter(body)
	for _, p := range parts {
		disposition := "form-data"
		if p.name != "" {
			disposition += fmt.Sprintf("; name=%q", p.name)
		}
		if p.file != "" {
			disposition += fmt.Sprintf("; filename=%q", p.file)
		}
		header := map[string][]string{"Content-Disposition": {disposition}}
		if p.contentType != "" {
			header["Content-Type"] = []string{p.contentType}
		}
		pw, err := w.CreatePart(header)
		if err == nil {
			_, err = io.WriteString(pw, p.value)
		}
		if err != nil {
			panic(err) // a bytes.Buffer takes everything
		}
	}
	_ = w.Close() // into a bytes.Buffer
	return w.FormDataContentType(), body
}

// everything lists what a key can see: all assets and all projects, one line each, sorted.
func (c *client) everything(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, path := range []string{"/assets?limit=100", "/projects?limit=100&workspace_id=" + c.Workspace} {
		for cursor := ""; ; {
			got, err := c.call(t.Context(), "GET", path+cursor, nil)
			if err != nil || got.status != http.StatusOK {
				t.Fatalf("GET %s = %d %s, %v", path, got.status, got.body, err)
			}
			var page struct {
				Assets, Projects []json.RawMessage
				Meta             struct {
					Next string `json:"next_cursor"`
				}
			}
			if err := json.Unmarshal(got.body, &page); err != nil {
				t.Fatal(err)
			}
			for _, item := range append(page.Assets, page.Projects...) {
				all = append(all, string(item))
			}
			if page.Meta.Next == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(page.Meta.Next)
		}
	}
	slices.Sort(all)
	return all
}

// picture encodes a small PNG, another one for every number, so that tests which need nothing but Go run with nothing but Go.
func picture(number uint32) []byte {
	img := image.NewGray(image.Rect(0, 0, 32, 24))
	binary.BigEndian.PutUint32(img.Pix, number)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a bytes.Buffer takes everything
	}
	return b.Bytes()
}
