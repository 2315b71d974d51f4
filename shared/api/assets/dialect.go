package assets

import (
	"net/http"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// Codes of error bodies. Those marked as ours are not among the codes of the published schema; each stands on a status that
// the schema does not know either, so no client of it can mistake them.
const (
	codeInvalidJSON      = "invalid_json"
	codeInvalid          = "input_validation_error"
	codeUnauthorized     = "unauthorized"
	codeInvalidKey       = "invalid_api_key"
	codeForbidden        = "forbidden"
	codeNotFound         = "not_found"
	codeMethodNotAllowed = "method_not_allowed" // ours
	codeConflict         = "conflict"
	codeDuplicate        = "idempotency_duplicate"
	codeKeyReused        = "idempotency_conflict"   // ours
	codeStale            = "precondition_failed"    // ours
	codeTooLarge         = "payload_too_large"      // ours
	codeUnsupportedType  = "unsupported_media_type" // ours
	codeRateLimited      = "rate_limited"
	codeUnavailable      = "service_unavailable"
	codeUnknown          = "unknown_error"
)

var codes = map[fault.Kind]string{
	fault.Malformed:        codeInvalidJSON,
	fault.Invalid:          codeInvalid,
	fault.NoCredentials:    codeUnauthorized,
	fault.BadCredentials:   codeInvalidKey,
	fault.Forbidden:        codeForbidden,
	fault.NotFound:         codeNotFound,
	fault.MethodNotAllowed: codeMethodNotAllowed,
	fault.Conflict:         codeConflict,
	fault.Duplicate:        codeDuplicate,
	fault.KeyReused:        codeKeyReused,
	fault.Stale:            codeStale,
	fault.TooLarge:         codeTooLarge,
	fault.UnsupportedType:  codeUnsupportedType,
	fault.Throttled:        codeRateLimited,
	fault.Unavailable:      codeUnavailable,
}

// unknownMessage is the whole text of an internal error, as the published schema words it.
const unknownMessage = "An unknown error occurred."

// Dialect renders faults as this API's clients expect them: {"error": {"code", "message", "fields"?}}.
type Dialect struct{}

type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Fields  []errorField `json:"fields,omitempty"`
}

type errorField struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Fault writes the error body and the headers that steer a client's retries.
func (Dialect) Fault(w http.ResponseWriter, _ *http.Request, status int, f *fault.Error) {
	code, ok := codes[f.Kind]
	if !ok {
		code = codeUnknown
	}
	d := errorDetail{Code: code, Message: f.Message}
	if f.Kind == fault.Internal {
		d.Message = unknownMessage
	}
	for _, field := range f.Fields {
		d.Fields = append(d.Fields, errorField{field.Name, field.Message})
	}
	steer(w.Header(), f.Kind)
	if err := web.JSON(w, status, errorBody{d}); err != nil {
		w.WriteHeader(status) // strings always marshal, so this is a broken writer
	}
}

// steer sets the headers by which clients decide whether and when to repeat. The published SDK repeats every 409 unless told
// not to; ours stay conflicts however often they are repeated.
func steer(h http.Header, k fault.Kind) {
	switch k {
	case fault.Conflict, fault.Duplicate:
		h.Set("X-Should-Retry", "false")
	case fault.NoCredentials:
		h.Set("WWW-Authenticate", "Bearer")
	case fault.BadCredentials:
		h.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
}
