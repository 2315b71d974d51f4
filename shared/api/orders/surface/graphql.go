package surface

import (
	"net/http"

	"github.com/assetry/assetry/shared/api/web"
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

// Fault writes {"errors": [{"message": ..., "extensions": {"code": ...}}]}.
func (Errors) Fault(w http.ResponseWriter, _ *http.Request, status int, f *fault.Error) {
	body := answer{[]answerError{{f.Message, extensions{CodeOf(f.Kind)}}}}
	if err := web.JSON(w, status, body); err != nil {
		w.WriteHeader(status) // strings always marshal, so this is a broken writer
	}
}
