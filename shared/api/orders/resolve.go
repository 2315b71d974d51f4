package orders

import (
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/webhook"
)

// DomainServices is what the fields of the schema are resolved with.
type DomainServices interface {
	Accounts() *account.Service
	Assets() *asset.Service
	Orders() *order.Service
	Links() *link.Service
	Webhooks() *webhook.Service
	Idempotency() *idempotency.Service
	PublicURL() string // origin of links without a slash at the end; "" takes the request's own
}

// resolvers bind the fields of the schema to the domain. They read what was sent, call the domain once, and render; rules are below.
type resolvers struct {
	s   DomainServices
	now func() time.Time
}

var _ graph.ResolverRoot = resolvers{}

// bind makes the resolvers.
func bind(s DomainServices) resolvers { return resolvers{s, time.Now} }

// Query resolves the fields of Query.
func (r resolvers) Query() graph.QueryResolver { return queryFields{r} }

// Mutation resolves the fields of Mutation.
func (r resolvers) Mutation() graph.MutationResolver { return mutationFields{r} }

// Order resolves the fields of Order that cost a read of their own.
func (r resolvers) Order() graph.OrderResolver { return orderFields{r} }

type (
	queryFields    struct{ resolvers }
	mutationFields struct{ resolvers }
	orderFields    struct{ resolvers }
)

// An id that does not parse, one of another workspace and one that was never given are the same: there is no such thing.

func orderID(s string) (id.Order, error) {
	o, err := id.ParseOrder(s)
	if err != nil {
		return o, order.Missing()
	}
	return o, nil
}

func assetID(s string) (id.Asset, error) {
	a, err := id.ParseAsset(s)
	if err != nil {
		return a, asset.Missing()
	}
	return a, nil
}

func webhookID(s string) (id.Webhook, error) {
	h, err := id.ParseWebhook(s)
	if err != nil {
		return h, access.Missing("webhook")
	}
	return h, nil
}

// nullable is a text that may be absent: "" is null.
func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// count is a number that may be absent: 0 is null.
func count[N int | int64](n N) *int32 {
	if n == 0 {
		return nil
	}
	v := int32(n)
	return &v
}

// value is what a pointer leads to; the zero value where it leads nowhere.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// seconds are the whole ones from now until a time, at least 0; null for no time.
func (r resolvers) seconds(until time.Time) *int32 {
	if until.IsZero() {
		return nil
	}
	n := int32(max(until.Sub(r.now()), 0) / time.Second)
	return &n
}
