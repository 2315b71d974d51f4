package recorder

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// subresources are parts of the query that make another operation of a request; those that are known are read beside them.
var subresources = []string{
	"acl", "accelerate", "analytics", "attributes", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle",
	"location", "logging", "metrics", "notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock",
	"replication", "requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "versioning", "website",
}

// object maps a request of S3, in the form with the bucket in the path. Its form is nil unless it is a form.
func (r *Recorder) object(req *http.Request, form map[string]string) ([]Call, error) {
	name, key, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	bucket, err := r.named("s3", name)
	if err != nil {
		return nil, err
	}
	q := req.URL.Query()
	for _, s := range subresources {
		if q.Has(s) {
			return nil, fmt.Errorf("?%s is not known; add it to infra/recorder", s)
		}
	}
	for _, h := range []string{"X-Amz-Tagging", "X-Amz-Acl", "X-Amz-Grant-Read", "X-Amz-Object-Lock-Mode"} {
		if req.Header.Get(h) != "" {
			return nil, fmt.Errorf("the header %s needs a right of its own; add it to infra/recorder", h)
		}
	}
	switch {
	case form != nil && key == "":
		return one("s3:PutObject", bucket, form["key"]), nil
	case key == "":
		return r.bucket(req, q, bucket)
	case req.Header.Get("X-Amz-Copy-Source") != "":
		return r.copied(req, bucket, key)
	}
	if action := objectAction(req.Method, q); action != "" {
		return one(action, bucket, key), nil
	}
	return nil, fmt.Errorf("the operation on an object is not known; add it to infra/recorder")
}

// objectAction is the action of a request on a key, "" for one that is not known.
func objectAction(method string, q url.Values) string {
	upload, version := q.Has("uploadId"), q.Get("versionId") != ""
	switch method {
	case http.MethodGet, http.MethodHead:
		switch {
		case upload && method == http.MethodGet:
			return "s3:ListMultipartUploadParts"
		case version:
			return "s3:GetObjectVersion"
		}
		return "s3:GetObject"
	case http.MethodPut:
		return "s3:PutObject"
	case http.MethodPost:
		if upload || q.Has("uploads") {
			return "s3:PutObject"
		}
	case http.MethodDelete:
		switch {
		case upload:
			return "s3:AbortMultipartUpload"
		case version:
			return "s3:DeleteObjectVersion"
		}
		return "s3:DeleteObject"
	}
	return ""
}

// copied are the rights of CopyObject and UploadPartCopy.
func (r *Recorder) copied(req *http.Request, bucket, key string) ([]Call, error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(req.Header.Get("X-Amz-Copy-Source"), "/"), "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	name, source, _ := strings.Cut(path, "/")
	from, err := r.named("s3", name)
	if err != nil {
		return nil, err
	}
	action := "s3:GetObject"
	if strings.HasPrefix(query, "versionId=") {
		action = "s3:GetObjectVersion"
	}
	return append(one("s3:PutObject", bucket, key), one(action, from, source)...), nil
}

// bucket maps a request on the bucket as a whole.
func (r *Recorder) bucket(req *http.Request, q url.Values, bucket string) ([]Call, error) {
	switch {
	case req.Method == http.MethodPost && q.Has("delete"):
		return deleted(req, bucket)
	case req.Method == http.MethodHead:
		return []Call{{Action: "s3:ListBucket", Resource: bucket}}, nil
	case req.Method != http.MethodGet:
		return nil, fmt.Errorf("the operation on the bucket is not known; add it to infra/recorder")
	case q.Has("uploads"):
		return []Call{{Action: "s3:ListBucketMultipartUploads", Resource: bucket}}, nil
	case q.Has("versions"):
		return []Call{{Action: "s3:ListBucketVersions", Resource: bucket, Prefix: prefixShape(q.Get("prefix"))}}, nil
	}
	return []Call{{Action: "s3:ListBucket", Resource: bucket, Prefix: prefixShape(q.Get("prefix"))}}, nil
}

// maxDelete bounds the body of DeleteObjects, in bytes: 1,000 keys of 1,024 bytes with their versions.
const maxDelete = 2 << 20

// deleted are the rights of DeleteObjects.
func deleted(req *http.Request, bucket string) (out []Call, err error) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxDelete))
	req.Body = joined{io.MultiReader(bytes.NewReader(body), req.Body), req.Body}
	if err != nil {
		return nil, err
	}
	var in struct {
		Object []struct{ Key, VersionId string }
	}
	if err := xml.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	for _, o := range in.Object {
		action := "s3:DeleteObject"
		if o.VersionId != "" {
			action = "s3:DeleteObjectVersion"
		}
		out = append(out, one(action, bucket, o.Key)...)
	}
	return out, nil
}

// one is an action on a key.
func one(action, bucket, key string) []Call {
	return []Call{{Action: action, Resource: bucket + "/" + shape(key)}}
}

// shape is a key with an asterisk in place of its ids: what lies between the first and the last segment.
func shape(key string) string {
	first, rest, ok := strings.Cut(key, "/")
	if i := strings.LastIndexByte(rest, '/'); ok && i >= 0 {
		return first + "/*" + rest[i:]
	}
	return key
}

// prefixShape is the pattern of the prefix of a list: its first segment, and whatever follows.
func prefixShape(prefix string) string {
	if first, _, ok := strings.Cut(prefix, "/"); ok {
		return first + "/*"
	}
	return prefix + "*"
}
