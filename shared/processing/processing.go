// Package processing does the work on submitted orders: it runs the steps of an order's product, keeps what they make as assets, and ends the
// order as completed or failed.
//
//	order PROCESSING --order.submitted--> claim --> step ... step --> COMPLETED
//	                        ^               |          |
//	                        |  no place     |          | time is up (checkpoint), failed for a moment, worker died
//	                        +---------------+----------+        refused, or tried too often --> ERROR
//
// Everything that is known of the work stands in one row, and is written by one worker at a time: a claim puts a random token and a lease into
// it, counts the try before anything is begun, and every later write is on the condition that the token is still there. So a worker that was
// frozen for an hour writes nothing when it wakes. What is in S3 and not under a condition is harmless: a checkpoint counts only
// when the row names its version, and the bytes of a deliverable have one key and are put there once.
//
// A deliverable is an asset whose id follows from order, attempt, step and name, so that a step that is done again makes nothing twice.
// While it is made, a row says so; when it is ready, one transaction turns that row into the deliverable's and counts it. The order is
// completed by a transaction that wants as many as the steps made. What an attempt leaves that ends otherwise is deleted: see Tidy.
//
// At most so many orders of one workspace are in work at once. A place is taken in the transaction of the claim, and belongs to the order until
// its work is over: it is not given up between two workers. Whoever leaves it gives it to the order that waits longest.
//
// A request for a worker is an event that the table's stream makes of the row, and may be lost, late, or come twice: any request is a good one
// while nobody is at it. Visit asks again where requests were lost or workers died.
package processing

import (
	"cmp"
	"context"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// Defaults of Options.
const (
	DefaultTries = 3
	DefaultSlots = 4
	DefaultTime  = 11 * time.Minute // of Lambda's 15: what is left is for a product that is slow to stop
	DefaultBytes = 256 << 30        // a scan of that size takes its time at any rate, and is better gone on with by a fresh process
	DefaultHops  = 200              // a day and a half of runs
	DefaultBeat  = 15 * time.Second // four beats a lease
)

const (
	lease   = 60 * time.Second // how long a worker that fell silent holds up the next
	ending  = 45 * time.Second // what is kept of an invocation for the last checkpoint and the last writes
	grace   = 5 * time.Minute  // for which a place is kept for the order's next worker
	askWait = 5 * time.Minute  // how long a request is waited for before it is asked for again
	yielded = 10 * time.Minute // how long an order waits for a place before it looks again by itself
	retries = 24 * time.Hour   // for how long after its submission an order is not blamed for a store that does not answer
	lastEye = time.Hour        // how long after the end of an attempt it is looked at for what a frozen worker left
)

// Bucket is what the work needs of the bucket.
type Bucket interface {
	blob.Reader
	blob.Writer
}

// Orders are the orders that are worked on; order.Service is.
type Orders interface {
	// Find reads an order on nobody's behalf. The error is fault.NotFound.
	Find(ctx context.Context, w id.Workspace, o id.Order) (order.Order, error)
	// InputsOf gives the inputs of an order as its submission holds them, on nobody's behalf. Those whose assets are gone are left out.
	InputsOf(ctx context.Context, o order.Order) ([]order.Input, error)
	// Complete ends an attempt well, by one transaction with further writes. If one of those loses, it is a *table.TransactError. A repeat
	// answers the order as it stands.
	Complete(ctx context.Context, w id.Workspace, o id.Order, attempt int, also ...table.Write) (order.Order, error)
	// Fail ends an attempt in ERROR, for a reason that people read, likewise.
	Fail(ctx context.Context, w id.Workspace, o id.Order, attempt int, reason string, also ...table.Write) (order.Order, error)
}

// Parts are what a Service is made of.
type Parts struct {
	Table    table.Table
	Bucket   Bucket
	Assets   *asset.Service
	Uploads  *upload.Service
	Orders   Orders
	Products []product.Product // what can be made; none where nothing is worked on
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now   func() time.Time // nil is time.Now
	Tries int              // how often a worker begins at one place of the work before the order is given up; 0 is DefaultTries
	Slots int              // orders of one workspace in work at once; 0 is DefaultSlots
	Time  time.Duration    // how long one worker goes on before it hands over; 0 is DefaultTime
	Bytes int64            // how many bytes of inputs one worker reads before it hands over; 0 is DefaultBytes
	Hops  int              // how often workers of one attempt hand over; 0 is DefaultHops
	Beat  time.Duration    // between two renewals of the lease; 0 is DefaultBeat
	Pause time.Duration    // before the first repeat of a read that failed, doubled for each; 0 is a quarter of a second
}

// Service works on orders. Safe for concurrent use.
type Service struct {
	Parts
	now   func() time.Time
	tries int
	slots int
	time  time.Duration
	bytes int64
	hops  int
	beat  time.Duration
	pause time.Duration
}

// New makes a Service.
func New(p Parts, o Options) *Service {
	s := &Service{
		Parts: p, now: o.Now, tries: cmp.Or(o.Tries, DefaultTries), slots: cmp.Or(o.Slots, DefaultSlots), time: cmp.Or(o.Time, DefaultTime),
		bytes: cmp.Or(o.Bytes, DefaultBytes), hops: cmp.Or(o.Hops, DefaultHops), beat: cmp.Or(o.Beat, DefaultBeat), pause: cmp.Or(o.Pause, 250*time.Millisecond),
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// product finds a product by its name.
func (s *Service) product(name string) (product.Product, bool) {
	for _, p := range s.Products {
		if p.Name() == name {
			return p, true
		}
	}
	return nil, false
}
