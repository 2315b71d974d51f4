// Package table is the contract of the product's metadata store, deliberately DynamoDB-shaped.
//
// A table holds items: named attributes under a partition key and a sort key, both non-empty strings. Two drivers keep this
// contract: table/dynamo (AWS) and table/sqlite (a file). The suite in tabletest holds both to every sentence here; a driver that
// differs from the other is a bug.
//
// Writes. Every write carries a condition; there is no unconditional put. A single write is atomic; Transact makes up to
// MaxTransact writes on different items all or none. A write whose condition does not hold changes nothing and returns a
// *ConditionError that carries the current item. Writing what is already there succeeds, costs a write, and does not appear in
// the change feed.
//
// Reads. Get and BatchGet are strongly consistent unless Eventual is asked for. Query reads one partition of the table
// (strongly consistent by default) or of a sparse index (always eventually consistent: a write may show there later, in order per item).
//
// Expiry. An item whose AttrExpires (Unix seconds) is at or before now is absent to gets, queries and conditions at once. Its
// later physical deletion is housekeeping and appears in the change feed as a removal with Expired set.
//
// Change feed. Every committed change of an item appears once or more, with the images before and after, in commit order per
// item, also after a restart; changes that changed nothing do not appear. Consumers must bear duplicates.
//
// Cost. Both drivers report read and write units by DynamoDB's rules to the Meter of the context: a write unit per KB begun, a
// strongly consistent read unit per 4 KB begun (half for Eventual), transactions double. A failed condition and a refused
// transaction cost too; a call refused as fault.Invalid before it was sent costs nothing. The rules are in cost.go.
package table

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Names of the attributes the contract itself knows. Every other name is spelled in package schema.
const (
	AttrPK      = "pk"      // partition key, a String of 1 to 2048 bytes
	AttrSK      = "sk"      // sort key, a String of 1 to 1024 bytes
	AttrExpires = "expires" // optional Number, Unix seconds: from then on the item is absent
)

// Limits shared by both drivers (DynamoDB's).
const (
	MaxTransact = 100  // writes in one transaction
	MaxBatchGet = 100  // keys in one BatchGet
	MaxQuery    = 1000 // items in one Query page; the drivers fill the page exactly, whatever the store's own pages hold
)

// Key names an item.
type Key struct{ PK, SK string }

// String shows the key in errors and logs.
func (k Key) String() string { return k.PK + " / " + k.SK }

// Consistency of a read. The zero value is Strong.
type Consistency bool

// The two consistencies. Eventual costs half and may miss the latest writes.
const (
	Strong   Consistency = false
	Eventual Consistency = true
)

// Table is one table. Safe for concurrent use. Errors besides the named ones are of kind fault.Throttled (nothing was written;
// repeat), fault.Unavailable (the answer was lost: it may have been written; read, or repeat under the same condition),
// fault.Invalid (item over MaxItemSize, bad key, bad number, too many writes; nothing was written), else internal.
type Table interface {
	// Get reads one item. The error is ErrNotFound when there is none (or it expired).
	Get(ctx context.Context, k Key, c Consistency) (Item, error)

	// BatchGet reads up to MaxBatchGet different items; absent ones are nil at their place. No keys: no items, no cost.
	BatchGet(ctx context.Context, ks []Key, c Consistency) ([]Item, error)

	// Write does one conditional write and gives the item as it is afterwards (nil after a delete or a check).
	// A condition that does not hold is a *ConditionError.
	Write(ctx context.Context, w Write) (Item, error)

	// Transact does 1 to MaxTransact writes on different items, all or none. If any condition does not hold, or the
	// transaction lost to a concurrent one, nothing is written and the error is a *TransactError.
	Transact(ctx context.Context, ws []Write) error

	// Query reads a range of one partition in sort-key order. See Query and Page.
	Query(ctx context.Context, q Query) (Page, error)
}

// Feed is the change feed of a table, for consumers in process and for tests; in AWS the same records reach functions through
// the table's stream.
type Feed interface {
	// Changes reads up to limit changes after a position ("" is the beginning of what is kept), oldest first per item,
	// and gives the position to go on from. No changes and the same position mean: nothing new yet.
	Changes(ctx context.Context, after string, limit int) (cs []Change, next string, err error)
}

// Change is one committed change of one item.
type Change struct {
	Key      Key
	Old, New Item      // nil Old: inserted; nil New: removed
	At       time.Time // when it was committed, approximately
	Seq      string    // orders the changes of one item: longer is later, of equal length the greater; unique within the table
	Expired  bool      // a removal by expiry, not by anybody's write
}

// Index is a sparse secondary index: items that have both of its attributes (non-empty Strings) are in it, whole.
type Index struct {
	Name   string // at least 3 characters
	PK, SK string // names of the attributes that are the index's keys
}

// Query is a range read of one partition.
type Query struct {
	Index      string // name of an index; "" is the table itself
	PK         string // the partition; required
	From, To   string // sort keys from From (inclusive) up to To (exclusive); "" is open
	Descending bool   // greatest sort key first
	After      *Pos   // start after this position; nil starts at the beginning of the range
	Limit      int    // 1 to MaxQuery
	Eventual   bool   // half the price; ignored for indexes, which are always eventual
}

// Pos is the position of an item in a query: its index sort key (only for index queries) and its key.
type Pos struct {
	IndexSK string `json:"i,omitempty"`
	Key     Key    `json:"k"`
}

// Page is one page of a query: exactly Limit items, or fewer at the end of the range. Next is the position to go on from; it is
// nil if and only if no further item was in the range when the page was read. (The drivers look one item ahead, and pay for it.)
type Page struct {
	Items []Item
	Next  *Pos
}

// ErrNotFound says that there is no such item. It carries no key: the caller knows what it asked for.
var ErrNotFound = errors.New("no such item")

// ConditionError says that a write lost: its condition did not hold.
type ConditionError struct {
	Key     Key
	Current Item // the item as it is; nil if it is absent
}

// Error names the key.
func (e *ConditionError) Error() string {
	if e.Current == nil {
		return fmt.Sprintf("condition failed on %s: no such item", e.Key)
	}
	return fmt.Sprintf("condition failed on %s", e.Key)
}

// Lost gives the current item if err is a lost condition; ok says whether it is.
func Lost(err error) (current Item, ok bool) {
	var e *ConditionError
	if errors.As(err, &e) {
		return e.Current, true
	}
	return nil, false
}

// Reason says why one write of a transaction did not hold.
type Reason uint8

// The reasons.
const (
	Held          Reason = iota // this write was not the problem
	ConditionLost               // its condition did not hold
	Contended                   // another transaction was writing the item; the whole may be repeated
)

// TransactError says why a transaction was refused, write by write, in the order they were given.
type TransactError struct {
	Reasons []Reason
	Current []Item // for ConditionLost: the item as it is (nil if absent); else nil
}

// Error counts the reasons.
func (e *TransactError) Error() string {
	lost, contended := 0, 0
	for _, r := range e.Reasons {
		switch r {
		case ConditionLost:
			lost++
		case Contended:
			contended++
		}
	}
	return fmt.Sprintf("transaction of %d writes refused: %d conditions lost, %d contended", len(e.Reasons), lost, contended)
}

// Refused gives the reasons if err is a refused transaction, else nil.
func Refused(err error) *TransactError {
	var e *TransactError
	if errors.As(err, &e) {
		return e
	}
	return nil
}
