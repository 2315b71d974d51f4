package webhook

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
)

// State is what became of a delivery.
type State string

// The states. Pending is the only one that changes by itself.
const (
	Pending    State = "pending"    // it is being sent, or waits for the next attempt
	Delivered  State = "delivered"  // the receiver took it
	Superseded State = "superseded" // not sent: a later version of the asset or order had been
	Dead       State = "dead"       // given up
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID          id.Delivery
	Webhook     id.Webhook
	Event       string // id of the event
	Type        bus.Type
	State       State
	Body        string        // JSON as it is sent
	Attempts    int           // begun since it was made or last replayed
	AttemptedAt time.Time     // when the last attempt was begun; zero before the first
	Status      int           // HTTP status of the last answer; 0: there was none
	Took        time.Duration // how long the last attempt took, to the millisecond
	Failure     string        // why the last attempt failed or the delivery ended, for people

	subject string // the event's asset or order; "" for a test, which nothing overtakes
	version int64  // the subject's
	claims  int64  // raised whenever it is taken in hand; fences whoever had it before
	lease   time.Time
	due     time.Time // of its due row
	seq     int64     // of its due row
	expires time.Time
}

// NextAt is when a pending delivery is tried next, or again if whoever has it in hand now dies; zero for one that has ended.
func (d Delivery) NextAt() time.Time {
	if d.State != Pending {
		return time.Time{}
	}
	return d.due
}

// CreatedAt is when the event happened.
func (d Delivery) CreatedAt() time.Time { return d.ID.Time() }

// Waits is how long the attempts after the first wait for their turn, give or take a tenth: ten attempts in a day.
func Waits() []time.Duration {
	return []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 4 * time.Hour, 6 * time.Hour, 6 * time.Hour,
	}
}

// MaxAttempts is how often one delivery is tried before it is dead.
func MaxAttempts() int { return len(Waits()) + 1 }

// attempts is how often a delivery is tried: a test once.
func (d Delivery) mayTry() int {
	if d.Type == TypeTest {
		return 1
	}
	return MaxAttempts()
}

// wait is the time to the attempt after those that were made. What keeps the many that failed together from coming back together is drawn
// from the delivery's own id, so that whoever computes it gets the same.
func (d Delivery) wait() time.Duration {
	base := Waits()[d.Attempts-1]
	sum := fnv.New32a()
	fmt.Fprintf(sum, "%s#%d", d.ID, d.Attempts)
	fifth := base / 5
	return base - fifth/2 + time.Duration(int64(fifth)*int64(sum.Sum32()%1000)/999)
}

// envelope is the JSON that is sent: what Standard Webhooks recommends.
type envelope struct {
	Type      bus.Type  `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event, not of the attempt
	Data      any       `json:"data"`
}

// orderBody is the JSON that is sent of an order, as the published schema documents it. The version is ours: receivers order by it.
type orderBody struct {
	Event     bus.Type  `json:"event"`
	Timestamp time.Time `json:"timestamp"` // of the event, not of the attempt
	Order     orderData `json:"order"`
}

type orderData struct {
	ID       string  `json:"order_id"`
	Status   string  `json:"order_status"`
	Failure  *string `json:"failure_reason"`
	Metadata *string `json:"metadata"` // JSON as text
	Version  int64   `json:"version"`
}

// bodyOf is what is sent of an event.
func bodyOf(e bus.Event) any {
	o := e.Detail.Order
	if o == nil {
		return envelope{e.Type, e.Time.UTC(), e.Detail}
	}
	return orderBody{e.Type, e.Time.UTC(), orderData{o.Order, o.Status, said(o.Failure), said(o.Metadata), e.Detail.Version}}
}

// said is a text; nil for none.
func said(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// testData is the data of TypeTest.
type testData struct {
	SchemaVersion int    `json:"schema_version"`
	ID            string `json:"event_id"`
	Workspace     string `json:"workspace_id"`
	Webhook       string `json:"webhook_id"`
}

// maxClaim bounds the number that claims are counted from: 15 digits.
const maxClaim = 1_000_000_000_000_000

// fresh is a delivery of an event's body that is in our hands for its first attempt.
func (s *Service) fresh(h Webhook, d Delivery, body any) (Delivery, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return Delivery{}, fmt.Errorf("body of event %s: %w", d.Event, err)
	}
	now := s.now()
	d.Webhook, d.State, d.Body = h.ID, Pending, string(b)
	d.expires = now.Add(KeepDeliveries)
	d.claims = rand.Int64N(maxClaim) // two who note the same event in the same millisecond must not take each other's row for their own
	return d.begun(now), nil
}

// begun is the delivery in our hands for the first attempt of a series, with a due row for whoever must follow us.
func (d Delivery) begun(now time.Time) Delivery {
	d.State, d.Attempts, d.claims = Pending, 1, d.claims+1
	d.lease = now.Add(leaseTime).Truncate(time.Millisecond)
	d.due, d.seq = d.lease, d.claims
	return d
}
