package bus

import (
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// OrderDetail is what an event says of an order. Fields without a value are left out, and OrderSubmitted has Order and Attempt alone.
type OrderDetail struct {
	Order    string `json:"order_id"`             // bare UUID
	Client   string `json:"client_id,omitempty"`  // who created it
	Status   string `json:"status,omitempty"`     // DRAFT, INITIALIZED, UPLOADING, PROCESSING, COMPLETED, ERROR, CANCELLED
	Name     string `json:"order_name,omitempty"` // what people call it
	Product  string `json:"product,omitempty"`
	Failure  string `json:"failure_reason,omitempty"`
	Metadata string `json:"metadata,omitempty"` // JSON of the client's own, as text
	Attempt  int    `json:"attempt,omitempty"`  // counts the submissions, from 1
}

// updated is the event of an order's row whose status is another than before. A new row is none: whoever created it has the answer.
func updated(w id.Workspace, o id.Order, c table.Change) (Event, bool) {
	if c.Old == nil || c.New == nil || c.Old.Str(schema.OrderStatus) == c.New.Str(schema.OrderStatus) {
		return Event{}, false
	}
	return orderEvent(w, o, c.New, c.At), true
}

// StandingOrder is the event that tells how the order of a row stands, as if it had come to stand so at a time; ok is false for rows of any
// other kind. Its id is that of the row's version: the one that was told before, unless something else of the row was written since.
func StandingOrder(row table.Item, at time.Time) (e Event, ok bool) {
	w, o, ok := schema.ParseOrderKey(row.Key())
	if !ok {
		return Event{}, false
	}
	return orderEvent(w, o, row, at), true
}

func orderEvent(w id.Workspace, o id.Order, row table.Item, at time.Time) Event {
	version := row.Int(schema.Version)
	return Event{Type: OrderUpdated, Time: at, Detail: Detail{
		SchemaVersion: SchemaVersion,
		ID:            fmt.Sprintf("%s:%d", o, version),
		Workspace:     w.String(), Version: version,
		Order: &OrderDetail{
			Order: o.String(), Client: row.Str(schema.OrderClient), Status: row.Str(schema.OrderStatus), Name: row.Str(schema.Name),
			Product: row.Str(schema.Product), Failure: row.Str(schema.Failure), Metadata: row.Str(schema.Metadata),
			Attempt: int(row.Int(schema.Attempt)),
		},
	}}
}

// submitted is the event of an order's work that asks for a worker: a new row, one of a later attempt, or one whose count of requests has
// grown. The rest of what is written there is between the workers.
func submitted(o id.Order, c table.Change) (Event, bool) {
	attempt, run := c.New.Int(schema.Attempt), c.New.Int(schema.Version)
	if before := c.Old.Int(schema.Attempt); attempt < before || attempt == before && run <= c.Old.Int(schema.Version) {
		return Event{}, false
	}
	return Event{Type: OrderSubmitted, Time: c.At, Detail: Detail{
		SchemaVersion: SchemaVersion,
		ID:            fmt.Sprintf("%s:work:%d:%d", o, attempt, run),
		Workspace:     c.New.Str(schema.Workspace), Version: run,
		Order: &OrderDetail{Order: o.String(), Attempt: int(attempt)},
	}}, true
}
