package s3blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/fault"
)

// Signature Version 4 of requests, in the query form and, in form.go, the policy form; parts have a faster way of their own, in
// signparts.go. The SDK's presigner gives the same signatures, which a test holds, and takes ten times as long.

const (
	algorithm = "AWS4-HMAC-SHA256"
	stampForm = "20060102T150405Z"
)

// longestGrant is S3's limit for the life of a signed request.
const longestGrant = 7 * 24 * time.Hour

// origin is where the bucket is: "https://bucket.s3.eu-west-1.amazonaws.com" and "", or "http://127.0.0.1:9000" and "/bucket".
type origin struct{ base, host, path string }

// resolveOnce asks the client's endpoint rules where the bucket is, when first needed.
func resolveOnce(o s3.Options, bucket string) func() (origin, error) {
	return sync.OnceValues(func() (origin, error) {
		e, err := o.EndpointResolverV2.ResolveEndpoint(context.Background(), s3.EndpointParameters{
			Bucket: &bucket, Region: &o.Region, Endpoint: o.BaseEndpoint, ForcePathStyle: &o.UsePathStyle,
			UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
			UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
			Accelerate:   &o.UseAccelerate,
		})
		if err != nil {
			return origin{}, fmt.Errorf("address of bucket %s in region %q: %w", bucket, o.Region, err)
		}
		u := e.URI
		return origin{u.Scheme + "://" + u.Host, u.Host, strings.TrimSuffix(u.EscapedPath(), "/")}, nil
	})
}

// grant is who signs, and for how long.
type grant struct {
	creds  aws.Credentials
	stamp  string    // the signing time, in stampForm
	end    time.Time // when the grant ends: whole seconds after the signing time
	life   int       // seconds
	scope  string    // date/region/s3/aws4_request
	secret *signingKey
}

// newGrant fetches credentials and cuts the asked end to theirs.
func (b *Bucket) newGrant(ctx context.Context, expires time.Time) (grant, error) {
	if b.creds == nil {
		return grant{}, errors.New("sign: the S3 client has no credentials")
	}
	c, err := b.creds.Retrieve(ctx)
	if err != nil {
		return grant{}, fault.Wrap(err, fault.Unavailable, "The credentials that sign requests could not be fetched: repeat.")
	}
	now := b.now().UTC().Truncate(time.Second)
	if c.CanExpire && c.Expires.Before(expires) {
		expires = c.Expires
	}
	life := min(expires.Sub(now), longestGrant).Truncate(time.Second)
	if life < time.Second {
		return grant{}, fault.New(fault.Unavailable, "A signed request cannot end at %s, it is %s: repeat.",
			expires.UTC().Format(time.RFC3339), now.Format(time.RFC3339))
	}
	date := now.Format("20060102")
	return grant{
		creds: c, stamp: now.Format(stampForm), end: now.Add(life), life: int(life / time.Second),
		scope:  date + "/" + b.region + "/s3/aws4_request",
		secret: b.signingKey(c, date),
	}, nil
}

// signingKey is what one set of credentials needs for one day: the derived key, and the credentials as a query spells them. Its hashes are
// used again, which spares every signature the preparation of the key.
type signingKey struct {
	creds  aws.Credentials
	date   string
	query  string // X-Amz-Credential, escaped
	token  string // X-Amz-Security-Token with its ampersand, escaped; "" without one
	hashes sync.Pool
}

// signingKey derives the key of a day, or gives the last one again.
func (b *Bucket) signingKey(c aws.Credentials, date string) *signingKey {
	if k := b.keys.Load(); k != nil && k.date == date && k.creds.AccessKeyID == c.AccessKeyID &&
		k.creds.SecretAccessKey == c.SecretAccessKey && k.creds.SessionToken == c.SessionToken {
		return k
	}
	key := mac([]byte("AWS4"+c.SecretAccessKey), date)
	for _, s := range []string{b.region, "s3", "aws4_request"} {
		key = mac(key, s)
	}
	credential := appendEscaped(nil, c.AccessKeyID+"/"+date+"/"+b.region+"/s3/aws4_request", 0)
	k := &signingKey{
		creds: c, date: date, query: "X-Amz-Credential=" + string(credential),
		hashes: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }},
	}
	if c.SessionToken != "" {
		k.token = string(appendEscaped([]byte("&X-Amz-Security-Token="), c.SessionToken, 0))
	}
	b.keys.Store(k)
	return k
}

// sign gives the signature of a text in hexadecimal.
func (k *signingKey) sign(text []byte) string {
	h := k.hashes.Get().(hash.Hash)
	defer k.hashes.Put(h)
	h.Reset()
	h.Write(text)
	var sum [sha256.Size]byte
	return hex.EncodeToString(h.Sum(sum[:0]))
}

func mac(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}

// request is a request to presign. Query and headers are in order of their names; host is added.
type request struct {
	method, key string
	query       []header
	headers     []header
}

// presign gives the signed URL of a request. What is signed is laid out in one buffer, of which path and query are the URL's.
func (b *Bucket) presign(g grant, r request) (string, error) {
	o, err := b.origin()
	if err != nil {
		return "", err
	}
	scratch := buffers.Get().(*[]byte)
	buf := append((*scratch)[:0], r.method...)
	buf = append(buf, '\n')
	path := len(buf)
	buf = append(buf, o.path...)
	buf = append(buf, '/')
	buf = appendEscaped(buf, r.key, '/')
	buf = append(buf, '\n')
	query := len(buf)
	signed := signedNames(r.headers)
	buf = appendQuery(buf, g, signed, r.query)
	end := len(buf)
	buf = append(buf, '\n')
	buf = appendHeaders(buf, o.host, r.headers)
	buf = append(buf, '\n')
	buf = append(buf, signed...)
	buf = append(buf, "\nUNSIGNED-PAYLOAD"...)

	var u strings.Builder
	u.Grow(len(o.base) + end + 100)
	u.WriteString(o.base)
	u.Write(buf[path : query-1])
	u.WriteByte('?')
	u.Write(buf[query:end])
	u.WriteString(beforeSignature)
	u.WriteString(signature(g, buf))
	*scratch = buf
	buffers.Put(scratch)
	return u.String(), nil
}

// buffers are what canonical requests are laid out in; a function signs many of about the same length.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// signature signs a canonical request.
func signature(g grant, canonical []byte) string {
	digest := sha256.Sum256(canonical)
	return g.secret.sign(hex.AppendEncode(appendTextHead(make([]byte, 0, 160), g), digest[:]))
}

// appendTextHead begins the text that is signed; the digest of the canonical request ends it.
func appendTextHead(text []byte, g grant) []byte {
	text = append(text, algorithm+"\n"...)
	text = append(text, g.stamp...)
	text = append(text, '\n')
	text = append(text, g.scope...)
	return append(text, '\n')
}

// The headers of a grant are in order of their names, and host is not among them: it is put where it belongs.

func signedNames(hs []header) string {
	names := make([]string, 0, 16)
	for _, h := range hs {
		names = append(names, strings.ToLower(h.name))
	}
	at, _ := slices.BinarySearch(names, "host")
	return strings.Join(slices.Insert(names, at, "host"), ";")
}

func appendHeaders(buf []byte, host string, hs []header) []byte {
	placed := false
	for _, h := range hs {
		name := strings.ToLower(h.name)
		if !placed && name > "host" {
			buf = appendHeader(buf, "host", host)
			placed = true
		}
		buf = appendHeader(buf, name, h.value)
	}
	if !placed {
		buf = appendHeader(buf, "host", host)
	}
	return buf
}

func appendHeader(buf []byte, name, value string) []byte {
	buf = append(buf, name...)
	buf = append(buf, ':')
	buf = append(buf, value...)
	return append(buf, '\n')
}

// appendQuery gives the query in the order that signing wants: upper case sorts before the lower-case names of S3.
func appendQuery(buf []byte, g grant, signed string, rest []header) []byte {
	buf = append(buf, "X-Amz-Algorithm="+algorithm+"&"...)
	buf = append(buf, g.secret.query...)
	buf = append(buf, "&X-Amz-Date="...)
	buf = append(buf, g.stamp...)
	buf = append(buf, "&X-Amz-Expires="...)
	buf = strconv.AppendInt(buf, int64(g.life), 10)
	buf = append(buf, g.secret.token...)
	buf = append(buf, "&X-Amz-SignedHeaders="...)
	buf = appendEscaped(buf, signed, 0)
	for _, p := range rest {
		buf = append(buf, '&')
		buf = append(buf, p.name...)
		buf = append(buf, '=')
		buf = appendEscaped(buf, p.value, 0)
	}
	return buf
}

// appendEscaped escapes all but the unreserved characters of RFC 3986, as signatures want it, and keeps one more (0: none).
func appendEscaped(buf []byte, s string, keep byte) []byte {
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '-' || c == '.' || c == '_' || c == '~' || c == keep && keep != 0 {
			buf = append(buf, c)
		} else {
			buf = append(buf, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return buf
}
