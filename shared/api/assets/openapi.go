package assets

import (
	_ "embed" // openapi.json
	"net/http"

	"github.com/assetry/assetry/shared/api/web"
)

//go:embed openapi.json
var document []byte

// documentMaxAge lets clients keep the document for five minutes: it changes only with a deployment.
const documentMaxAge = "public, max-age=300"

// Document is the OpenAPI 3.1 document of this API. The caller must not change it.
func Document() []byte { return document }

// OpenAPI is GET /openapi.json: the document, for everybody.
func OpenAPI() http.Handler {
	return web.Route(http.MethodGet, patternOpenAPI, Dialect{}, func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", documentMaxAge)
		_, err := w.Write(document)
		return err
	})
}
