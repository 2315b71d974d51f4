package privilege_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// m is a body in JSON.
type m = map[string]any

// answer is what the API answered.
type answer struct {
	Status int
	JSON   m
}

// text is a field, at a path of names.
func (a answer) text(t *testing.T, path ...string) string {
	t.Helper()
	var v any = a.JSON
	for _, name := range path {
		object, _ := v.(m)
		v = object[name]
	}
	s, ok := v.(string)
	if !ok {
		t.Fatalf("the answer has no text %s: %d %v", strings.Join(path, "."), a.Status, a.JSON)
	}
	return s
}

// ask sends a request with the key; a body is JSON, or a form as it is. Further header lines are name, value.
func (w *world) ask(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	a, err := w.try(method, path, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// try is ask for goroutines of a story.
func (w *world) try(method, path string, body any, header ...string) (answer, error) {
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case sent:
		kind, r = b.kind, bytes.NewReader(b.body)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		r = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, w.api+"/api/v1"+path, r)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+w.key)
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	a := answer{Status: res.StatusCode}
	if err := json.NewDecoder(res.Body).Decode(&a.JSON); err != nil && err != io.EOF {
		return a, fmt.Errorf("%s %s answered %d and no JSON: %w", method, path, res.StatusCode, err)
	}
	return a, nil
}

// must sends a request that is to succeed.
func (w *world) must(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	a := w.ask(t, method, path, body, header...)
	if a.Status/100 != 2 {
		t.Fatalf("%s %s = %d %v, want success", method, path, a.Status, a.JSON)
	}
	return a
}

// once sends a request under a new idempotency key, which is claimed and concluded.
func (w *world) once(t *testing.T, path string, body any) answer {
	t.Helper()
	return w.must(t, "POST", path, body, "Idempotency-Key", uuid.NewString())
}

// refused sends a request under a new idempotency key that is to be refused, so that the key is forgotten.
func (w *world) refused(t *testing.T, path string, body any) {
	t.Helper()
	if a := w.ask(t, "POST", path, body, "Idempotency-Key", uuid.NewString()); a.Status/100 != 4 {
		t.Fatalf("POST %s = %d %v, want a refusal", path, a.Status, a.JSON)
	}
}

// create announces an asset that comes by form.
func (w *world) create(t *testing.T, more ...m) answer {
	t.Helper()
	body := m{"source": "signed-url", "workspace_id": w.workspace.String(), "file_name": "picture.png", "content_type": "image/png"}
	for _, fields := range more {
		for k, v := range fields {
			body[k] = v
		}
	}
	return w.must(t, "POST", "/assets", body)
}

// partSize is S3's smallest part that is not the last.
const partSize = 5 << 20

// createParts is the body that announces an asset by two parts.
func (w *world) createParts() m {
	return m{"source": "multipart", "workspace_id": w.workspace.String(), "file_name": "large.png", "content_type": "image/png",
		"size_bytes": partSize + 1000, "part_size": partSize}
}

// sent is a body that is not JSON.
type sent struct {
	kind string
	body []byte
}

// formOf encodes fields and a file.
func formOf(fields m, file []byte) sent {
	var b bytes.Buffer
	f := multipart.NewWriter(&b)
	for k, v := range fields {
		_ = f.WriteField(k, fmt.Sprint(v)) // into a buffer
	}
	part, err := f.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="picture.png"`}})
	if err == nil {
		_, _ = part.Write(file)
	}
	_ = f.Close()
	return sent{f.FormDataContentType(), b.Bytes()}
}

// send fills the form that an answer grants.
func (w *world) send(t *testing.T, a answer, file []byte) {
	t.Helper()
	upload, _ := a.JSON["upload"].(m)
	fields, _ := upload["form_fields"].(m)
	f := formOf(fields, file)
	res, err := http.Post(fmt.Sprint(upload["url"]), f.kind, bytes.NewReader(f.body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("the bucket answered %d %s", res.StatusCode, b)
	}
}

// sendParts sends the two parts that an answer signs, of a file.
func (w *world) sendParts(t *testing.T, a answer, file []byte) {
	t.Helper()
	upload, _ := a.JSON["upload"].(m)
	parts, ok := upload["parts"].([]any)
	if !ok {
		parts, _ = a.JSON["parts"].([]any)
	}
	if len(parts) == 0 {
		t.Fatalf("the answer signs no parts: %v", a.JSON)
	}
	for i, p := range parts {
		chunk := file[i*partSize:]
		chunk = chunk[:min(len(chunk), partSize)]
		req, err := http.NewRequest("PUT", fmt.Sprint(p.(m)["url"]), bytes.NewReader(chunk))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode/100 != 2 {
			t.Fatalf("part %d: the bucket answered %d", i+1, res.StatusCode)
		}
	}
}

// status is the state of an asset, as the API tells it.
func (w *world) status(t *testing.T, asset string) string {
	t.Helper()
	return w.must(t, "GET", "/assets/"+asset, nil).text(t, "status")
}

// picture is a PNG, with bytes behind its end where it is to be larger.
func picture(size int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))) // into a buffer
	return append(b.Bytes(), make([]byte, max(0, size-b.Len()))...)
}

// photo is a JPEG whose dimensions come so late that they are not among the bytes that are read first.
func photo() []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2)), nil) // into a buffer
	note := append([]byte{0xff, 0xef, 0xff, 0xff}, make([]byte, 0xffff-2)...)
	return slices.Concat(b.Bytes()[:2], note, note, b.Bytes()[2:])
}
