package main

import (
	"os"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// engines are what stands in for AWS on this machine.
type engines struct {
	boot.Defaults
	table  table.Table
	search table.Table
	bucket blob.Bucket
	name   string // of the bucket
	bus    bus.Publisher
	root   secret.Root
	remote remote.Files
	sender webhook.Sender
}

func (e engines) Table() table.Table     { return e.table }
func (e engines) Search() table.Table    { return e.search }
func (e engines) Bucket() blob.Bucket    { return e.bucket }
func (e engines) Bus() bus.Publisher     { return e.bus }
func (e engines) Root() secret.Root      { return e.root }
func (e engines) Remote() remote.Files   { return e.remote }
func (e engines) Sender() webhook.Sender { return e.sender }
func (e engines) Introspection() bool    { return true }
func (e engines) BucketName() string     { return e.name }

// Metrics are written for whoever names a stack, as a deployed function has it in its environment.
func (e engines) Metrics() *metric.Log {
	return metric.New(os.Stdout, os.Getenv(boot.EnvStack), metric.Options{})
}

// remoteFiles reads files at addresses. Sources on this machine, also in plain text, are for those who try the stack out, and who said so.
func remoteFiles(allowLocal bool) remote.Files {
	return importer.New(importer.Options{Guard: reach(allowLocal)})
}

// receivers are the servers of users that webhooks lead to, on this machine likewise.
func receivers(allowLocal bool) webhook.Sender {
	return sender.New(sender.Options{Guard: reach(allowLocal)})
}

// reach is what outgoing connections reach.
func reach(allowLocal bool) (o guard.Options) {
	if allowLocal {
		o.Permission = guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}})
	}
	return o
}
