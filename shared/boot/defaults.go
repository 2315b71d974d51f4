package boot

import (
	"context"

	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/upload"
)

// Defaults answer what Engines are asked besides stores, senders and the root key. Engines embed them, and say themselves what is otherwise with
// them.
type Defaults struct{}

// BucketName is none: the names in events are not compared.
func (Defaults) BucketName() string { return "" }

// PublicURL is none: links begin with the request's own origin.
func (Defaults) PublicURL() string { return "" }

// Introspection is off.
func (Defaults) Introspection() bool { return false }

// Upload leaves every limit at its default, as do Order, Rates and Work.
func (Defaults) Upload() upload.Options { return upload.Options{} }

// Order is explained at Upload.
func (Defaults) Order() order.Options { return order.Options{} }

// Rates is explained at Upload.
func (Defaults) Rates() ratelimit.Options { return ratelimit.Options{} }

// Work is explained at Upload.
func (Defaults) Work() processing.Options { return processing.Options{} }

// Metrics are not written.
func (Defaults) Metrics() *metric.Log { return nil }

// Warm does nothing: no connection has to be opened.
func (Defaults) Warm(context.Context) {}
