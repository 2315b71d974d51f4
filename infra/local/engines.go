package main

import (
	"context"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// engines are what stands in for AWS on this machine.
type engines struct {
	table  table.Table
	bucket blob.Bucket
	bus    bus.Publisher
	root   secret.Root
}

func (e engines) Table() table.Table     { return e.table }
func (e engines) Bucket() blob.Bucket    { return e.bucket }
func (e engines) Bus() bus.Publisher     { return e.bus }
func (e engines) Root() secret.Root      { return e.root }
func (e engines) PublicURL() string      { return "" }
func (e engines) Upload() upload.Options { return upload.Options{} }
func (e engines) Warm(context.Context)   {}
