package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"

	"github.com/assetry/assetry/shared/boot"
)

// target says which store a command acts on.
type target struct {
	data    string // folder of a local stack
	stack   string // CloudFormation stack
	region  string
	profile string
	names   names
}

// names are what a stack in AWS made, each by the name that its service knows it by.
type names struct {
	Table, Search, Bucket, Bus, Failed           string
	Imports, ImportsDead, Webhooks, WebhooksDead string // addresses of queues
	Orders, OrdersDead                           string // likewise
	GrantMinutes, PartGrantMinutes               string // parameters; "": the defaults
}

// Defaults of the flags.
const (
	defaultData = ".assetry"
	envStack    = "ASSETRY_STACK"
)

func (t *target) declare(f *flag.FlagSet) {
	t.declareStore(f)
	t.declareNames(f)
}

func (t *target) declareStore(f *flag.FlagSet) {
	f.StringVar(&t.data, "data", t.data, "act on the local stack in this `folder`, which may run meanwhile; "+defaultData+" where no stack is named")
	f.StringVar(&t.stack, "stack", t.stack, "act on the CloudFormation stack of this `name`; also "+envStack)
	f.StringVar(&t.region, "region", t.region, "AWS `region`; else that of the environment or the profile")
	f.StringVar(&t.profile, "profile", t.profile, "AWS `profile` of the shared configuration")
}

func (t *target) declareNames(f *flag.FlagSet) {
	for _, n := range t.names.flags() {
		f.StringVar(n.value, n.flag, *n.value, n.what)
	}
}

// nameFlag is a flag for one of the names.
type nameFlag struct {
	value      *string
	flag, what string
}

func (n *names) flags() []nameFlag {
	return []nameFlag{
		{&n.Table, "table", "`name` of the table"},
		{&n.Search, "search-table", "`name` of the search index's table"},
		{&n.Bucket, "bucket", "`name` of the bucket of the bytes"},
		{&n.Bus, "bus", "`name` of the event bus"},
		{&n.Failed, "failed-bucket", "`name` of the bucket of failed events"},
		{&n.Imports, "imports-queue", "`URL` of the queue of imports"},
		{&n.ImportsDead, "imports-dead", "`URL` of the queue of its dead letters"},
		{&n.Orders, "orders-queue", "`URL` of the queue of requests for work on orders"},
		{&n.OrdersDead, "orders-dead", "`URL` of the queue of its dead letters"},
		{&n.Webhooks, "webhooks-queue", "`URL` of the queue of events for webhooks"},
		{&n.WebhooksDead, "webhooks-dead", "`URL` of the queue of its dead letters"},
	}
}

// fill takes from another what is not there.
func (n *names) fill(from names) {
	to, other := reflect.ValueOf(n).Elem(), reflect.ValueOf(from)
	for i := range to.NumField() {
		to.Field(i).SetString(cmp.Or(to.Field(i).String(), other.Field(i).String()))
	}
}

// need is what of a store a command uses beside the table.
type need uint8

const (
	needBucket need = 1 << iota
	needReplay      // what dead letters of a local stack are handled with, which is its bucket
)

// store is an open store.
type store struct {
	name     string // for people: "the local stack in …"
	services *boot.Services
	dead     []deadLetters
	closers  []func()
}

func (s *store) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *store) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// open opens what the flags say: a stack in AWS where one is named, or a table of its; else a local folder.
func (t *target) open(ctx context.Context, n need) (*store, error) {
	cloud := t.stack
	if t.data == "" && t.names == (names{}) {
		cloud = cmp.Or(cloud, os.Getenv(envStack))
	}
	switch {
	case t.data != "" && (cloud != "" || t.names != (names{})):
		return nil, usage("--data names a local stack, and the other flags one in AWS: give only one of them")
	case cloud != "" || t.names != (names{}):
		return openCloud(ctx, t, cloud, n)
	}
	if t.region != "" || t.profile != "" {
		return nil, usage("--region and --profile are for a stack in AWS: name it with --stack, or by its --table")
	}
	return openLocal(ctx, cmp.Or(t.data, defaultData), n)
}

// closeIf closes a store whose opening failed.
func closeIf(s *store, err error) (*store, error) {
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// missing says which names a command needs and nobody gave.
func (n names) missing(what need) error {
	var errs []error
	want := func(v, flag string) {
		if v == "" {
			errs = append(errs, fmt.Errorf("--%s", flag))
		}
	}
	want(n.Table, "table")
	if what&needBucket != 0 {
		want(n.Bucket, "bucket")
	}
	if len(errs) == 0 {
		return nil
	}
	return usage("give --stack, or also %s", oneLine(errors.Join(errs...).Error()))
}
