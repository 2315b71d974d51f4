// Package importer reads files at addresses that clients name: the driver of remote.Files over HTTPS.
//
// Connections are made by package guard, so that an address leads nowhere it must not. Redirects are followed here, at most five, each checked
// like the first address. A request carries no credentials, no cookies and no Referer, and asks for the bytes as they are: an answer that is
// compressed is refused and never unpacked, because a few bytes of it may stand for any number.
//
// A range is asked with If-Range where the file has a strong ETag; in any case the answer's ETag, Last-Modified and size are compared with
// those of the file that was begun with. Content-Range has to fit the question to the byte. The body is passed on as it comes, with no buffer
// but the connection's of 4 KiB; it fails when nothing comes for a time, when it ends early, and when it passes the query's limit. How long a
// whole request may last is the context's affair.
package importer

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/redact"
	"github.com/assetry/assetry/shared/remote"
)

// userAgent names us to the owners of sources.
const userAgent = "Assetry-Import/1.0"

// defaultStall is how long a body may stand still: as long as common proxies wait.
const defaultStall = 30 * time.Second

// field is what clients call the address.
const field = "source"

// Options are what New can be told. The zero value is right in AWS.
type Options struct {
	Guard guard.Options
	Stall time.Duration // how long a body may give no byte; 0: 30 s
}

// Importer reads files at addresses. Safe for concurrent use.
type Importer struct {
	permission guard.Permission
	transport  http.RoundTripper
	stall      time.Duration
}

var _ remote.Files = (*Importer)(nil)

// New makes an Importer. It connects to nobody yet.
func New(o Options) *Importer {
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	return &Importer{permission: o.Guard.Permission, transport: guard.Transport(o.Guard), stall: o.Stall}
}

// Check says what is wrong with an address, without asking anybody: fault.Invalid about "source", or nil.
func (im *Importer) Check(address string) error { return im.permission.CheckURL(address, field) }

// Get asks for a file, or a range of it. The caller closes the body. Errors are *remote.Error, or the context's.
func (im *Importer) Get(ctx context.Context, q remote.Query) (*remote.Answer, error) {
	if q.From < 0 || q.Length < 0 || q.Length == 0 && q.From > 0 || q.From > math.MaxInt64-q.Length {
		return nil, fmt.Errorf("get %s: %d bytes from byte %d is no range", redact.URL(q.Address), q.Length, q.From)
	}
	a, err := im.get(ctx, q)
	if err == errNoRanges {
		q.Length = 0
		a, err = im.get(ctx, q)
	}
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return a, err
}

// get is one question with its redirects.
func (im *Importer) get(ctx context.Context, q remote.Query) (*remote.Answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	res, w, err := im.follow(ctx, q)
	if err != nil {
		cancel()
		return nil, err
	}
	a, err := judge(res, q, w)
	if err != nil {
		cancel() // ends the connection, so that nobody has to read the rest
		_ = res.Body.Close()
		return nil, err
	}
	a.Body = newBody(ctx, cancel, res.Body, bodyLimits{length: a.Length, limit: q.Limit, stall: im.stall}, w)
	return a, nil
}

// request asks one address for what the query wants.
func request(ctx context.Context, u *url.URL, q remote.Query) *http.Request {
	h := http.Header{
		"User-Agent":      {userAgent},
		"Accept":          {"*/*"},
		"Accept-Encoding": {"identity"},
	}
	if q.Length > 0 {
		h.Set("Range", "bytes="+strconv.FormatInt(q.From, 10)+"-"+strconv.FormatInt(q.From+q.Length-1, 10))
		if isStrong(q.Same.ETag) {
			h.Set("If-Range", q.Same.ETag)
		}
	}
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	return r.WithContext(ctx)
}

// isStrong says whether an ETag promises equal bytes, and is one that may be sent back: RFC 9110, section 8.8.3.
func isStrong(etag string) bool {
	if len(etag) < 2 || etag[0] != '"' || etag[len(etag)-1] != '"' {
		return false
	}
	return strings.IndexFunc(etag[1:len(etag)-1], func(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f || r > 0xff }) < 0
}
