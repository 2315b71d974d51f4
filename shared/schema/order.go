package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Attributes of orders, their inputs, deliverables and work, beside Name, Version, Attempt, Failure, Holder and those of imports for the work.
const (
	OrderStatus = "order_status"    // String: DRAFT, INITIALIZED, ...; not "state", by which the stream's filters know assets
	ListedIn    = "listed_in"       // String: workspace and status; partition key of IndexByStatus
	OnOrder     = "order"           // String: id of an order, where an index needs it; sort key of IndexByStatus
	OrderClient = "client"          // String: id of the client that created it
	Product     = "product"         // String
	Area        = "area"            // Number: square feet, as estimated by the client
	PostAddress = "address"         // String: where what was scanned stands
	Units       = "units"           // String: METRIC, IMPERIAL
	Metadata    = "metadata"        // String: JSON of the client's own
	Inputs      = "inputs"          // Number: of an order
	Problems    = "problems"        // List of Maps: what is wrong with it, by path and message
	SubmittedAt = "submitted_at"    // Number: Unix milliseconds of the last submission
	ChangedAt   = "changed_at"      // Number: Unix milliseconds at which details or inputs last changed
	Format      = "format"          // String: of an input, and of an asset that must have it: e57 or xyz
	HeldGen     = "held_generation" // Number: generation of an input when its order was submitted
	HeldObject  = "held_object"     // String: object version of an input when its order was submitted; absent: it was still on its way
	Open        = "open"            // Bool: an input counts among the open uploads of its workspace
	OpenOrders  = "open_orders"     // Number: of a workspace
	OpenUploads = "open_uploads"    // Number: of a workspace
	Percent     = "percent"         // Number: how much of the work is done, 0 to 100
)

// OrderPartition is the partition of a workspace's orders.
func OrderPartition(w id.Workspace) string { return w.String() + "#o" }

// OrderKey is the row of an order.
func OrderKey(w id.Workspace, o id.Order) table.Key {
	return table.Key{PK: OrderPartition(w), SK: o.String()}
}

// OrdersIn is the partition of IndexByStatus that lists the orders of a workspace in one status.
func OrdersIn(w id.Workspace, status string) string { return w.String() + "#" + status }

// ParseOrderKey reads OrderKey back; ok is false for rows of any other kind, also for a key that OrderKey would spell differently.
func ParseOrderKey(k table.Key) (w id.Workspace, o id.Order, ok bool) {
	ws, found := strings.CutSuffix(k.PK, "#o")
	if !found {
		return w, o, false
	}
	w, err := id.ParseWorkspace(ws)
	if err != nil {
		return w, o, false
	}
	o, err = id.ParseOrder(k.SK)
	return w, o, err == nil && OrderKey(w, o) == k
}

// OrderParts is the partition of the inputs and deliverables of an order.
func OrderParts(o id.Order) string { return "order#" + o.String() }

// Prefixes of the sort keys in OrderParts.
const (
	InputPrefix       = "input#"
	DeliverablePrefix = "out#"
)

// InputKey is the row that makes an asset an input of an order.
func InputKey(o id.Order, a id.Asset) table.Key {
	return table.Key{PK: OrderParts(o), SK: InputPrefix + a.String()}
}

// DeliverablesOf begins the sort keys of the deliverables of one attempt, counted from 1, at an order.
func DeliverablesOf(attempt int) string { return DeliverablePrefix + strconv.Itoa(attempt) + "#" }

// DeliverableKey is the row that makes an asset a deliverable of an attempt at an order.
func DeliverableKey(o id.Order, attempt int, a id.Asset) table.Key {
	return table.Key{PK: OrderParts(o), SK: DeliverablesOf(attempt) + a.String()}
}

// OrderCountKey is the row that counts what is open among the orders of a workspace.
func OrderCountKey(w id.Workspace) table.Key { return table.Key{PK: w.String(), SK: "orders"} }

// OrderDueShards is over how many partitions the orders that are to be visited are spread.
const OrderDueShards = 16

// OrderDuePartition lists the orders of one shard to visit, by time.
func OrderDuePartition(shard int) string { return "order-due#" + strconv.FormatInt(int64(shard), 16) }

// OrderDueKey is the row that leads to an order at a time.
func OrderDueKey(at time.Time, w id.Workspace, o id.Order) table.Key {
	return table.Key{PK: OrderDuePartition(int(o.Spread() % OrderDueShards)), SK: OrderDueTime(at) + "#" + w.String() + "#" + o.String()}
}

// ParseOrderDue reads the order from the key of a row that leads to it.
func ParseOrderDue(k table.Key) (w id.Workspace, o id.Order, err error) {
	_, rest, _ := strings.Cut(k.SK, "#")
	ws, text, _ := strings.Cut(rest, "#")
	if w, err = id.ParseWorkspace(ws); err != nil {
		return w, o, fmt.Errorf("key %s: %w", k, err)
	}
	if o, err = id.ParseOrder(text); err != nil {
		return w, o, fmt.Errorf("key %s: %w", k, err)
	}
	return w, o, nil
}

// OrderDueTime begins the sort keys of the orders to visit at a time, to the millisecond.
func OrderDueTime(at time.Time) string { return at.UTC().Format(dueFormat) }
