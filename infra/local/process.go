package main

import (
	"context"
	"time"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// ground is what a shape of the stack stands on.
type ground struct {
	table    table.Table
	feeds    map[string]changes // by the logical id of the table
	services *boot.Services     // of this process, on the same engines as the functions
}

// inProcess makes the shape in which this process is all functions: tables are files of SQLite.
func (s *stack) inProcess(o options, dir *state.Folder, t *template.Template, e engines) (ground, error) {
	db, err := s.open(dir.File("table.db"), sqlite.Options{Indexes: schema.Indexes(), FeedRetention: keepChanges})
	if err != nil {
		return ground{}, err
	}
	found, err := s.open(dir.File("search.db"), sqlite.Options{FeedRetention: time.Minute})
	if err != nil {
		return ground{}, err
	}
	e.table, e.search, e.remote, e.sender = db, found, remoteFiles(o.allowLocalSources), receivers(o.allowLocalSources)
	services := boot.New(e)
	fs, err := newInProcess(t, handlers(services))
	if err != nil {
		return ground{}, err
	}
	s.functions = fs.invoke
	return ground{
		table: db, services: services,
		feeds: map[string]changes{"Table": {feed: db, arn: "arn:aws:dynamodb:" + here.Region + ":" + here.Account + ":table/assetry/stream/local", grown: db.Notify}},
	}, nil
}

// publisher puts the domain's events on the bus of this stack.
type publisher struct{ bus *sources.Bus }

var _ bus.Publisher = publisher{}

// Publish puts each event on the bus. One that a queue did not keep has failed.
func (p publisher) Publish(ctx context.Context, events []bus.Event) (failed []int, err error) {
	for i, e := range events {
		detail, putErr := e.Detail.JSON()
		if putErr == nil {
			_, putErr = p.bus.Put(ctx, sources.Event{Source: bus.Source, Type: string(e.Type), Time: e.Time, Detail: detail})
		}
		if putErr != nil {
			failed, err = append(failed, i), putErr
		}
	}
	return failed, err
}
