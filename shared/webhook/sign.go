package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/secret"
)

// SecretPrefix begins the text form of a secret, as Standard Webhooks has it; 32 bytes in base64 follow.
const SecretPrefix = "whsec_"

// Headers of what is sent.
const (
	HeaderID        = "webhook-id"        // the event's id: the same in every attempt, so that a receiver can drop repeats
	HeaderTimestamp = "webhook-timestamp" // Unix seconds of the attempt
	HeaderSignature = "webhook-signature" // "v1," and base64; one for each secret that signs, separated by spaces
)

// Sign is the signature of a body under a key: HMAC-SHA256 over id, timestamp and body.
func Sign(key []byte, event string, at time.Time, body string) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(event + "." + strconv.FormatInt(at.Unix(), 10) + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// signingKey is the secret of a webhook under an epoch. It is derived when needed, and never stored.
func (s *Service) signingKey(h id.Webhook, epoch int) [secret.Size]byte {
	return s.Root().Derive(secret.PurposeWebhook, h.String(), epoch)
}

// secretText is the text form of a webhook's present secret.
func (s *Service) secretText(h Webhook) string {
	k := s.signingKey(h.ID, h.Epoch)
	return SecretPrefix + base64.StdEncoding.EncodeToString(k[:])
}

// epochs are those whose secrets sign at a time: the present one, then the former ones that still overlap.
func (h Webhook) epochs(now time.Time) []int {
	es := []int{h.Epoch}
	for i := len(h.Rotated) - 1; i >= 0; i-- {
		if !now.Before(h.Rotated[i].Add(OverlapTime)) {
			break // those before were replaced earlier
		}
		es = append(es, h.Epoch-len(es))
	}
	return es
}

// headers are what goes with a body at a time.
func (s *Service) headers(h Webhook, d Delivery, now time.Time) map[string]string {
	var signatures []string
	for _, e := range h.epochs(now) {
		k := s.signingKey(h.ID, e)
		signatures = append(signatures, Sign(k[:], d.Event, now, d.Body))
	}
	return map[string]string{
		"content-type":  "application/json",
		HeaderID:        d.Event,
		HeaderTimestamp: strconv.FormatInt(now.Unix(), 10),
		HeaderSignature: strings.Join(signatures, " "),
	}
}
