package links

import (
	"net/http"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// dialect is web.Plain with the headers that every answer to a link has.
type dialect struct{}

// Fault writes {"message": "..."}.
func (dialect) Fault(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	protect(w.Header())
	web.Plain{}.Fault(w, r, status, f)
}

// protect keeps the token and the signed address out of caches, referrers and search engines, and the body out of sniffing.
func protect(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex")
}
