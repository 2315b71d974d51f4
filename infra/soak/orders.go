package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/trigger/orders"
)

// draftFor is how long orders that nobody submits are kept: less than the soak settles for.
const draftFor = 48 * time.Hour

// slots are places for work: more than there are orders at once, so that what waits for one is not a matter of real chance.
const slots = 4 * atOnce

// bootOrders builds the services of orders anew.
func (w *world) bootOrders(sealer *page.Sealer) {
	w.buyer = access.Principal{Client: buyerOf(w.ws), Key: buyerOf(w.ws).Key(), Grants: map[id.Workspace]access.Role{w.ws: access.Editor}}
	w.orders = order.New(order.Parts{
		Table: w.table, Bucket: w.bucket, Assets: w.assets, Uploads: w.uploads, Sealer: sealer,
		Work: func(ctx context.Context, o order.Order) (time.Time, error) { return w.workers.Visit(ctx, o) },
	}, order.Options{Now: w.clock.now, Products: []string{tally{}.Name()}, DraftFor: draftFor, AtOnce: 1})
	w.workers = processing.New(processing.Parts{
		Table: w.table, Bucket: w.bucket, Assets: w.assets, Uploads: w.uploads, Orders: w.orders, Products: []product.Product{tally{}},
	}, processing.Options{Now: w.clock.now, Slots: slots, Bytes: tallyBytes, Beat: time.Hour, Pause: time.Microsecond, Tries: 20})
}

// buyerOf is the client of a workspace, the same in every run of a seed.
func buyerOf(w id.Workspace) id.Client { return id.Client(w) }

// Orders, OrderVisits and Processing are what the triggers ask for.
func (w *world) Orders() *order.Service { return w.orders }

// OrderVisits are the orders that show those in work to their workers.
func (w *world) OrderVisits() *order.Service { return w.orders }

// Processing does the work on orders.
func (w *world) Processing(...product.Product) *processing.Service { return w.workers }

var (
	_ orders.WorkServices  = (*world)(nil)
	_ orders.SweepServices = (*world)(nil)
	_                      = (*metric.Log)(nil)
)

// labour delivers one request for a worker.
func (w *world) labour() bool {
	return w.works.give(func(e bus.Event) error {
		record, err := queued(e)
		if err != nil {
			return err
		}
		return w.process(func() error {
			out, err := orders.Work(w)(context.Background(), events.SQSEvent{Records: []events.SQSMessage{record}})
			if err == nil && len(out.BatchItemFailures) > 0 {
				err = errors.New("the work on the order failed")
			}
			return err
		})
	})
}

// visit runs the schedule of orders. Its visits are one after another: their order decides that of the changes which all else follows.
func (w *world) visit() error {
	return w.process(func() error { return orders.Sweep(w)(context.Background(), events.CloudWatchEvent{}) })
}

// tally is the soak's product: of each scan it counts lines and sums bytes up, a few kilobytes at a time, so that workers hand over in
// the midst of it.
type tally struct{}

var _ product.Product = tally{}

// tallyBytes is what one worker reads before it hands over: less than an order of several scans has.
const tallyBytes = 6 << 10

// refused begins scans that a tally refuses, which nobody knows before.
const refused = "# not countable\n"

// count is what a tally knows of a scan so far.
type count struct {
	Asset string `json:"asset"`
	Lines int    `json:"lines"`
	Bytes int64  `json:"bytes"`
	Sum   string `json:"sum,omitempty"`
}

// Name is how an order asks for it.
func (tally) Name() string { return "tally" }

// Plan gives one step for each scan.
func (tally) Plan(job product.Job) (steps []product.Step) {
	for i := range job.Inputs {
		steps = append(steps, product.Step{Name: fmt.Sprintf("scan-%d", i+1)})
	}
	return steps
}

// Run counts a scan, and gives it back beside what was counted.
func (tally) Run(ctx context.Context, t *product.Task) (r product.Result, err error) {
	var n int
	if _, err := fmt.Sscanf(t.Step.Name, "scan-%d", &n); err != nil {
		return r, err
	}
	in := t.Job.Inputs[n-1]
	c := count{Asset: in.Asset}
	if t.Checkpoint != nil {
		if err := json.Unmarshal(t.Checkpoint, &c); err != nil {
			return r, err
		}
	}
	rest, err := readFrom(ctx, in, c.Bytes)
	if err != nil {
		return r, err
	}
	for len(rest) > 0 {
		piece := rest[:min(len(rest), 1<<10)]
		c.Lines += strings.Count(string(piece), "\n")
		c.Bytes += int64(len(piece))
		rest = rest[len(piece):]
		if t.IsSpent(int64(len(piece))) && len(rest) > 0 {
			r.Checkpoint, err = json.Marshal(c)
			return r, err
		}
	}
	whole, err := readFrom(ctx, in, 0)
	if err != nil {
		return r, err
	}
	if strings.HasPrefix(string(whole), refused) {
		return r, product.Refuse("The scan %s asks to be refused.", in.Asset)
	}
	sum := sha256.Sum256(whole)
	c.Sum = hex.EncodeToString(sum[:])
	b, err := json.Marshal(c)
	return product.Result{Done: true, Deliverables: []product.Deliverable{
		{Name: t.Step.Name + ".json", Type: "application/json", Bytes: b},
		{Name: t.Step.Name + ".png", Type: "image/png", Bytes: picture(len(whole))},
	}}, err
}

func readFrom(ctx context.Context, in product.Input, from int64) ([]byte, error) {
	body, err := in.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}
