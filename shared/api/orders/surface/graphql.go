package surface

import (
	"encoding/json"
	"net/http"

	"github.com/assetry/assetry/shared/fault"
)

// Errors renders faults of requests that were never executed as a GraphQL answer without data.
type Errors struct{}

type answer struct {
	Errors []answerError `json:"errors"`
}

type answerError struct {
	Message    string     `json:"message"`
	Extensions extensions `json:"extensions"`
}

type extensions struct {
	Code string `json:"code"`
}

// codes of this API, by the kinds that have one; every other refusal is codeInput.
var codes = map[fault.Kind]string{
	fault.Internal:       "INTERNAL",
	fault.Unavailable:    "INTERNAL",
	fault.NoCredentials:  "UNAUTHENTICATED",
	fault.BadCredentials: "UNAUTHENTICATED",
	fault.Forbidden:      "FORBIDDEN",
	fault.NotFound:       "NOT_FOUND",
	fault.Conflict:       "CONFLICT",
	fault.Duplicate:      "CONFLICT",
	fault.KeyReused:      "CONFLICT",
	fault.Stale:          "CONFLICT",
	fault.Throttled:      "RATE_LIMITED",
}

const codeInput = "BAD_USER_INPUT"

// CodeOf is the code of a kind.
func CodeOf(k fault.Kind) string {
	if code, ok := codes[k]; ok {
		return code
	}
	return codeInput
}

// realmBearer is what a request without a token is told: RFC 6750, 3.
const realmBearer = `Bearer realm="assetry"`

// Fault writes {"errors": [{"message": ..., "extensions": {"code": ...}}]}, in the media type that the client asks for.
func (Errors) Fault(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", realmBearer)
	}
	body, err := json.Marshal(answer{[]answerError{{f.Message, extensions{CodeOf(f.Kind)}}}})
	if err != nil { // strings always marshal
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", MediaOf(r)+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // web keeps what is written
}
