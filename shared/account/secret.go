package account

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/assetry/assetry/shared/fault"
)

// SecretPrefix begins the secret of every API key, so that scanners of source code can recognise one.
const SecretPrefix = "sk_live_"

const (
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomLen  = 43 // base62 characters of 32 bytes
	checkLen   = 6  // base62 characters of a CRC-32
	secretSize = 32 // random bytes: nothing to guess, so a plain hash is enough to keep
)

// digest is what is kept of a secret: its SHA-256.
type digest = [sha256.Size]byte

// newSecret draws a secret: the prefix, 256 random bits, and a checksum that tells a mistyped key without a read.
func newSecret() string {
	var b [secretSize]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("crypto/rand failed: " + err.Error()) // documented never to happen
	}
	body := encode62(new(big.Int).SetBytes(b[:]), randomLen)
	return SecretPrefix + body + checksum(body)
}

// parseSecret gives the digest of a text that has the form of a secret. The error is fault.BadCredentials.
func parseSecret(s string) (digest, error) {
	rest, ok := strings.CutPrefix(s, SecretPrefix)
	if !ok || len(rest) != randomLen+checkLen || strings.Trim(rest, base62) != "" || checksum(rest[:randomLen]) != rest[randomLen:] {
		return digest{}, badKey()
	}
	return sha256.Sum256([]byte(s)), nil
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
