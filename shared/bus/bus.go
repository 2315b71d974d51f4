// Package bus is how the product tells others what happened: domain events, made from committed changes of the table.
//
// The table's stream is the outbox: an event exists if and only if its change was committed. Delivery is at least once and in no
// particular order; ID is the same for every delivery of an event, and Version (the row's) orders the events of one asset or order. Events
// carry ids, never bearer secrets or signed URLs.
package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Source is the source of every event, as rules on the bus match it.
const Source = "assetry"

// SchemaVersion is the version of Detail. A field may be added under the same version; nothing else may change.
const SchemaVersion = 1

// Type says what happened.
type Type string

// The types, used as the bus's detail-type.
const (
	AssetReady   Type = "asset.ready"   // bytes were verified; they never change again
	AssetFailed  Type = "asset.failed"  // an attempt ended without good bytes; a retry may follow
	AssetDeleted Type = "asset.deleted" // the asset is gone, its links are dead

	ImportRequested Type = "import.requested" // a worker is to begin an import by address, or to go on with it

	OrderUpdated   Type = "order.updated"   // an order came to another status
	OrderSubmitted Type = "order.submitted" // a worker is to begin the work on an order, or to go on with it
)

// Event is one thing that happened to an asset or an order.
type Event struct {
	Type   Type
	Time   time.Time
	Detail Detail
}

// Detail is the JSON body of an event. Fields without a value are left out. It is about an asset, or with Order about an order.
type Detail struct {
	SchemaVersion int    `json:"schema_version"`
	ID            string `json:"event_id"` // the same for every delivery
	Workspace     string `json:"workspace_id"`
	Asset         string `json:"asset_id,omitempty"` // bare UUID
	// Version is that of the row; greater is later. ImportRequested and OrderSubmitted count the requests for a worker instead.
	Version    int64       `json:"version"`
	Generation int         `json:"generation,omitempty"`
	State      asset.State `json:"status,omitempty"`
	Name       string      `json:"name,omitempty"`
	Type       string      `json:"content_type,omitempty"` // found in the bytes
	Size       int64       `json:"size_bytes,omitempty"`
	Width      int         `json:"width,omitempty"` // pixels
	Height     int         `json:"height,omitempty"`
	ETag       string      `json:"etag,omitempty"`
	Failure    string      `json:"failure_message,omitempty"`
	Cause      asset.Cause `json:"failure_cause,omitempty"` // expired, rejected or source
	Folder     string      `json:"folder_id,omitempty"`
	Project    string      `json:"project_id,omitempty"`

	Order *OrderDetail `json:"order,omitempty"`
}

// JSON is the body as it goes out.
func (d Detail) JSON() ([]byte, error) { return json.Marshal(d) }

// Publisher puts events on the bus.
type Publisher interface {
	// Publish sends events and gives the indexes of those that the bus did not take; they may be sent again. An error says why
	// a request failed; with an error and no indexes nothing is known of any event.
	Publish(ctx context.Context, events []Event) (failed []int, err error)
}

// FromChange says what a committed change means to others; ok is false for changes that mean nothing to them.
func FromChange(c table.Change) (e Event, ok bool, err error) {
	if a, isImport := schema.ParseImportKey(c.Key); isImport {
		e, ok = requested(a, c)
		return e, ok, nil
	}
	if o, isWork := schema.ParseWorkKey(c.Key); isWork {
		e, ok = submitted(o, c)
		return e, ok, nil
	}
	if w, o, isOrder := schema.ParseOrderKey(c.Key); isOrder {
		e, ok = updated(w, o, c)
		return e, ok, nil
	}
	if _, _, _, isAsset := schema.ParseAssetKey(c.Key); !isAsset {
		return Event{}, false, nil
	}
	old, now, err := images(c)
	if err != nil {
		return Event{}, false, err
	}
	switch {
	case c.New == nil:
		old.Version++ // a delete counts as a write: it is later than the last version
		return event(AssetDeleted, old, c.At), true, nil
	case now.State == asset.Ready && old.State != asset.Ready:
		return event(AssetReady, now, c.At), true, nil
	case now.State == asset.Failed && (old.State != asset.Failed || old.Generation != now.Generation):
		return event(AssetFailed, now, c.At), true, nil
	}
	return Event{}, false, nil
}

// Standing is the event that tells how an asset stands, as if it had come to stand so at a time; ok is false while it is pending. Its id is that of
// the row's version: the one that was told before, unless something else of the row was written since.
func Standing(a asset.Asset, at time.Time) (e Event, ok bool) {
	switch a.State {
	case asset.Ready:
		return event(AssetReady, a, at), true
	case asset.Failed:
		return event(AssetFailed, a, at), true
	}
	return Event{}, false
}

// Ended is the event that tells of an asset's end. ok is false where its version is not known, by which receivers would order it.
func Ended(a id.Asset, d asset.Deletion) (e Event, ok bool) {
	return event(AssetDeleted, asset.Asset{ID: a, Workspace: d.Workspace, Version: d.Version, Generation: d.Generation}, d.At), d.Version > 0
}

// requested is the event of an import's row that asks for a worker: a new row, or one whose count of requests has grown. The rest of what is
// written there is between the workers.
func requested(a id.Asset, c table.Change) (e Event, ok bool) {
	run := c.New.Int(schema.Version)
	if run <= c.Old.Int(schema.Version) {
		return Event{}, false
	}
	return Event{Type: ImportRequested, Time: c.At, Detail: Detail{
		SchemaVersion: SchemaVersion,
		ID:            fmt.Sprintf("%s:import:%d", a, run),
		Workspace:     c.New.Str(schema.Workspace), Asset: a.String(),
		Version: run, Generation: int(c.New.Int(schema.Generation)),
	}}, true
}

func images(c table.Change) (old, now asset.Asset, err error) {
	if c.Old != nil {
		if old, err = asset.FromRow(c.Old); err != nil {
			return old, now, err
		}
	}
	if c.New != nil {
		now, err = asset.FromRow(c.New)
	}
	return old, now, err
}

func event(t Type, a asset.Asset, at time.Time) Event {
	d := Detail{
		SchemaVersion: SchemaVersion,
		ID:            fmt.Sprintf("%s:%d", a.ID, a.Version),
		Workspace:     a.Workspace.String(), Asset: a.ID.String(),
		Version: a.Version, Generation: a.Generation,
		Name: a.Name,
	}
	if t != AssetDeleted {
		d.State, d.Type, d.Size, d.ETag = a.State, a.Type, a.Size, a.ETag
		d.Width, d.Height = a.Width, a.Height
		d.Failure, d.Cause = a.Failure, a.Cause
	}
	if a.Folder != (id.Folder{}) {
		d.Folder = a.Folder.String()
	}
	if a.Project != (id.Project{}) {
		d.Project = a.Project.String()
	}
	return Event{Type: t, Time: at, Detail: d}
}
