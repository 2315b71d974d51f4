package surface

import (
	"net/http"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// Codes of OAuth 2.0: RFC 6749, 5.2 and 4.1.2.1.
const (
	InvalidRequest       = "invalid_request"
	InvalidClient        = "invalid_client"
	InvalidGrant         = "invalid_grant"
	InvalidScope         = "invalid_scope"
	UnsupportedGrantType = "unsupported_grant_type"
	serverError          = "server_error"
	unavailable          = "temporarily_unavailable"
)

// realm is what a client is asked to sign in to.
const realm = `Basic realm="assetry", charset="UTF-8"`

// OAuth renders faults as RFC 6749 (5.2) wants them: {"error": code, "error_description": text}. A client that cannot be told is 401
// with WWW-Authenticate: Basic; whatever else is wrong with a request is 400, also where other APIs of ours say 413 or 415. An address
// that is not there, another method, too many requests and what is not the client's fault keep their status.
type OAuth struct{}

type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// Fault writes the error body.
func (OAuth) Fault(w http.ResponseWriter, _ *http.Request, status int, f *fault.Error) {
	code := InvalidRequest
	switch f.Kind {
	case fault.NoCredentials, fault.BadCredentials:
		code = InvalidClient
		w.Header().Set("WWW-Authenticate", realm)
	case fault.Forbidden:
		code, status = InvalidGrant, http.StatusBadRequest
	case fault.NotFound, fault.MethodNotAllowed:
	case fault.Throttled, fault.Unavailable:
		code = unavailable
	case fault.Internal:
		code = serverError
	default:
		code, status = codeOfField(f), http.StatusBadRequest
	}
	NoStore(w.Header())
	if err := web.JSON(w, status, oauthError{code, printable(f.Message)}); err != nil {
		w.WriteHeader(status) // strings always marshal, so this is a broken writer
	}
}

// codeOfField tells the parameters that have a code of their own.
func codeOfField(f *fault.Error) string {
	if len(f.Fields) == 1 {
		switch f.Fields[0].Name {
		case "scope":
			return InvalidScope
		case "grant_type":
			return UnsupportedGrantType
		}
	}
	return InvalidRequest
}

// NoStore keeps an answer out of every cache: RFC 6749, 5.1, wants both headers.
func NoStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
}

// printable leaves of a text what RFC 6749 allows in a description: printable ASCII but quotation mark and backslash.
func printable(text string) string {
	b := []byte(text)
	for i, c := range b {
		switch {
		case c == '"':
			b[i] = '\''
		case c < ' ' || c > '~' || c == '\\':
			b[i] = '?'
		}
	}
	return string(b)
}
