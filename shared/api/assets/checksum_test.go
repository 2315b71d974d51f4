package assets_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"hash/crc32"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sha256Of and crc32cOf are checksums as S3 spells them.
func sha256Of(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func crc32cOf(b []byte) string {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	h.Write(b)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// sendForm posts a file to a signed form, and gives the bucket's status.
func sendForm(t *testing.T, a created, file []byte) int {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range a.Upload.FormFields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	out, err := w.CreateFormFile("file", "any")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(a.Upload.URL, w.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestChecksumOfAForm(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := picture(t, 5, 5)
		for _, want := range []sum{{"SHA256", sha256Of(file)}, {"CRC32C", crc32cOf(file)}} {
			var a created
			body := object("source", "signed-url", "workspace_id", c.home.ID.String(), "content_type", "image/png", "checksum", want)
			c.decode(t, c.do(t, request{method: "POST", path: "/assets", key: c.keys.editor, body: body}), 201, &a)
			if got := c.retrieve(t, c.keys.viewer, a.AssetID).Checksum; got == nil || *got != want {
				t.Errorf("before the bytes are here the checksum is %v", got)
			}
			other := append(bytes.Clone(file), 0)
			if status := sendForm(t, a, other); status < 400 {
				t.Errorf("%s: other bytes were answered %d by the bucket", want.Algorithm, status)
			}
			c.refused(t, completing(c, a.AssetID, ""), 409, "conflict")
			c.send(t, a, file)
			c.decode(t, c.action(t, a, "complete"), 200, &a)
			if got := c.retrieve(t, c.keys.viewer, a.AssetID); got.Status != "ready" || got.Checksum == nil || *got.Checksum != want {
				t.Errorf("%s: the asset is %+v", want.Algorithm, got)
			}
		}
	})
}

func TestChecksumOfADirectUpload(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := picture(t, 5, 5)
		send := func(fields ...string) request {
			body, kind := form(t, "a.png", file, append([]string{"workspace_id", c.home.ID.String()}, fields...), nil)
			return request{method: "POST", path: "/assets", key: c.keys.editor, body: body, kind: kind}
		}
		for _, want := range []sum{{"SHA256", sha256Of(file)}, {"CRC32C", crc32cOf(file)}} {
			var a created
			c.decode(t, c.do(t, send("checksum_value", want.Value, "checksum_algorithm", want.Algorithm)), 201, &a)
			if got := c.retrieve(t, c.keys.viewer, a.AssetID); got.Status != "ready" || got.Checksum == nil || *got.Checksum != want {
				t.Errorf("%s: the asset is %+v", want.Algorithm, got)
			}
		}
		for _, tt := range []struct {
			name   string
			fields []string
			blamed []string
		}{
			{"another file's", []string{"checksum_algorithm", "SHA256", "checksum_value", sha256Of(nil)}, []string{"checksum_value"}},
			{"a value without an algorithm", []string{"checksum_value", sha256Of(file)}, []string{"checksum_algorithm"}},
			{"an algorithm without a value", []string{"checksum_algorithm", "SHA256"}, []string{"checksum_value"}},
			{"empty ones", []string{"checksum_algorithm", "", "checksum_value", ""}, []string{"checksum_algorithm", "checksum_value"}},
			{"an algorithm that is none", []string{"checksum_algorithm", "MD5", "checksum_value", "x"}, []string{"checksum_algorithm"}},
			{"a value of another algorithm", []string{"checksum_algorithm", "SHA256", "checksum_value", crc32cOf(file)}, []string{"checksum_value"}},
		} {
			t.Run(tt.name, func(t *testing.T) { c.refused(t, send(tt.fields...), 400, "input_validation_error", tt.blamed...) })
		}
	})
}

func TestChecksumOfParts(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		file := large(t, 6*mib)
		want := &sum{"CRC32C", crc32cOf(file)}
		for name, more := range map[string][]any{
			"a value is compared":           {"checksum", want},
			"with its algorithm, once more": {"checksum", want, "checksum_algorithm", "CRC32C"},
			"an algorithm alone is kept":    {"checksum_algorithm", "CRC32C"},
			"another's fails":               {"checksum", sum{"CRC32C", crc32cOf(nil)}},
		} {
			t.Run(name, func(t *testing.T) {
				b := c.beginParts(t, int64(len(file)), more...)
				pending := c.retrieve(t, c.keys.viewer, b.AssetID)
				if p := pending.Progress; p == nil || p.ReceivedBytes != nil || p.ExpectedBytes == nil || *p.ExpectedBytes != int64(len(file)) {
					t.Errorf("the progress of a pending upload is %+v", p)
				}
				c.decode(t, c.do(t, completing(c, b.AssetID, b.Upload.putAll(t, file))), 200, nil)
				got := c.retrieve(t, c.keys.viewer, b.AssetID)
				if name == "another's fails" {
					if got.Status != "failed" || got.FailureMessage == nil || got.SizeBytes != nil {
						t.Errorf("the asset is %+v", got)
					}
					return
				}
				if diff := cmp.Diff(want, got.Checksum); diff != "" || got.Status != "ready" || got.ETag == nil || got.Progress != nil {
					t.Errorf("the asset is %+v\n%s", got, diff)
				}
			})
		}
	})
}
