package cost

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/product/catalog"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/importing"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/orders"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/trigger/webhooks"
)

// root is the top folder of the module.
var root = filepath.Join("..", "..")

// Sizes and requests as AWS counts them.
const (
	eventChunk = 64 << 10 // bytes of an event, or of a message, that count as one
	perMessage = 3        // requests of a message that comes alone: to send, to receive, to delete
	perGB      = 1024     // MB of memory
)

// plan is what template.yaml says about who is invoked by what.
type plan struct {
	template *template.Template
	prices   prices
}

func readPlan(t *testing.T) plan {
	t.Helper()
	tmpl, err := template.Read(filepath.Join(root, "template.yaml"), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan{tmpl, readPrices(t)}
}

func (p plan) gigabytes(t *testing.T, function string) float64 {
	t.Helper()
	f, ok := p.template.Function(function)
	if !ok {
		t.Fatalf("template.yaml has no function %s", function)
	}
	return float64(f.MemorySize) / perGB
}

// seconds is how long an invocation takes that sends requests to the table, to the bucket and to others, one after another.
func (p plan) seconds(table, bucket, other int) float64 {
	a := p.prices.Assumed
	return (a.FunctionMS.Value + float64(table)*a.TableMS.Value + float64(bucket)*a.BucketMS.Value + float64(other)*a.OtherMS.Value) / 1000
}

// follow lets everything happen that follows from what was done, and what follows from that: events of objects, of the table's stream, of
// the bus. Every function sees batches of one, as in an installation with little to do; batches are cheaper.
func (w *world) follow() {
	w.t.Helper()
	for w.takeObject() || w.takeChanges() || w.takeEvent() {
	}
}

// takeObject invokes the finalizer with an object event that waits.
func (w *world) takeObject() bool {
	w.t.Helper()
	var e versity.Event
	select {
	case e = <-w.arrived:
	default:
		return false
	}
	w.invoke("on-object-created", events.S3Event{Records: []events.S3EventRecord{{S3: events.S3Entity{Object: events.S3Object{
		Key: e.Key, URLDecodedKey: e.Key, VersionID: e.Version, Size: e.Size,
	}}}}})
	return true
}

// takeChanges gives every change that no function has seen to those whose filters let it through.
func (w *world) takeChanges() bool {
	w.t.Helper()
	if w.read == w.used.Write {
		return false // nobody wrote since
	}
	w.read = w.used.Write
	for {
		changes, next, err := w.tables.rows.Changes(w.t.Context(), w.seen, 1000)
		w.must(err)
		if w.seen = next; len(changes) == 0 {
			return true
		}
		for _, c := range changes {
			w.deliver("stream-publish", c)
			w.deliver("stream-cleanup", c)
		}
		if len(changes) < 1000 {
			return true
		}
	}
}

// deliver gives a change to a function, if a filter of its stream lets it through.
func (w *world) deliver(function string, c table.Change) {
	w.t.Helper()
	record := stream.Encode(c)
	if !w.plan.wants(w.t, function, record) {
		return
	}
	w.whole(function, w.invoke(function, events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record}}))
}

// whole wants an answer that names no record as failed.
func (w *world) whole(function string, answer []byte) {
	w.t.Helper()
	var out events.SQSEventResponse // that of a stream has the same form
	w.must(json.Unmarshal(answer, &out))
	if len(out.BatchItemFailures) > 0 {
		w.t.Fatalf("%s failed: %s", function, answer)
	}
}

// wants says whether a filter of the function's stream lets a record through.
func (p plan) wants(t *testing.T, function string, record events.DynamoDBEventRecord) bool {
	t.Helper()
	wire := decoded(t, record)
	f, _ := p.template.Function(function)
	return slices.ContainsFunc(template.EventsOf[template.DynamoDB](f), func(e template.DynamoDB) bool {
		return slices.ContainsFunc(e.Filters, func(filter string) bool { return matches(t, filter, wire) })
	})
}

// decoded is v as others see it, in plain JSON.
func decoded(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func matches(t *testing.T, text string, v any) bool {
	t.Helper()
	p, err := pattern.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p.Matches(v)
}

// counted is the bus. It keeps what was published for the rules.
type counted struct{ w *world }

// Publish takes all events.
func (c counted) Publish(_ context.Context, es []bus.Event) ([]int, error) {
	for _, e := range es {
		body, err := e.Detail.JSON()
		if err != nil {
			return nil, err
		}
		c.w.used.Events += chunks(len(body), eventChunk)
	}
	c.w.sent = append(c.w.sent, es...)
	return nil, nil
}

// takeEvent takes an event of the bus through the rules to the queues, and invokes their functions.
func (w *world) takeEvent() bool {
	w.t.Helper()
	if len(w.sent) == 0 {
		return false
	}
	e := w.sent[0]
	w.sent = w.sent[1:]
	event := fields{
		"version": "0", "id": e.Detail.ID, "source": bus.Source, "detail-type": e.Type, "time": e.Time.UTC().Format(time.RFC3339), "detail": e.Detail,
	}
	body, err := json.Marshal(event)
	w.must(err)
	for _, function := range w.plan.led(w.t, decoded(w.t, event)) {
		w.used.Queue += perMessage * chunks(len(body), eventChunk)
		w.whole(function, w.invoke(function, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: string(body)}}}))
	}
	return true
}

// led are the functions behind the queues to which the rules lead an event.
func (p plan) led(t *testing.T, event any) (functions []string) {
	t.Helper()
	for _, r := range p.template.Rules {
		if !matches(t, r.Pattern, event) {
			continue
		}
		for _, to := range r.Targets {
			for _, f := range p.template.Functions {
				for _, e := range template.EventsOf[template.SQS](f) {
					if e.Queue == to.Queue {
						functions = append(functions, f.Folder)
					}
				}
			}
		}
	}
	return functions
}

// sweep runs the sweeper once.
func (w *world) sweep() {
	w.t.Helper()
	w.invoke("sweep", events.CloudWatchEvent{})
}

// retries runs the sender of what is due once.
func (w *world) retries() {
	w.t.Helper()
	w.invoke("webhook-retries", events.CloudWatchEvent{})
}

// visitOrders looks once after the orders that are due.
func (w *world) visitOrders() {
	w.t.Helper()
	w.invoke("orders-sweep", events.CloudWatchEvent{})
}

// functions are what the mains give to Lambda.
func functions(s services, r routing) map[string]lambda.Handler {
	fs := map[string]lambda.Handler{
		"on-object-created": object.Handler(s), "stream-publish": change.Publish(s), "stream-cleanup": change.CleanUp(s),
		"on-import-requested": importing.Handler(s), "on-webhook-event": webhooks.Handler(s), "webhook-retries": webhooks.Retries(s),
		"sweep": sweep.Handler(s), "work-order": orders.Work(s, catalog.Products()...), "orders-sweep": orders.Sweep(s),
	}
	for name, h := range r.handlers {
		fs[name] = web.Function(web.Invoke(h))
	}
	return fs
}

// sampled is what a function takes for its sample event, the file of its name or the first that begins with it, in a fresh installation with the
// sample world in it.
func (w *world) sampled(function string) use {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "events", function+"*.json"))
	w.must(err)
	if len(files) == 0 {
		w.t.Fatalf("there is no sample event of %s", function)
	}
	file := filepath.Join(root, "events", function+".json")
	if !slices.Contains(files, file) {
		file = files[0]
	}
	event, err := os.ReadFile(file)
	w.must(err)
	in := newWorld(w.t, w.open)
	scene := &samples.World{
		Scene: samples.At(in.at), Table: in.tables.rows, Index: in.services.search, Bucket: in.bucket,
		BucketURL: in.server.URL() + "/" + in.server.Bucket, Origin: in.source.server.URL,
	}
	w.must(scene.Fill(w.t.Context()))
	w.must(scene.Prepare(w.t.Context(), strings.TrimSuffix(filepath.Base(file), ".json")))
	payload := scene.Payload(event)
	return in.measure(func() {
		in.invoke(function, json.RawMessage(payload))
		if bytes.Contains(payload, []byte(`"routeKey"`)) {
			in.used.API += max(1, chunks(len(payload), apiChunk))
		}
	})
}
