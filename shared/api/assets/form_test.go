package assets

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/textproto"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/fault"
)

const testBoundary = "a-boundary"

// part is one part of a form as a test writes it.
type part struct{ disposition, contentType, body string }

func text(name, value string) part {
	return part{disposition: `form-data; name="` + name + `"`, body: value}
}

func file(name, contentType, body string) part {
	return part{`form-data; name="file"; filename="` + name + `"`, contentType, body}
}

func encode(t testing.TB, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary(testBoundary); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		if p.disposition != "" {
			h.Set("Content-Disposition", p.disposition)
		}
		if p.contentType != "" {
			h.Set("Content-Type", p.contentType)
		}
		out, err := w.CreatePart(h)
		if err == nil {
			_, err = io.WriteString(out, p.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadForm(t *testing.T) {
	workspace := text("workspace_id", "ws_1")
	whole := form{
		text: map[string]string{"workspace_id": "ws_1", "folder": "Mood", "file_name": "cat.png"},
		file: []byte("bytes"), fileName: "c.png", fileType: "image/png",
	}
	tests := []struct {
		name  string
		parts []part
		want  form
	}{
		{
			"fields before the file",
			[]part{workspace, text("folder", "Mood"), text("file_name", "cat.png"), file("c.png", "image/png", "bytes")}, whole,
		},
		{
			"fields after the file",
			[]part{file("c.png", "image/png", "bytes"), text("file_name", "cat.png"), text("folder", "Mood"), workspace}, whole,
		},
		{
			"an empty file is a file",
			[]part{workspace, file("c", "", "")},
			form{text: map[string]string{"workspace_id": "ws_1"}, file: []byte{}, fileName: "c"},
		},
		{
			"an empty filename is still a file",
			[]part{workspace, file("", "", "x")},
			form{text: map[string]string{"workspace_id": "ws_1"}, file: []byte("x")},
		},
		{
			"bytes that look like a boundary stay bytes",
			[]part{workspace, file("c", "", "a\r\n--a-boundar\r\n--\r\n")},
			form{text: map[string]string{"workspace_id": "ws_1"}, file: []byte("a\r\n--a-boundar\r\n--\r\n"), fileName: "c"},
		},
		{
			"a file of exactly the limit",
			[]part{workspace, file("c", "", "0123456789")},
			form{text: map[string]string{"workspace_id": "ws_1"}, file: []byte("0123456789"), fileName: "c"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := encode(t, tt.parts...)
			for _, size := range []int64{int64(len(body)), -1} {
				got, err := readForm(bytes.NewReader(body), testBoundary, size, 20)
				if err != nil {
					t.Fatalf("readForm with size %d: %v", size, err)
				}
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(form{})); diff != "" {
					t.Errorf("readForm with size %d (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

func TestReadFormRefuses(t *testing.T) {
	workspace, bytes5 := text("workspace_id", "ws_1"), file("c.png", "image/png", "bytes")
	sixteen := make([]part, maxParts)
	for i := range sixteen {
		sixteen[i] = text("more", "x")
	}
	tests := []struct {
		name   string
		parts  []part
		kind   fault.Kind
		fields []string
	}{
		{"nothing at all", nil, fault.Invalid, []string{"file", "workspace_id"}},
		{"no file", []part{workspace}, fault.Invalid, []string{"file"}},
		{"no workspace", []part{bytes5}, fault.Invalid, []string{"workspace_id"}},
		{"two files", []part{workspace, bytes5, bytes5}, fault.Invalid, []string{"file"}},
		{"a field twice", []part{workspace, workspace, bytes5}, fault.Invalid, []string{"workspace_id"}},
		{"a file without a filename", []part{workspace, text("file", "x")}, fault.Invalid, []string{"file"}},
		{"a field with a filename", []part{{`form-data; name="workspace_id"; filename="x"`, "", "ws_1"}, bytes5}, fault.Invalid, []string{"workspace_id"}},
		{"an unknown field", []part{workspace, text("source", "direct"), bytes5}, fault.Invalid, []string{"source"}},
		{"an unknown file", []part{workspace, bytes5, {`form-data; name="thumb"; filename="t"`, "", "x"}}, fault.Invalid, []string{"thumb"}},
		{"a part without a name", []part{workspace, bytes5, {`form-data`, "", "x"}}, fault.Invalid, []string{"body"}},
		{"a part without a disposition", []part{workspace, bytes5, {"", "", "x"}}, fault.Invalid, []string{"body"}},
		{"a field that is too long", []part{workspace, bytes5, text("folder", strings.Repeat("x", maxField+1))}, fault.Invalid, []string{"folder"}},
		{"a field that is not UTF-8", []part{workspace, bytes5, text("folder", "\xff")}, fault.Invalid, []string{"folder"}},
		{"too many parts", append(sixteen, workspace, bytes5), fault.Invalid, []string{"body"}},
		{"everything that is wrong is named", []part{text("a", ""), text("b", "")}, fault.Invalid, []string{"a", "b", "file", "workspace_id"}},
		{"a file above the limit", []part{file("c", "", strings.Repeat("x", 21)), workspace}, fault.TooLarge, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := encode(t, tt.parts...)
			_, err := readForm(bytes.NewReader(body), testBoundary, int64(len(body)), 20)
			checkFault(t, err, tt.kind, tt.fields)
		})
	}
}

func checkFault(t *testing.T, err error, kind fault.Kind, fields []string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind {
		t.Fatalf("error is %v, want one of kind %v", err, kind)
	}
	var got []string
	for _, x := range f.Fields {
		got = append(got, x.Name)
		if x.Message == "" {
			t.Errorf("field %s has no message", x.Name)
		}
	}
	if diff := cmp.Diff(fields, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestReadFormRefusesBrokenForms(t *testing.T) {
	good := encode(t, text("workspace_id", "ws_1"), file("c", "", "bytes"))
	tests := []struct {
		name string
		body []byte
		size int64
	}{
		{"cut off in the file", good[:bytes.Index(good, []byte("bytes"))+3], -1},
		{"cut off before the closing boundary", good[:len(good)-8], -1},
		{"another boundary", bytes.ReplaceAll(good, []byte(testBoundary), []byte("b-boundary")), -1},
		{"no form at all", []byte(`{"source": "signed-url"}`), -1},
		{"longer than announced", good, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readForm(bytes.NewReader(tt.body), testBoundary, tt.size, 20)
			checkFault(t, err, fault.Invalid, []string{"body"})
		})
	}
}

func TestBoundaryOf(t *testing.T) {
	for _, bad := range []string{
		"", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + strings.Repeat("x", 71),
		"multipart/form-data; boundary", "; boundary=x",
	} {
		if got, err := boundaryOf(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("boundaryOf(%q) = %q, %v, want fault.Invalid", bad, got, err)
		}
	}
	if got, err := boundaryOf(`multipart/form-data; charset=utf-8; boundary="a b"`); got != "a b" || err != nil {
		t.Errorf(`boundaryOf of a quoted boundary = %q, %v, want "a b"`, got, err)
	}
}

// TestReadFormKeepsOneCopy measures that reading the largest form allocates the file once and little beside it.
func TestReadFormKeepsOneCopy(t *testing.T) {
	const limit = 4 << 20
	body := encode(t, file("c", "", strings.Repeat("x", limit)), text("workspace_id", "ws_1"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := readForm(bytes.NewReader(body), testBoundary, int64(len(body)), limit)
	runtime.ReadMemStats(&after)
	if err != nil || len(f.file) != limit {
		t.Fatalf("readForm: %d bytes, %v", len(f.file), err)
	}
	const beside = 128 << 10
	if got := after.TotalAlloc - before.TotalAlloc; got > limit+beside {
		t.Errorf("reading a file of %d bytes allocated %d bytes, want at most %d more than the file", limit, got, beside)
	}
}

// FuzzReadForm holds that any bytes are read as a form within the limits, or refused as the client's fault.
func FuzzReadForm(f *testing.F) {
	good := encode(f, text("workspace_id", "ws_1"), file("c.png", "image/png", "bytes"), text("file_name", "кошка.png"))
	f.Add(good, testBoundary)
	f.Add(good[:len(good)/2], testBoundary)
	f.Add(good, "b-boundary")
	f.Add(encode(f, file("c", "", ""), file("c", "", "")), testBoundary)
	f.Add(encode(f, text("file", "x"), part{`form-data; name="file"; filename*=UTF-8''%e2%82%ac`, "", "x"}), testBoundary)
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=\"workspace_id\"\r\n\r\nws\r\n--x--"), "x")
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=file; filename=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--x--\r\n"), "x")
	f.Add([]byte("--x\n\n--x--"), "x")
	f.Add([]byte{}, "")
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		const limit = 64
		got, err := readForm(bytes.NewReader(body), boundary, int64(len(body)), limit)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Fatalf("error is %v, want the client's fault", err)
			}
			return
		}
		if len(got.file) > limit || !bytes.Contains(body, got.file) {
			t.Errorf("the file has %d bytes that are not a run of at most %d bytes of the body", len(got.file), limit)
		}
		if _, ok := got.text["workspace_id"]; !ok {
			t.Error("a form without a workspace passed")
		}
		unknown, err := readForm(bytes.NewReader(body), boundary, -1, limit)
		if diff := cmp.Diff(got, unknown, cmp.AllowUnexported(form{})); err != nil || diff != "" {
			t.Errorf("without a size the same form is %v (-with +without):\n%s", err, diff)
		}
	})
}
