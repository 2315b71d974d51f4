// Package page holds what all lists have in common: the bounds of a page and of a search, the merging of partitions, and sealed cursors.
//
// A cursor is opaque and authenticated: AES-256-GCM over a position, bound to a scope (which list, whose, with which filters), so
// that a cursor cannot be read, altered, or carried from one list to another. It carries no expiry: a position stays valid.
package page

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"sync"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/secret"
)

// MaxLen is the longest cursor that Open looks at, in characters; ours are under 2,000 (20 merged workspaces).
const MaxLen = 8192

// ErrCursor says that a cursor was not made by this installation for this list. It is a fault.Invalid about the field "cursor".
var ErrCursor error = fault.BadField("cursor", "is not one that this list gave; send next_cursor of the page before with the same query, or start again without a cursor")

// Sealer makes and reads cursors. Safe for concurrent use.
type Sealer struct {
	root func() secret.Root
	mu   sync.Mutex
	aead cipher.AEAD // nil until first needed
}

// NewSealer makes a Sealer whose key is derived from the root key.
func NewSealer(root secret.Root) *Sealer { return NewLazySealer(func() secret.Root { return root }) }

// NewLazySealer makes a Sealer that asks for the root key when it first needs it, so that what never meets a cursor never reads the
// key.
func NewLazySealer(root func() secret.Root) *Sealer { return &Sealer{root: root} }

func (s *Sealer) cipher() cipher.AEAD {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aead == nil {
		s.aead = newAEAD(s.root())
	}
	return s.aead
}

func newAEAD(root secret.Root) cipher.AEAD {
	key := root.Derive(secret.PurposeCursor, "", 0)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("aes: " + err.Error()) // the key is always 32 bytes
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("gcm: " + err.Error())
	}
	return aead
}

// Seal makes a cursor from a position. The scope must be the same for Open; it is not stored in the cursor.
func (s *Sealer) Seal(scope string, position []byte) string {
	aead := s.cipher()
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(position)+aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		panic("crypto/rand failed: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, position, []byte(scope)))
}

// Open gives the position back. The error is ErrCursor, whatever was wrong.
func (s *Sealer) Open(scope, cursor string) ([]byte, error) {
	if len(cursor) > MaxLen {
		return nil, ErrCursor
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	aead := s.cipher()
	n := aead.NonceSize()
	// The decoder skips line breaks; a cursor has one spelling.
	if err != nil || len(b) < n || base64.RawURLEncoding.EncodedLen(len(b)) != len(cursor) {
		return nil, ErrCursor
	}
	out, err := aead.Open(nil, b[:n], b[n:], []byte(scope))
	if err != nil {
		return nil, ErrCursor
	}
	return out, nil
}
