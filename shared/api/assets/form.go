package assets

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/fault"
)

const (
	// maxParts is more than the eight parts a form may have; what follows is not read.
	maxParts = 16
	// maxField is the longest text field in bytes: four times what 255 characters take at most, and room for a folder's name.
	maxField = 4096
	// fileField is the part that holds the bytes.
	fileField = "file"
	// bodyField names the body as a whole in errors that no part is to blame for.
	bodyField = "body"
)

// textFields are the parts of a direct upload beside the file, in the order in which the published SDK sends them.
// The last two are ours.
var textFields = []string{"workspace_id", "folder", "project_id", "content_type", "file_name", "checksum_algorithm", "checksum_value"}

// form is a direct upload as it was sent.
type form struct {
	text     map[string]string // text fields by name
	file     []byte
	fileName string // as the file's part says; "" when it says none
	fileType string // Content-Type of the file's part; "" when it has none
}

// formReader reads the parts one by one, in any order, and notes everything that is wrong on its way.
type formReader struct {
	form   form
	seen   map[string]bool
	faults []fault.Field
	size   int64 // of the whole body in bytes as announced; below zero: unknown
	limit  int   // of the file, in bytes
}

// boundaryOf finds the boundary in a Content-Type of multipart/form-data.
func boundaryOf(contentType string) (string, error) {
	_, params, err := mime.ParseMediaType(contentType)
	b := params["boundary"]
	if err != nil || b == "" || len(b) > 70 { // RFC 2046, 5.1.1: 1 to 70 characters
		return "", fault.BadField("content-type", "%.100q names no boundary of 1 to 70 characters; "+
			"send multipart/form-data; boundary=... as every HTTP client makes it for a form", contentType)
	}
	return b, nil
}

// readForm reads a direct upload from a body of size bytes (below zero: unknown). The file, at most limit bytes, lands in one
// buffer that is allocated once from the size. The error is fault.Invalid with every part that is wrong, or fault.TooLarge.
func readForm(body io.Reader, boundary string, size int64, limit int) (form, error) {
	f := formReader{form: form{text: map[string]string{}}, seen: map[string]bool{}, size: size, limit: limit}
	parts := multipart.NewReader(body, boundary)
	for n := 0; ; n++ {
		p, err := parts.NextRawPart()
		if err == io.EOF { // exactly: the reader wraps io.EOF when the form breaks off
			break
		}
		if err != nil {
			return form{}, f.broken(err)
		}
		if n == maxParts {
			return form{}, fault.BadField(bodyField, "the form has more than %d parts; a direct upload takes %s", maxParts, takes())
		}
		if err := f.part(p); err != nil {
			return form{}, err
		}
	}
	f.missing()
	return f.form, fault.BadFields(f.faults)
}

// broken explains an error of the multipart reader.
func (f *formReader) broken(err error) error {
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return tooLarge(f.limit)
	}
	why := "it is not multipart/form-data under the boundary that Content-Type names"
	if errors.Is(err, io.ErrUnexpectedEOF) || len(f.seen) > 0 && errors.Is(err, io.EOF) {
		why = "it ends before the closing boundary"
	}
	e := fault.BadField(bodyField, "the form cannot be read: %s; send it as every HTTP client makes it", why)
	e.Cause = err
	return e
}

func takes() string {
	return fmt.Sprintf("one %s and the fields %s", fileField, strings.Join(textFields, ", "))
}

func (f *formReader) bad(name, format string, args ...any) {
	f.faults = append(f.faults, fault.Field{Name: name, Message: fmt.Sprintf(format, args...)})
}

// part reads one part. What is wrong with it is noted; an error ends the reading.
func (f *formReader) part(p *multipart.Part) error {
	name := p.FormName()
	_, params, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	_, isFile := params["filename"]
	switch {
	case name == "":
		f.bad(bodyField, "a part has no name; a direct upload takes %s", takes())
	case name != fileField && !slices.Contains(textFields, name):
		f.bad(name, "is not a field of a direct upload, which takes %s", takes())
	case f.seen[name]:
		f.bad(name, "was sent more than once; send it once")
	case name == fileField && !isFile:
		f.bad(name, "has no filename, so it is a text field; send the bytes as a file part with a filename")
	case name != fileField && isFile:
		f.bad(name, "was sent as a file; send it as text, without a filename")
	case name == fileField:
		f.seen[name] = true
		f.form.fileName, f.form.fileType = params["filename"], p.Header.Get("Content-Type")
		return f.readFile(p)
	default:
		f.seen[name] = true
		return f.readText(name, p)
	}
	return nil
}

func (f *formReader) readText(name string, p io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(p, maxField+1))
	switch {
	case err != nil:
		return f.broken(err)
	case len(b) > maxField:
		f.bad(name, "is longer than %d bytes", maxField)
	case !utf8.Valid(b):
		f.bad(name, "is not UTF-8 text")
	default:
		f.form.text[name] = string(b)
	}
	return nil
}

// readFile reads the file into one buffer. The announced size bounds the file; where it is unknown the limit does.
func (f *formReader) readFile(p io.Reader) error {
	room := f.limit + 1 // one byte more tells a file at the limit from one above it
	if f.size >= 0 && f.size < int64(room) {
		room = int(f.size) + 1
	}
	buf := make([]byte, room)
	for n := 0; ; {
		m, err := p.Read(buf[n:])
		n += m
		switch {
		case n > f.limit:
			return tooLarge(f.limit)
		case errors.Is(err, io.EOF):
			f.form.file = buf[:n:n]
			return nil
		case err != nil:
			return f.broken(err)
		case n == len(buf):
			return fault.BadField(bodyField, "the form is longer than the %d bytes that Content-Length announced", f.size)
		}
	}
}

// tooLarge says which way in takes more.
func tooLarge(limit int) error {
	return fault.New(fault.TooLarge, "A direct upload takes a file of at most %d bytes. For a larger one create the asset as JSON "+
		"with \"source\": \"signed-url\" and send the file to the upload it answers with.", limit)
}

func (f *formReader) missing() {
	for _, name := range []string{fileField, "workspace_id"} {
		if !f.seen[name] && !f.blamed(name) {
			f.bad(name, "Required")
		}
	}
}

func (f *formReader) blamed(name string) bool {
	return slices.ContainsFunc(f.faults, func(x fault.Field) bool { return x.Name == name })
}
