package account

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

// What the bearer secrets begin with, so that scanners of source code can recognise one. All of their characters are unreserved in URLs.
const (
	SecretPrefix       = "sk_live_" // of an API key
	ClientSecretPrefix = "cs_live_" // of a client
	TokenPrefix        = "at_live_" // of an access token
)

const (
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomLen  = 43 // base62 characters of 32 bytes
	checkLen   = 6  // base62 characters of a CRC-32
	secretSize = 32 // random bytes: nothing to guess, so a plain hash is enough to keep
)

// digest is what is kept of a secret: its SHA-256.
type digest = [sha256.Size]byte

// newSecret draws a secret: a prefix, 256 random bits, and a checksum that tells a mistyped one without a read.
func newSecret(prefix string) (secret string, sum digest) {
	var b [secretSize]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("crypto/rand failed: " + err.Error()) // documented never to happen
	}
	body := encode62(new(big.Int).SetBytes(b[:]), randomLen)
	secret = prefix + body + checksum(body)
	return secret, sha256.Sum256([]byte(secret))
}

// parseSecret gives the digest of a text that has the form of a secret with a prefix; ok is false for every other text.
func parseSecret(prefix, s string) (sum digest, ok bool) {
	rest, found := strings.CutPrefix(s, prefix)
	if !found || len(rest) != randomLen+checkLen || strings.Trim(rest, base62) != "" || checksum(rest[:randomLen]) != rest[randomLen:] {
		return digest{}, false
	}
	return sha256.Sum256([]byte(s)), true
}

// badKey is the one answer for a key of a wrong form, an unknown and a revoked one.
func badKey() *fault.Error {
	return fault.New(fault.BadCredentials, "The API key is not valid: it is mistyped, unknown or revoked. Send a key that begins with %s.", SecretPrefix)
}

func checksum(body string) string {
	return encode62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))), checkLen)
}

// encode62 spells n in exactly size digits.
func encode62(n *big.Int, size int) string {
	out := make([]byte, size)
	base, digit := big.NewInt(int64(len(base62))), new(big.Int)
	n = new(big.Int).Set(n)
	for i := size - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}
