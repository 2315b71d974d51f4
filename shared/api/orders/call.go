package orders

import (
	"context"
	"encoding/json"

	"github.com/99designs/gqlgen/graphql"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
)

// call is what resolvers know of the request that they answer.
type call struct {
	principal access.Principal
	client    account.Client             // with just the scopes of its token
	origin    string                     // scheme and host under which the client reached us
	key       string                     // of the header Idempotency-Key; "": none was sent. Only a request with one mutation field has one.
	sum       [32]byte                   // of what was asked, to tell a repeat from another request under the same key
	variables map[string]json.RawMessage // of the request, as they were sent
	room      func() (int, error)        // how many part URLs its answer may have
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// callOf is the call that a resolver answers.
func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// given says whether the request has an argument of the field that is resolved, be it null: that takes a value away, where an argument that is
// absent leaves it.
func given(ctx context.Context, argument string) bool {
	f := graphql.GetFieldContext(ctx)
	_, ok := f.Field.ArgumentMap(graphql.GetOperationContext(ctx).Variables)[argument]
	return ok
}
