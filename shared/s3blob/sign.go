package s3blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/fault"
)

// Signature Version 4 of requests, in the query form and, in form.go, the policy form. The SDK's presigner gives the same
// signatures, which a test holds, and needs ten times the time; ten thousand part URLs are signed in one answer.

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
		secret: b.signingKey(c.SecretAccessKey, date),
	}, nil
}

// signingKey is the key derived for one day.
type signingKey struct {
	secret, date string
	key          []byte
}

// signingKey derives the key of a day, or gives the last one again.
func (b *Bucket) signingKey(secret, date string) *signingKey {
	if k := b.keys.Load(); k != nil && k.secret == secret && k.date == date {
		return k
	}
	key := mac([]byte("AWS4"+secret), date)
	for _, s := range []string{b.region, "s3", "aws4_request"} {
		key = mac(key, s)
	}
	k := &signingKey{secret, date, key}
	b.keys.Store(k)
	return k
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

// presign gives the signed URL of a request.
func (b *Bucket) presign(g grant, r request) (string, error) {
	o, err := b.origin()
	if err != nil {
		return "", err
	}
	path := o.path + "/" + escapePath(r.key)
	signed, canonical := canonicalHeaders(o.host, r.headers)
	query := canonicalQuery(g, signed, r.query)

	var s strings.Builder
	s.Grow(len(path) + len(query) + len(canonical) + 256)
	for _, part := range []string{r.method, path, query, canonical, signed} {
		s.WriteString(part)
		s.WriteByte('\n')
	}
	s.WriteString("UNSIGNED-PAYLOAD")
	hash := sha256.Sum256([]byte(s.String()))
	signature := mac(g.secret.key, algorithm+"\n"+g.stamp+"\n"+g.scope+"\n"+hex.EncodeToString(hash[:]))
	return o.base + path + "?" + query + "&X-Amz-Signature=" + hex.EncodeToString(signature), nil
}

// canonicalHeaders gives the names of the signed headers and their canonical lines. Every header of a grant sorts around host.
func canonicalHeaders(host string, hs []header) (names, canonical string) {
	var n, c strings.Builder
	add := func(name, value string) {
		if n.Len() > 0 {
			n.WriteByte(';')
		}
		n.WriteString(name)
		c.WriteString(name)
		c.WriteByte(':')
		c.WriteString(value)
		c.WriteByte('\n')
	}
	placed := false
	for _, h := range hs {
		name := strings.ToLower(h.name)
		if !placed && name > "host" {
			add("host", host)
			placed = true
		}
		add(name, h.value)
	}
	if !placed {
		add("host", host)
	}
	return n.String(), c.String()
}

// canonicalQuery gives the query in the order that signing wants: upper case sorts before the lower-case names of S3.
func canonicalQuery(g grant, signed string, rest []header) string {
	var q strings.Builder
	q.Grow(512 + len(g.creds.SessionToken)*3/2)
	q.WriteString("X-Amz-Algorithm=" + algorithm)
	q.WriteString("&X-Amz-Credential=" + escape(g.creds.AccessKeyID+"/"+g.scope))
	q.WriteString("&X-Amz-Date=" + g.stamp)
	q.WriteString("&X-Amz-Expires=" + strconv.Itoa(g.life))
	if g.creds.SessionToken != "" {
		q.WriteString("&X-Amz-Security-Token=" + escape(g.creds.SessionToken))
	}
	q.WriteString("&X-Amz-SignedHeaders=" + escape(signed))
	for _, p := range rest {
		q.WriteByte('&')
		q.WriteString(p.name)
		q.WriteByte('=')
		q.WriteString(escape(p.value))
	}
	return q.String()
}

// escape is RFC 3986 escaping as SigV4 wants it: all but unreserved characters.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// escapePath escapes a key but for its slashes.
func escapePath(key string) string { return strings.ReplaceAll(escape(key), "%2F", "/") }
