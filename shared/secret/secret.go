// Package secret derives every signing secret of the product from one root key.
//
// The root key is 32 random bytes: in AWS a Secrets Manager secret that is read in init, on a laptop a file of mode 0600.
// It is never used itself; HKDF-SHA256 (RFC 5869) gives an independent key per purpose, workspace and epoch. Rotating a
// workspace's links means bumping its epoch; nothing needs to be stored.
package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Size is the length of the root key and of every derived key, in bytes.
const Size = 32

// Purposes that keys are derived for. A new use gets a new purpose, never an old one.
const (
	PurposeLink   = "link"   // MAC of /l/{token}
	PurposeCursor = "cursor" // sealing of list cursors
	// PurposeWebhook is for the signatures of what is sent to a webhook; the scope is its id.
	PurposeWebhook = "webhook"
)

// Root is the key all others come from; made by NewRoot or ParseRoot, the zero Root has no key and panics. Its methods are safe for
// concurrent use. It never prints itself, nor does anything that holds one: the bytes are behind a function, which fmt cannot look into.
type Root struct{ key func() []byte }

func newRoot(b []byte) Root { return Root{key: func() []byte { return b }} }

// NewRoot draws a new root key.
func NewRoot() Root {
	b := make([]byte, Size)
	if _, err := rand.Read(b); err != nil {
		panic("crypto/rand failed: " + err.Error()) // documented never to happen
	}
	return newRoot(b)
}

// ParseRoot reads the text form: 32 bytes in standard base64, with or without the padding at its end, surrounding white space ignored.
//
// So 43 random letters and digits are a key too, which is what Secrets Manager draws for template.yaml: the last of them gives only four of
// its six bits, and of the 64 characters of base64 two never occur; at least 254 bits are random. A key need not be uniform: HKDF extracts.
func ParseRoot(s string) (Root, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimSuffix(strings.TrimSpace(s), "="))
	if err != nil || len(b) != Size {
		return Root{}, fmt.Errorf("root key must be %d bytes in base64", Size)
	}
	return newRoot(b), nil
}

// Encode gives the text form for whoever stores the key.
func (r Root) Encode() string { return base64.StdEncoding.EncodeToString(r.key()) }

// String hides the key from logs.
func (r Root) String() string { return "secret.Root(hidden)" }

// GoString hides the key from %#v.
func (r Root) GoString() string { return r.String() }

// Derive gives the key for a purpose within a scope (a workspace id, or "" for the whole installation) and epoch.
func (r Root) Derive(purpose, scope string, epoch int) [Size]byte {
	info := purpose + "\x00" + scope + "\x00" + strconv.Itoa(epoch)
	b, err := hkdf.Key(sha256.New, r.key(), nil, info, Size)
	if err != nil {
		panic("hkdf: " + err.Error()) // only for lengths over 255 hashes
	}
	return [Size]byte(b)
}
