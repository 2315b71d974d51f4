package s3blob

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/blob"
)

// policy is the document a form carries: what S3 accepts with it.
type policy struct {
	Expiration string `json:"expiration"`
	Conditions []any  `json:"conditions"`
}

// SignForm signs a form for a browser or any multipart client. Every field is bound to its value, the length to the range; S3
// refuses a form with a field that is not here. S3 answers 204 to it.
func (b *Bucket) SignForm(ctx context.Context, s blob.FormSpec) (blob.Form, time.Time, error) {
	fields, err := formFields(s)
	if err != nil {
		return blob.Form{}, time.Time{}, err
	}
	o, err := b.origin()
	if err != nil {
		return blob.Form{}, time.Time{}, err
	}
	g, err := b.newGrant(ctx, s.Expires)
	if err != nil {
		return blob.Form{}, time.Time{}, err
	}
	fields = append(fields,
		header{"x-amz-algorithm", algorithm},
		header{"x-amz-credential", g.creds.AccessKeyID + "/" + g.scope},
		header{"x-amz-date", g.stamp})
	if g.creds.SessionToken != "" {
		fields = append(fields, header{"x-amz-security-token", g.creds.SessionToken})
	}
	doc, err := encodePolicy(b.bucket, s, fields, g.end)
	if err != nil {
		return blob.Form{}, time.Time{}, err
	}
	f := blob.Form{URL: o.base + o.path + "/", Fields: make(map[string]string, len(fields)+2)}
	for _, h := range fields {
		f.Fields[h.name] = h.value
	}
	f.Fields["policy"] = doc
	f.Fields["x-amz-signature"] = g.secret.sign([]byte(doc))
	return f, g.end, nil
}

func formFields(s blob.FormSpec) ([]header, error) {
	if s.Key == "" || strings.Contains(s.Key, "$") {
		return nil, fmt.Errorf("sign form: key %q; S3 replaces ${filename} in a form's key, so it must have no $", s.Key)
	}
	if s.MinSize < 0 || s.MinSize > s.MaxSize || s.MaxSize > largestBody {
		return nil, fmt.Errorf("sign form for %s: length %d to %d, want a range within 0 to %d", s.Key, s.MinSize, s.MaxSize, int64(largestBody))
	}
	if err := checkType(s.Type); err != nil {
		return nil, err
	}
	meta, err := metaHeaders(s.Meta)
	if err != nil {
		return nil, err
	}
	sum, err := checksumFields(s.Checksum)
	if err != nil {
		return nil, err
	}
	return append(append([]header{{"key", s.Key}, {"Content-Type", s.Type}}, meta...), sum...), nil
}

// encodePolicy writes the policy: the bucket, every field exactly, and the range of the length.
func encodePolicy(bucket string, s blob.FormSpec, fields []header, end time.Time) (string, error) {
	p := policy{Expiration: end.UTC().Format("2006-01-02T15:04:05.000Z")}
	p.Conditions = append(p.Conditions, map[string]string{"bucket": bucket})
	for _, h := range fields {
		p.Conditions = append(p.Conditions, []string{"eq", "$" + h.name, h.value})
	}
	p.Conditions = append(p.Conditions, []any{"content-length-range", s.MinSize, s.MaxSize})
	var doc bytes.Buffer
	e := json.NewEncoder(&doc)
	e.SetEscapeHTML(false)
	if err := e.Encode(p); err != nil {
		return "", fmt.Errorf("sign form for %s: %w", s.Key, err)
	}
	return base64.StdEncoding.EncodeToString(bytes.TrimSpace(doc.Bytes())), nil
}
