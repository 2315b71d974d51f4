package assets_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/blob"
)

// mib is the unit of parts.
const mib = 1 << 20

// plan is an upload by parts, or a page of it, as a client reads it.
type plan struct {
	AssetID   string    `json:"asset_id"`
	ExpiresAt time.Time `json:"expires_at"`
	Method    string    `json:"method"`
	UploadID  string    `json:"upload_id"`
	PartSize  int64     `json:"part_size"`
	PartCount int       `json:"part_count"`
	Parts     []struct {
		PartNumber int    `json:"part_number"`
		URL        string `json:"url"`
	} `json:"parts"`
	NextCursor *string `json:"next_cursor"`
}

// begun is the answer to the create of an upload by parts.
type begun struct {
	created
	Upload plan `json:"upload"`
}

// stored is a page of the parts that the bucket has.
type stored struct {
	Parts []struct {
		PartNumber int    `json:"part_number"`
		SizeBytes  int64  `json:"size_bytes"`
		ETag       string `json:"etag"`
		Checksum   *struct{ Algorithm, Value string }
	} `json:"parts"`
	NextCursor *string `json:"next_cursor"`
}

// beginParts announces a picture of some size, in parts of 5 MiB.
func (c *client) beginParts(t *testing.T, size int64, more ...any) (b begun) {
	t.Helper()
	pairs := append([]any{"source", "multipart", "workspace_id", c.home.ID.String(), "size_bytes", size, "part_size", 5 * mib,
		"content_type", "image/png", "file_name", "large.png"}, more...)
	c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor, body: object(pairs...)}), 201, &b)
	return b
}

// large is a picture with a tail, of a size.
func large(t *testing.T, size int) []byte {
	t.Helper()
	return append(picture(t, 4, 3), make([]byte, size)...)[:size]
}

// put sends one part, and gives the ETag of the answer with its quotes.
func put(t *testing.T, address string, part []byte) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("a part was answered %d %s", resp.StatusCode, text)
	}
	return resp.Header.Get("ETag")
}

// putAll sends every part of a file, and gives the body of a complete that lists them.
func (p plan) putAll(t *testing.T, file []byte) string {
	t.Helper()
	var list []map[string]any
	for _, part := range p.Parts {
		from := int64(part.PartNumber-1) * p.PartSize
		etag := put(t, part.URL, file[from:min(from+p.PartSize, int64(len(file)))])
		list = append(list, map[string]any{"part_number": part.PartNumber, "etag": etag})
	}
	return object("parts", list)
}

func (c *client) partsOf(t *testing.T, asset, query string) (s stored) {
	t.Helper()
	c.run(t, scenario{request: request{method: "GET", path: "/assets/" + asset + "/parts" + query, key: c.keys.viewer}, status: 200}, &s)
	return s
}

func TestPartsTellTheirChecksums(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := large(t, 6*mib)
		var b begun
		c.run(t, scenario{request{method: "POST", path: "/assets", key: c.keys.editor, body: object("source", "multipart",
			"workspace_id", c.home.ID.String(), "size_bytes", len(file), "part_size", 5*mib, "checksum_algorithm", "CRC32C")}, 201,
			[]string{"+active", "+asset", "~asset"}}, &b)
		put(t, b.Upload.Parts[1].URL, file[5*mib:])
		there := c.partsOf(t, b.AssetID, "")
		if len(there.Parts) != 1 || there.Parts[0].Checksum == nil {
			t.Fatalf("the bucket has %+v", there)
		}
		want := blob.CRC32C.Of(file[5*mib:])
		if got := *there.Parts[0].Checksum; got.Algorithm != "CRC32C" || got.Value != want.Value {
			t.Errorf("the checksum of the part is %+v, want %+v", got, want)
		}
	})
}

func completing(c *client, asset, body string) request {
	return request{method: "POST", path: "/assets/" + asset + "/complete", key: c.keys.editor, body: body}
}

func TestUploadByParts(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := large(t, 11*mib)
		var b begun
		raw := c.run(t, scenario{request{method: "POST", path: "/assets", key: c.keys.editor, body: object("source", "multipart",
			"workspace_id", c.home.ID.String(), "size_bytes", len(file), "part_size", 5*mib, "content_type", "image/png")}, 201,
			[]string{"+active", "+asset", "~asset"}}, &b)
		want := []string{"asset_id", "expires_at", "status", "upload", "uploaded_via", "url", "visibility", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" || b.Status != "pending_upload" || b.UploadedVia != "multipart" {
			t.Fatalf("create answered %s\n%s", raw.body, diff)
		}
		if u := b.Upload; u.Method != "MULTIPART" || u.PartSize != 5*mib || u.PartCount != 3 || len(u.Parts) != 3 || u.NextCursor != nil || u.UploadID == "" {
			t.Fatalf("the plan is %+v", u)
		}
		if !b.ExpiresAt.After(time.Now()) {
			t.Errorf("the addresses ended at %s", b.ExpiresAt)
		}
		first := put(t, b.Upload.Parts[0].URL, file[:5*mib])
		third := put(t, b.Upload.Parts[2].URL, file[10*mib:])
		there := c.partsOf(t, b.AssetID, "")
		if len(there.Parts) != 2 || there.Parts[0].PartNumber != 1 || there.Parts[1].SizeBytes != mib || `"`+there.Parts[0].ETag+`"` != first || there.NextCursor != nil {
			t.Errorf("the bucket has %+v", there)
		}
		early := c.refused(t, completing(c, b.AssetID, ""), 409, "conflict", "parts")
		if !strings.Contains(string(early.body), "2 is not there") {
			t.Errorf("the missing part is not named: %s", early.body)
		}
		c.finishParts(t, b, file, first, third)
	})
}

// finishParts gets the address of the second of three parts anew, sends it and completes, twice.
func (c *client) finishParts(t *testing.T, b begun, file []byte, first, third string) {
	t.Helper()
	var again plan
	c.run(t, scenario{request: request{method: "POST", path: "/assets/" + b.AssetID + "/parts", key: c.keys.editor, body: object("part_numbers", []int{2})}, status: 200}, &again)
	if again.UploadID != b.Upload.UploadID || again.AssetID != b.AssetID || len(again.Parts) != 1 || again.Parts[0].PartNumber != 2 || again.NextCursor != nil {
		t.Fatalf("the address of part 2 came as %+v", again)
	}
	second := put(t, again.Parts[0].URL, file[5*mib:10*mib])
	list := []map[string]any{{"part_number": 3, "etag": strings.Trim(third, `"`)}, {"part_number": 1, "etag": first}, {"part_number": 2, "etag": first}}
	wrong := c.refused(t, completing(c, b.AssetID, object("parts", list)), 409, "conflict", "parts")
	if !strings.Contains(string(wrong.body), "2 is there with another ETag") {
		t.Errorf("the wrong part is not named: %s", wrong.body)
	}
	list[2]["etag"] = second
	var done created
	c.run(t, scenario{completing(c, b.AssetID, object("parts", list)), 200, []string{"+object", "~asset"}}, &done)
	for _, body := range []string{"", "{}", "null", object("parts", list), `{"parts": null}`} {
		c.run(t, scenario{request: completing(c, b.AssetID, body), status: 200}, &done)
	}
	got := c.retrieve(t, c.keys.viewer, b.AssetID)
	if done.Status != "ready" || got.Status != "ready" || got.SizeBytes == nil || *got.SizeBytes != int64(len(file)) || got.UploadedVia != "multipart" {
		t.Errorf("the asset is %+v", got)
	}
	to := c.do(t, request{method: "GET", path: "/assets/" + b.AssetID + "/content", key: c.keys.viewer}).header.Get("Location")
	if _, body := followed(t, to); !bytes.Equal(body, file) {
		t.Errorf("the content is not the file: %d bytes", len(body))
	}
	for _, in := range []request{
		{method: "POST", path: "/assets/" + b.AssetID + "/parts", key: c.keys.editor},
		{method: "GET", path: "/assets/" + b.AssetID + "/parts", key: c.keys.editor},
	} {
		c.refused(t, in, 409, "conflict")
	}
}

func TestAddressesOfPartsComeInPages(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		b := c.beginParts(t, 2001*5*mib+1)
		if b.Upload.PartCount != 2002 || len(b.Upload.Parts) != 1000 || b.Upload.NextCursor == nil {
			t.Fatalf("the first page has %d of %d parts", len(b.Upload.Parts), b.Upload.PartCount)
		}
		pages := []int{}
		for cursor := b.Upload.NextCursor; cursor != nil; {
			var p plan
			c.run(t, scenario{request: request{method: "POST", path: "/assets/" + b.AssetID + "/parts", key: c.keys.editor, body: object("cursor", *cursor)}, status: 200}, &p)
			pages = append(pages, p.Parts[0].PartNumber, p.Parts[len(p.Parts)-1].PartNumber)
			cursor = p.NextCursor
		}
		if diff := cmp.Diff([]int{1001, 2000, 2001, 2002}, pages); diff != "" {
			t.Errorf("first and last of the further pages (-want +got):\n%s", diff)
		}
		for _, body := range []string{"", "{}", "null", `{"part_numbers": null, "cursor": null}`} {
			var p plan
			c.run(t, scenario{request: request{method: "POST", path: "/assets/" + b.AssetID + "/parts", key: c.keys.editor, body: body}, status: 200}, &p)
			if len(p.Parts) != 1000 || p.Parts[0].PartNumber != 1 || *p.NextCursor != "1001" {
				t.Errorf("with the body %q the page has %d parts", body, len(p.Parts))
			}
		}
	})
}

func TestPartsThatArrivedComeInPages(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		b := c.beginParts(t, 3*5*mib)
		for _, n := range []int{1, 3} {
			put(t, b.Upload.Parts[n-1].URL, make([]byte, 5*mib))
		}
		var numbers []int
		query := "?limit=1"
		for query != "" {
			page := c.partsOf(t, b.AssetID, query)
			for _, p := range page.Parts {
				numbers = append(numbers, p.PartNumber)
			}
			query = ""
			if page.NextCursor != nil {
				query = "?limit=1&cursor=" + *page.NextCursor
			}
		}
		if diff := cmp.Diff([]int{1, 3}, numbers); diff != "" {
			t.Errorf("parts (-want +got):\n%s", diff)
		}
		if all := c.partsOf(t, b.AssetID, "?limit=1000&cursor="); len(all.Parts) != 2 {
			t.Errorf("in one page there are %d", len(all.Parts))
		}
	})
}

// TestTenThousandPartsFitIntoACompletion sends the longest list there can be: it is read, and held against the plan.
func TestTenThousandPartsFitIntoACompletion(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		b := c.beginParts(t, 10_000*5*mib)
		list := make([]map[string]any, 10_000)
		for i := range list {
			list[i] = map[string]any{"part_number": i + 1, "etag": fmt.Sprintf("%q", strings.Repeat("0123456789abcdef", 2))}
		}
		got := c.refused(t, completing(c, b.AssetID, object("parts", list)), 409, "conflict", "parts")
		if !strings.Contains(string(got.body), "1-10000 are not there") {
			t.Errorf("10,000 missing parts are answered with %s", got.body)
		}
	})
}

func TestManyCompleteAtOnce(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := large(t, 6*mib)
		b := c.beginParts(t, int64(len(file)))
		list := b.Upload.putAll(t, file)
		answers := make([]answer, 6)
		var wg sync.WaitGroup
		for i := range answers {
			wg.Go(func() { answers[i] = c.do(t, completing(c, b.AssetID, []string{"", list}[i%2])) })
		}
		wg.Wait()
		for _, got := range answers {
			var a created
			if json.Unmarshal(got.body, &a) != nil || got.status != 503 && (got.status != 200 || a.Status != "ready") {
				t.Errorf("one of many was answered %d %s", got.status, got.body)
			}
		}
		if got := c.retrieve(t, c.keys.viewer, b.AssetID); got.Status != "ready" || c.objects() != 1 {
			t.Errorf("the asset is %+v, and the bucket has %d objects", got, c.objects())
		}
	})
}

func TestRetryOfPartsGrantsParts(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		page := append([]byte("<!doctype html><html>"), make([]byte, 6*mib)...)
		b := c.beginParts(t, int64(len(page)))
		b.Upload.putAll(t, page)
		var failed created
		c.decode(t, c.do(t, completing(c, b.AssetID, "")), 200, &failed)
		if failed.Status != "failed" || failed.FailureMessage == nil {
			t.Fatalf("a page that calls itself a picture is %+v", failed)
		}
		var again begun
		c.decode(t, c.action(t, b.created, "retry"), 200, &again)
		if again.Upload.Method != "MULTIPART" || again.Upload.UploadID == b.Upload.UploadID || again.UploadURL != "" || again.Status != "pending_upload" {
			t.Fatalf("retry answered %+v", again)
		}
		file := large(t, len(page))
		c.decode(t, c.do(t, completing(c, b.AssetID, again.Upload.putAll(t, file))), 200, &failed)
		if failed.Status != "ready" {
			t.Errorf("after the retry the asset is %+v", failed)
		}
	})
}

func TestUploadGrantsTheFormAgain(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.reserve(t, "image/png")
		var again created
		raw := c.do(t, request{method: "POST", path: "/assets/" + a.AssetID + "/upload", key: c.keys.editor})
		c.decode(t, raw, 200, &again)
		want := []string{"asset_id", "expires_at", "failure_message", "status", "upload", "upload_url", "url", "visibility", "workspace_id"}
		if diff := cmp.Diff(want, keysOf(t, raw.body)); diff != "" || again.Status != "pending_upload" || again.Upload.FormFields["key"] != a.Upload.FormFields["key"] {
			t.Fatalf("upload answered %s\n%s", raw.body, diff)
		}
		c.send(t, again, picture(t, 1, 1))
		c.decode(t, c.action(t, a, "complete"), 200, &again)
		if again.Status != "ready" {
			t.Errorf("by the second form the asset is %s", again.Status)
		}
		parts := c.beginParts(t, 6*mib)
		for name, asset := range map[string]string{"one that is ready": a.AssetID, "one that failed": c.failed(t).AssetID, "one by parts": parts.AssetID} {
			t.Run(name, func(t *testing.T) {
				c.refused(t, request{method: "POST", path: "/assets/" + asset + "/upload", key: c.keys.editor}, 409, "conflict")
			})
		}
	})
}
