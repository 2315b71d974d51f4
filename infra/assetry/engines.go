package main

import (
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// engines are those that a command needs; the others are nil. The tool makes no link, reads no address and sends nothing to receivers, so that it
// has neither root key nor ways out.
type engines struct {
	boot.Defaults // functions count, the tool does not
	table, search table.Table
	bucket        blob.Bucket
	bus           bus.Publisher
	upload        upload.Options
}

var _ boot.Engines = engines{}

func (e engines) Table() table.Table     { return e.table }
func (e engines) Search() table.Table    { return e.search }
func (e engines) Bucket() blob.Bucket    { return e.bucket }
func (e engines) Bus() bus.Publisher     { return e.bus }
func (e engines) Upload() upload.Options { return e.upload }
func (e engines) Root() secret.Root      { panic("the operator's tool has no root key") }
func (e engines) Remote() remote.Files   { return nil }
func (e engines) Sender() webhook.Sender { return nil }
