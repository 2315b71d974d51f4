package recorder

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// signed is who signed a request, and how.
type signed struct {
	key, service string
	direct       bool              // in the headers: by the function that sends it
	form         map[string]string // the fields before the file, where it is a form
}

// maxFields bounds what is read of a form before its file, in bytes. S3 takes 20 KB.
const maxFields = 64 << 10

// signer finds who signed a request. The zero value is nobody.
func signer(req *http.Request) signed {
	const scheme = "AWS4-HMAC-SHA256 "
	if auth, ok := strings.CutPrefix(req.Header.Get("Authorization"), scheme); ok {
		for field := range strings.SplitSeq(auth, ",") {
			if credential, ok := strings.CutPrefix(strings.TrimSpace(field), "Credential="); ok {
				return scope(credential, signed{direct: true})
			}
		}
		return signed{}
	}
	if credential := req.URL.Query().Get("X-Amz-Credential"); credential != "" {
		return scope(credential, signed{})
	}
	kind, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || req.Method != http.MethodPost || kind != "multipart/form-data" {
		return signed{}
	}
	fields := formHead(req, params["boundary"])
	return scope(fields["x-amz-credential"], signed{form: fields})
}

// scope reads a credential: KEY/DATE/REGION/SERVICE/aws4_request. The key of S3's own clients has no slash.
func scope(credential string, s signed) signed {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return signed{}
	}
	s.key, s.service = parts[0], parts[3]
	return s
}

// formHead reads the fields of a form that come before its file, by their names in lower case, and leaves the request as it was. Of a form
// that is none, or is cut off, it gives what could be read: such a form does not succeed.
func formHead(req *http.Request, boundary string) map[string]string {
	fields := map[string]string{}
	var head bytes.Buffer
	rest := req.Body
	parts := multipart.NewReader(io.TeeReader(rest, &head), boundary)
	for head.Len() < maxFields {
		part, err := parts.NextRawPart()
		if err != nil || part.FileName() != "" || strings.EqualFold(part.FormName(), "file") {
			break
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFields))
		if err != nil {
			break
		}
		fields[strings.ToLower(part.FormName())] = string(value)
	}
	req.Body = joined{io.MultiReader(&head, rest), rest}
	return fields
}

// joined is a body of which a part was read before.
type joined struct {
	io.Reader
	io.Closer
}
