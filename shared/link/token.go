// Package link turns an asset into a stable address, /l/{token}, and back into bytes.
//
// A token names workspace, asset, epoch and, if it ends, when; a MAC of 128 bits under the workspace's key makes it hard to guess. It is checked
// before anything is read. Raising the workspace's epoch makes all its tokens dead; nothing about them is stored.
package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/secret"
)

// Path begins the path of every link; the token follows.
const Path = "/l/"

// Claims are what a token says.
type Claims struct {
	Workspace id.Workspace
	Asset     id.Asset
	Epoch     int       // the workspace's link epoch when it was minted; 0 to 2^32-1
	Expires   time.Time // to the second, later fractions are cut; zero: never
}

// A token is base64url without padding of: format (1 byte), workspace (16), asset (16), epoch (4), for format 2 the Unix second of
// expiry (8), MAC (16).
const (
	formatLasting  = 1
	formatExpiring = 2

	macLen      = 16 // bytes of HMAC-SHA256 that are kept: 128 bits
	epochAt     = 1 + 16 + 16
	expiresAt   = epochAt + 4
	lastingLen  = expiresAt + macLen
	expiringLen = expiresAt + 8 + macLen
)

// MaxLen is the length of the longest token, in characters.
var MaxLen = base64.RawURLEncoding.EncodedLen(expiringLen)

// maxKeys bounds the derived keys that are kept. Deriving one costs a few microseconds.
const maxKeys = 64

// Minter makes and reads tokens. Safe for concurrent use.
type Minter struct {
	root secret.Root
	mu   sync.Mutex
	keys map[scope][secret.Size]byte
}

type scope struct {
	workspace id.Workspace
	epoch     uint32
}

// New makes a Minter on the root key.
func New(root secret.Root) *Minter {
	return &Minter{root: root, keys: map[scope][secret.Size]byte{}}
}

// Mint makes the token of claims. The same claims always give the same token.
func (m *Minter) Mint(c Claims) string {
	b := make([]byte, 0, expiringLen)
	b = append(b, formatLasting)
	b = append(b, c.Workspace[:]...)
	b = append(b, c.Asset[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(c.Epoch))
	if !c.Expires.IsZero() {
		b[0] = formatExpiring
		b = binary.BigEndian.AppendUint64(b, uint64(c.Expires.Unix()))
	}
	sc := scope{c.Workspace, uint32(c.Epoch)}
	key := m.key(sc)
	m.keep(sc, key)
	return base64.RawURLEncoding.EncodeToString(append(b, mac(key, b)...))
}

// Open gives the claims of a token that this installation minted and that has not expired. It reads nothing. The error is
// fault.NotFound, whatever was wrong.
func (m *Minter) Open(token string, now time.Time) (Claims, error) {
	if len(token) > MaxLen {
		return Claims{}, dead()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder skips line breaks; a token has one spelling.
	if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(token) || !wellFormed(b) {
		return Claims{}, dead()
	}
	body, sum := b[:len(b)-macLen], b[len(b)-macLen:]
	c := decode(body)
	sc := scope{c.Workspace, uint32(c.Epoch)}
	key := m.key(sc)
	if !hmac.Equal(sum, mac(key, body)) {
		return Claims{}, dead()
	}
	m.keep(sc, key)
	if !c.Expires.IsZero() && !now.Before(c.Expires) {
		return Claims{}, dead()
	}
	return c, nil
}

func wellFormed(b []byte) bool {
	return len(b) == lastingLen && b[0] == formatLasting || len(b) == expiringLen && b[0] == formatExpiring
}

// decode reads a well-formed body.
func decode(b []byte) Claims {
	c := Claims{
		Workspace: id.Workspace(b[1:17]),
		Asset:     id.Asset(b[17:33]),
		Epoch:     int(binary.BigEndian.Uint32(b[epochAt:])),
	}
	if b[0] == formatExpiring {
		c.Expires = time.Unix(int64(binary.BigEndian.Uint64(b[expiresAt:])), 0).UTC()
	}
	return c
}

func mac(key [secret.Size]byte, body []byte) []byte {
	h := hmac.New(sha256.New, key[:])
	h.Write(body)
	return h.Sum(nil)[:macLen]
}

func (m *Minter) key(sc scope) [secret.Size]byte {
	m.mu.Lock()
	key, ok := m.keys[sc]
	m.mu.Unlock()
	if ok {
		return key
	}
	return m.root.Derive(secret.PurposeLink, sc.workspace.String(), int(sc.epoch))
}

// keep remembers a key that has proved to be in use, so that made-up tokens cannot push out real ones.
func (m *Minter) keep(sc scope, key [secret.Size]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.keys[sc]; ok {
		return
	}
	for old := range m.keys {
		if len(m.keys) < maxKeys {
			break
		}
		delete(m.keys, old)
	}
	m.keys[sc] = key
}

// dead is the one answer for a link that is made up, altered, expired, rotated away, or whose asset is not there to be read.
func dead() *fault.Error {
	return fault.New(fault.NotFound, "There is no such link, or it is no longer valid; ask for the asset's url again.")
}
