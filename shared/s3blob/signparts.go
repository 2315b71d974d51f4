package s3blob

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/blob"
)

// The requests of an upload's parts differ in number and length only, and both come late in what is signed. So the canonical request is
// laid out once and hashed up to the number once; what is left of each part is a few hundred bytes.

// SignPart signs the upload of one part of exactly size bytes, at most 5 GiB.
func (b *Bucket) SignPart(ctx context.Context, key, upload string, number int, size int64, expires time.Time) (string, error) {
	if size < 0 {
		return "", fmt.Errorf("sign part %d of %s: size %d, want 0 to %d", number, key, size, int64(largestBody))
	}
	urls, _, err := b.SignParts(ctx, key, upload, []blob.PartSpec{{Number: number, Size: size}}, expires)
	if err != nil {
		return "", err
	}
	return urls[0], nil
}

// SignParts signs the upload of many parts, each of exactly its size, at most 5 GiB, or all of any. The URLs are byte for byte those of the
// SDK's presigner, and share one string: keeping one of them keeps all.
func (b *Bucket) SignParts(ctx context.Context, key, upload string, ps []blob.PartSpec, expires time.Time) ([]string, time.Time, error) {
	if err := checkSpecs(key, ps); err != nil {
		return nil, time.Time{}, err
	}
	o, err := b.origin()
	if err != nil {
		return nil, time.Time{}, err
	}
	g, err := b.newGrant(ctx, expires)
	if err != nil {
		return nil, time.Time{}, err
	}
	l, err := layOut(o, g, key, upload, len(ps) == 0 || ps[0].Size != blob.AnySize)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer l.free()
	var all strings.Builder
	all.Grow(len(ps) * l.longest())
	ends := make([]int, len(ps))
	for i, p := range ps {
		if err := l.sign(&all, p); err != nil {
			return nil, time.Time{}, err
		}
		ends[i] = all.Len()
	}
	urls, start := make([]string, len(ps)), 0
	for i, end := range ends {
		urls[i] = all.String()[start:end]
		start = end
	}
	return urls, g.end, nil
}

// checkSpecs refuses parts that S3 would refuse, and lists of which some are bound to a length and some are not.
func checkSpecs(key string, ps []blob.PartSpec) error {
	for _, p := range ps {
		anySize := p.Size == blob.AnySize
		if p.Number < 1 || p.Number > mostParts || !anySize && (p.Size < 0 || p.Size > largestBody) {
			return fmt.Errorf("sign part of %s: number %d, want 1 to %d; size %d, want 0 to %d", key, p.Number, mostParts, p.Size, int64(largestBody))
		}
		if anySize != (ps[0].Size == blob.AnySize) {
			return fmt.Errorf("sign parts of %s: either all or none are of any size", key)
		}
	}
	return nil
}

const beforeSignature = "&X-Amz-Signature="

// partLayout is what the requests of an upload's parts have in common.
type partLayout struct {
	secret *signingKey
	mac    hash.Hash // keyed, of the secret's pool
	digest hash.Hash // SHA-256
	state  []byte    // of the digest, once it has read the canonical request up to the number
	url    []byte    // the URL up to the number
	query  []byte    // what follows the number in the query
	end    []byte    // what follows the length, or the query where no length is bound, in the canonical request
	sized  bool      // lengths are bound
	text   []byte    // what the signature is of, up to the digest
	buf    []byte
	sum    []byte
}

// layouts are used again, with their buffers.
var layouts = sync.Pool{New: func() any { return &partLayout{digest: sha256.New()} }}

// layOut writes everything but numbers and lengths. Sized binds the lengths.
func layOut(o origin, g grant, key, upload string, sized bool) (*partLayout, error) {
	signed := "host"
	if sized {
		signed = "content-length;host"
	}
	l := layouts.Get().(*partLayout)
	l.sized = sized
	l.secret, l.mac = g.secret, g.secret.hashes.Get().(hash.Hash)

	l.url = append(append(append(l.url[:0], o.base...), o.path...), '/')
	l.url = append(appendEscaped(l.url, key, '/'), '?')
	query := len(l.url)
	l.url = append(appendQuery(l.url, g, signed, nil), "&partNumber="...)
	l.query = appendEscaped(append(l.query[:0], "&uploadId="...), upload, 0)
	l.query = append(l.query, "&x-id=UploadPart"...)
	l.end = append(append(append(l.end[:0], "\nhost:"...), o.host...), "\n\n"...)
	l.end = append(append(l.end, signed...), "\nUNSIGNED-PAYLOAD"...)
	l.text = appendTextHead(l.text[:0], g)

	l.buf = append(append(l.buf[:0], "PUT\n"...), l.url[len(o.base):query-1]...)
	l.buf = append(append(l.buf, '\n'), l.url[query:]...)
	l.digest.Reset()
	l.digest.Write(l.buf)
	var err error
	l.state, err = l.digest.(encoding.BinaryAppender).AppendBinary(l.state[:0])
	return l, err
}

// free gives back what is used again.
func (l *partLayout) free() {
	l.secret.hashes.Put(l.mac)
	l.secret, l.mac = nil, nil
	layouts.Put(l)
}

// longest is the most bytes of one URL.
func (l *partLayout) longest() int {
	return len(l.url) + len(strconv.Itoa(mostParts)) + len(l.query) + len(beforeSignature) + hex.EncodedLen(sha256.Size)
}

// sign writes the URL of one part.
func (l *partLayout) sign(out *strings.Builder, p blob.PartSpec) error {
	if err := l.digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(l.state); err != nil {
		return err
	}
	l.buf = strconv.AppendInt(l.buf[:0], int64(p.Number), 10)
	out.Write(l.url)
	out.Write(l.buf)
	out.Write(l.query)
	l.buf = append(l.buf, l.query...)
	if l.sized {
		l.buf = append(l.buf, "\ncontent-length:"...)
		l.buf = strconv.AppendInt(l.buf, p.Size, 10)
	}
	l.buf = append(l.buf, l.end...)
	l.digest.Write(l.buf)
	l.sum = l.digest.Sum(l.sum[:0])
	l.buf = hex.AppendEncode(append(l.buf[:0], l.text...), l.sum)
	l.mac.Reset()
	l.mac.Write(l.buf)
	l.sum = l.mac.Sum(l.sum[:0])
	out.WriteString(beforeSignature)
	l.buf = hex.AppendEncode(l.buf[:0], l.sum)
	out.Write(l.buf)
	return nil
}
