package main

import (
	"context"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// engines are those that a command needs; the others are nil. The tool makes no link, reads no address and sends nothing to receivers, so that it
// has neither root key nor ways out.
type engines struct {
	table, search table.Table
	bucket        blob.Bucket
	bus           bus.Publisher
	upload        upload.Options
}

var _ boot.Engines = engines{}

func (e engines) Table() table.Table       { return e.table }
func (e engines) Search() table.Table      { return e.search }
func (e engines) Bucket() blob.Bucket      { return e.bucket }
func (e engines) Bus() bus.Publisher       { return e.bus }
func (e engines) Upload() upload.Options   { return e.upload }
func (e engines) Order() order.Options     { return order.Options{} }
func (e engines) Rates() ratelimit.Options { return ratelimit.Options{} }
func (e engines) Introspection() bool      { return false }
func (e engines) Work() processing.Options { return processing.Options{} }
func (e engines) Root() secret.Root        { panic("the operator's tool has no root key") }
func (e engines) Remote() remote.Files     { return nil }
func (e engines) Sender() webhook.Sender   { return nil }
func (e engines) PublicURL() string        { return "" }
func (e engines) BucketName() string       { return "" }
func (e engines) Metrics() *metric.Log     { return nil } // functions count, the tool does not
func (e engines) Warm(context.Context)     {}
