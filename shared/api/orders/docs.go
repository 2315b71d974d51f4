package orders

import (
	_ "embed" // schema.graphql
	"net/http"
	"sync"

	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/api/web"
)

//go:embed schema.graphql
var schemaText string

// SchemaText is the schema of this API, in the language of GraphQL.
func SchemaText() string { return schemaText }

// docsMaxAge lets clients keep the documents for five minutes: they change only with a deployment.
const docsMaxAge = "public, max-age=300"

// docsPolicy lets the page of the documents load nothing, and nobody frame it.
const docsPolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

// Docs serves the schema as text, GET /v1/graphql/schema, and as a page made of it, GET /v1/graphql/docs, for everybody.
func Docs() http.Handler {
	page := sync.OnceValue(func() string { return docsPage(graph.NewExecutableSchema(graph.Config{}).Schema()) })
	return web.Route(http.MethodGet, surface.GraphQL+"/{document}", surface.Errors{}, func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		body := schemaText
		switch r.URL.Path {
		case surface.Schema:
			h.Set("Content-Type", "text/plain; charset=utf-8")
		case surface.Docs:
			h.Set("Content-Type", "text/html; charset=utf-8")
			h.Set("Content-Security-Policy", docsPolicy)
			body = page()
		default:
			return web.NotFound()
		}
		web.Compress(r.Context())
		h.Set("Cache-Control", docsMaxAge)
		_, err := w.Write([]byte(body))
		return err
	})
}
