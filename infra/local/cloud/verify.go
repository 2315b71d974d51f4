package cloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// authorization is the header of a signed request: key, date, region, service, names of the signed headers, signature.
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$`)

// mostSkew is how far the clock of a signer may be off, as AWS has it.
const mostSkew = 5 * time.Minute

// verify refuses a request that no key of ours signed, or that was changed since.
func (s *server) verify(r *http.Request, body []byte) error {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return refuse("MissingAuthenticationTokenException", "the request is not signed")
	}
	secret, ok := s.Keys(m[1])
	if !ok {
		return refuse("UnrecognizedClientException", "the security token included in the request is invalid")
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > mostSkew || at.Format("20060102") != m[2] {
		return refuse("InvalidSignatureException", "the signature is of another time: "+brief(r.Header.Get("X-Amz-Date")))
	}
	if m[3] != s.Region {
		return refuse("InvalidSignatureException", "the credential is scoped to the region "+brief(m[3])+", want "+s.Region)
	}
	c := aws.Credentials{AccessKeyID: m[1], SecretAccessKey: secret, SessionToken: r.Header.Get("X-Amz-Security-Token")}
	again, err := s.sign(r, body, at, c, m[4], strings.Split(m[5], ";"))
	if err != nil {
		return err
	}
	signed := authorization.FindStringSubmatch(again)
	if signed == nil || signed[5] != m[5] || !hmac.Equal([]byte(signed[6]), []byte(m[6])) {
		return refuse("InvalidSignatureException", "the request signature we calculated does not match the signature you provided")
	}
	return nil
}

// sign signs the request once more, over the headers that its signer named, and gives the header that comes of it.
func (s *server) sign(r *http.Request, body []byte, at time.Time, c aws.Credentials, service string, headers []string) (string, error) {
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), http.NoBody)
	if err != nil {
		return "", refuse("IncompleteSignatureException", "the request cannot be signed: "+brief(r.URL.Path))
	}
	again.ContentLength = r.ContentLength
	for _, name := range headers {
		if name != "host" && name != "content-length" { // the signer adds both
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), c, again, hex.EncodeToString(hash[:]), service, s.Region, at); err != nil {
		return "", err
	}
	return again.Header.Get("Authorization"), nil
}
