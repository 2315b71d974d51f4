// Package orders is the Orders API: one door in GraphQL, on /v1/graphql, after the contract of a vendor of floor plans.
//
// schema.graphql beside this file is the one source of its types; package graph is made from it. A request passes, in this order: the token
// (AuthenticateToken), the reading of its body, the counting of what it asks for (package query), its client's limit, GraphQL's own
// validation, and the scope of each field, before a resolver sees it.
//
// Choices that the published contract leaves open:
//   - part_urls is a list of the scalar PartURL, {"PartNumber": 1, "signedUrl": "..."}: the printed [String!] has no room for the number;
//   - lower and upper case of product, model_units and order_status are the same;
//   - a query may come by GET; a mutation by GET is 405;
//   - parameters of a body that GraphQL over HTTP does not know are passed over, as are extensions and variables that no operation defines;
//   - a persisted query without its text is answered PersistedQueryNotSupported, after which clients send the text.
package orders

import (
	"net/http"

	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/upload"
)

// Services is what the door and its resolvers need.
type Services interface {
	DomainServices
	Limits() *ratelimit.Limiter
	Uploads() *upload.Service
	Introspection() bool // may clients ask for the schema by a query
}

// Graphql is POST and GET /v1/graphql.
func Graphql(s Services) http.Handler { return newDoor(s, bind(s)) }
