// Package order bundles inputs, submits them, and keeps what is made of them.
//
//	DRAFT --first input--> INITIALIZED --submitted--> UPLOADING --last input ready--> PROCESSING --> COMPLETED | ERROR
//	INITIALIZED --last input abandoned--> DRAFT          UPLOADING --an input failed--> INITIALIZED, with problems
//	ERROR --input or detail changed--> INITIALIZED       DRAFT, INITIALIZED, UPLOADING --cancelled, expired--> CANCELLED
//
// An order and its inputs change in one transaction that names the order's version. A submission holds its inputs: while an order is
// UPLOADING or PROCESSING, none of them is deleted, retried or replaced through any API.
package order

import (
	"time"

	"github.com/assetry/assetry/shared/id"
)

// Status is where an order stands.
type Status string

// The statuses, as the published schema spells them; Cancelled is ours.
const (
	Drafted     Status = "DRAFT"       // it has no input yet
	Initialized Status = "INITIALIZED" // it has an input and is not submitted
	Uploading   Status = "UPLOADING"   // submitted; inputs still arrive
	Processing  Status = "PROCESSING"  // workers are at it
	Completed   Status = "COMPLETED"   // its deliverables are ready
	Error       Status = "ERROR"       // see Failure; another input or other details make it Initialized again
	Cancelled   Status = "CANCELLED"   // given up before Processing
)

// Limits of an order.
const (
	MaxInputs   = 40       // so that a submission, which writes two rows for each, is one transaction
	MaxMetadata = 16 << 10 // bytes of Metadata
)

// Order is one order as it stands at a version of its row.
type Order struct {
	ID        id.Order
	Workspace id.Workspace
	Client    id.Client // who created it
	Version   int64     // counts the writes of the row, from 1
	Status    Status

	Name     string
	Product  string // one of the installation's products, such as areaplan
	SqFt     int64  // estimated area in square feet; 0: not said
	Address  string
	Units    string // METRIC, IMPERIAL; "": not said
	Metadata string // JSON of the client's own; "": none

	Inputs      int // how many it has
	Attempt     int // counts the submissions, from 1; 0 before the first
	SubmittedAt time.Time
	ChangedAt   time.Time // when details or inputs last changed
	Failure     string    // why it is in Error or Cancelled, for people
	Problems    []Problem // why the last submission did not go through
}

// CreatedAt is when the order was begun, to the millisecond.
func (o Order) CreatedAt() time.Time { return o.ID.Time() }

// Held says whether the order holds its inputs.
func (o Order) Held() bool { return o.Status == Uploading || o.Status == Processing }

// Problem is one thing that keeps an order from being processed.
type Problem struct {
	Path    string // of the field or input, such as assets.0
	Message string // for people: what is wrong, what to do
}
