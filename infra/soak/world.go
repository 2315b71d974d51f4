package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/importing"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/trigger/webhooks"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// The account of the soak's own bucket, and the bucket.
const (
	accessKey = "AKIASOAKSOAKSOAKSOAK"
	secretKey = "secret-of-the-bucket-of-the-soak-000000"
	bucket    = "soak"
)

// world is the product on a real table and a real bucket, with perilous calls, bad queues, and a clock that only the soak moves.
type world struct {
	chance *chance
	clock  *clock
	peril  *peril

	db      *sqlite.DB
	index   *sqlite.DB // of the search
	server  *versity.Server
	real    *s3blob.Bucket
	table   table.Table
	words   table.Table // the index, through the peril
	bucket  blob.Bucket
	sources *sources
	root    secret.Root

	ws  id.Workspace
	who access.Principal

	accounts *account.Service
	assets   *asset.Service
	folders  *folder.Service
	uploads  *upload.Service
	webhooks *webhook.Service
	search   *search.Service
	orders   *order.Service
	workers  *processing.Service
	buyer    access.Principal // a client that orders

	objects  *queue[versity.Event]
	imports  *queue[bus.Event]
	news     *queue[bus.Event]
	hooks    *queue[bus.Event] // of events for webhooks
	works    *queue[bus.Event] // of requests for workers on orders
	consumer *consumer         // of the bus
	receiver *receiver         // of the webhook
	streams  []*reader
	crashes  int
	swept    int
	swung    time.Time // when the sweeper last ran
}

// reader is one consumer of the table's stream.
type reader struct {
	at      string
	consume func(*world) change.Consumer
}

// newWorld opens table and bucket in a folder.
func newWorld(ctx context.Context, seed uint64, dir string) (w *world, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := newChance(seed, 0)
	w = &world{chance: c, clock: newClock(), peril: newPeril(seed), root: secret.NewRoot(), consumer: newConsumer()}
	w.swung = w.clock.now()
	w.objects = &queue[versity.Event]{chance: c, clock: w.clock, tries: 3, leaky: true} // S3 invokes a function three times, then gives up
	w.imports = &queue[bus.Event]{chance: c, clock: w.clock}
	w.news = &queue[bus.Event]{chance: c, clock: w.clock}
	w.hooks = &queue[bus.Event]{chance: newChance(seed, 1<<43), clock: w.clock}
	w.works = &queue[bus.Event]{chance: c, clock: w.clock, tries: 3, leaky: true}
	w.receiver = &receiver{w.peril, newConsumer()}
	w.sources = &sources{peril: w.peril}
	w.streams = []*reader{
		{consume: func(w *world) change.Consumer { return change.Publish(w) }},
		{consume: func(w *world) change.Consumer { return change.CleanUp(w) }},
	}
	if w.db, err = sqlite.Open(filepath.Join(dir, "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: w.clock.now}); err != nil {
		return nil, err
	}
	if w.index, err = sqlite.Open(filepath.Join(dir, "index.db"), sqlite.Options{Now: w.clock.now}); err != nil {
		_ = w.db.Close()
		return nil, err
	}
	w.server, err = versity.Start(ctx, versity.Config{
		Dir: filepath.Join(dir, "bucket"), AccessKey: accessKey, SecretKey: secretKey, Bucket: bucket, OnEvent: w.objects.put,
	})
	if err != nil {
		_ = errors.Join(w.db.Close(), w.index.Close())
		return nil, fmt.Errorf("start the bucket: %w", err)
	}
	w.table, w.words = perilous(w.db, w.peril.onTable), perilous(w.index, w.peril.onIndex)
	w.real = s3blob.New(w.server.Client(), bucket, s3blob.Options{})
	w.bucket = blobtest.Wrap(&shifted{Bucket: w.real, clock: w.clock, begun: map[string]int{}}, w.peril.onBucket)
	return w, w.settle(ctx, seed)
}

// perilous puts a script of faults before a table.
func perilous(t table.Table, script func(tabletest.Call) tabletest.Fault) table.Table {
	f := tabletest.Faulty(t)
	f.Script(script)
	return f
}

// settle makes the workspace, under the id that the seed says.
func (w *world) settle(ctx context.Context, seed uint64) error {
	w.ws = id.Workspace(newChance(seed, 1<<41).asset(id.Workspace{12: 0x5e, 13: 0xed, 14: 0x50, 15: 0xac}, w.clock.now()))
	w.who = access.Principal{Key: id.NewKey(w.clock.now()), Grants: map[id.Workspace]access.Role{w.ws: access.Owner}}
	k := schema.WorkspaceKey(w.ws)
	_, err := w.db.Write(ctx, table.Put(table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Name: table.String("Soak"), schema.LinkEpoch: table.Int(1), schema.Version: table.Int(1),
	}, table.Absent()))
	if err != nil {
		return err
	}
	w.boot()
	hook := id.Webhook(newChance(seed, 1<<42).asset(w.ws, w.clock.now()))
	_, _, err = w.webhooks.Create(ctx, w.who, w.ws, webhook.Spec{ID: hook, URL: hookURL})
	return err
}

func (w *world) close() {
	w.server.Close()
	_ = errors.Join(w.db.Close(), w.index.Close())
}

// boot builds the services anew, as the next process has them.
func (w *world) boot() {
	sealer := page.NewSealer(w.root)
	w.accounts = account.New(w.table, account.Options{Now: w.clock.now})
	w.folders = folder.New(w.table, folder.Options{Now: w.clock.now})
	w.search = search.New(w.table, w.words, w.accounts)
	w.assets = asset.New(w.table, w.accounts, sealer, asset.Options{Now: w.clock.now, Folders: w.folders, Index: w.Search, Holds: order.Holder{Table: w.table}})
	w.uploads = upload.New(upload.Parts{
		Table: w.table, Bucket: w.bucket, Assets: w.assets, Workspaces: w.accounts, Folders: w.folders,
		Projects: project.New(w.table, w.assets, sealer, project.Options{Now: w.clock.now}), Remote: w.sources,
	}, upload.Options{Now: w.clock.now, Holds: order.Holder{Table: w.table}, Import: upload.ImportOptions{Part: upload.MinPartSize, Parallel: 1, Pause: time.Microsecond, Beat: time.Hour}})
	w.webhooks = webhook.New(webhook.Parts{
		Table: w.table, Root: func() secret.Root { return w.root }, Sealer: sealer, Sender: w.receiver,
	}, webhook.Options{Now: w.clock.now})
	w.bootOrders(sealer)
}

// Uploads, Folders, Webhooks, Search and Bus are what the triggers ask for.
func (w *world) Uploads() *upload.Service { return w.uploads }

// Folders knows the library folders.
func (w *world) Folders() *folder.Service { return w.folders }

// Webhooks sends events to the servers of users.
func (w *world) Webhooks() *webhook.Service { return w.webhooks }

// BucketName is none: the events of the soak name no bucket.
func (w *world) BucketName() string { return "" }

// Metrics are none.
func (w *world) Metrics() *metric.Log { return nil }

// Search keeps and reads the index of words.
func (w *world) Search() *search.Service { return w.search }

// Bus is where domain events go.
func (w *world) Bus() bus.Publisher { return perilousBus{w.peril, w.route} }

// route is the rules of the bus.
func (w *world) route(e bus.Event) {
	switch e.Type {
	case bus.ImportRequested:
		w.imports.put(e)
		return
	case bus.OrderSubmitted:
		w.works.put(e)
		return
	case bus.OrderUpdated:
		return // no client here has a webhook
	}
	w.news.put(e)
	w.hooks.put(e)
}

// process runs something as a process that may die on the way; the next one begins with empty caches.
func (w *world) process(do func() error) error {
	err := do()
	if w.peril.died() {
		w.crashes++
		w.boot()
		if err == nil {
			err = errCrashed
		}
	}
	return err
}

var errCrashed = errors.New("the process ended before it could answer")

// arrive delivers one object event.
func (w *world) arrive() bool {
	return w.objects.give(func(e versity.Event) error {
		return w.process(func() error {
			o := events.S3Object{Key: e.Key, URLDecodedKey: e.Key, VersionID: e.Version, Size: e.Size}
			return object.Handler(w)(context.Background(), events.S3Event{Records: []events.S3EventRecord{{S3: events.S3Entity{Object: o}}}})
		})
	})
}

// work delivers one request for an import.
func (w *world) work() bool {
	return w.imports.give(func(e bus.Event) error {
		record, err := queued(e)
		if err != nil {
			return err
		}
		return w.process(func() error {
			out, err := importing.Handler(w)(context.Background(), events.SQSEvent{Records: []events.SQSMessage{record}})
			if err == nil && len(out.BatchItemFailures) > 0 {
				err = errors.New("the request of the import failed")
			}
			return err
		})
	})
}

// post delivers one event to the function that sends webhooks. What that function meets is aside from all else: it works on rows that several
// sends at once have left.
func (w *world) post() bool {
	return w.hooks.give(func(e bus.Event) error {
		record, err := queued(e)
		if err != nil {
			return err
		}
		return w.peril.aside(true, func() error {
			out, err := webhooks.Handler(w)(context.Background(), events.SQSEvent{Records: []events.SQSMessage{record}})
			if err == nil && len(out.BatchItemFailures) > 0 {
				err = errors.New("the event was not noted for the webhook")
			}
			return err
		})
	})
}

// postAgain tries what is due, as its schedule does: several deliveries at once.
func (w *world) postAgain() error {
	return w.peril.aside(false, func() error { return webhooks.Retries(w)(context.Background(), events.CloudWatchEvent{}) })
}

// queued is an event of the bus as a queue behind it gives it.
func queued(e bus.Event) (events.SQSMessage, error) {
	detail, err := e.Detail.JSON()
	if err != nil {
		return events.SQSMessage{}, err
	}
	body, err := json.Marshal(events.EventBridgeEvent{Version: "0", ID: e.Detail.ID, Source: bus.Source, DetailType: string(e.Type), Time: e.Time, Detail: detail})
	return events.SQSMessage{MessageId: e.Detail.ID, Body: string(body)}, err
}

// tell delivers one event to the consumer.
func (w *world) tell() bool { return w.news.give(w.consumer.hear) }

// ahead is how much later than they are changes say they were made: consumers hold them against the real time, which is not the soak's, and give
// up on old ones.
const ahead = 100 * 365 * 24 * time.Hour

// follow lets a consumer of the stream take one batch of at most so many changes; false when there was none.
func (w *world) follow(r *reader, most int) (bool, error) {
	batch, after, err := w.batch(r.at, most)
	if err != nil || len(after) == 0 {
		return false, err
	}
	if len(batch.Records) == 0 {
		r.at = after[len(after)-1]
		return true, nil
	}
	var out events.DynamoDBEventResponse
	err = w.process(func() (err error) {
		out, err = r.consume(w)(context.Background(), batch)
		return err
	})
	if err != nil {
		return true, nil // the whole batch comes again
	}
	done := len(batch.Records)
	if len(out.BatchItemFailures) > 0 {
		done = 0
		for done < len(batch.Records) && batch.Records[done].Change.SequenceNumber != out.BatchItemFailures[0].ItemIdentifier {
			done++
		}
	}
	if done > 0 {
		r.at = after[done-1]
	}
	return true, nil
}

// batch reads changes after a position as the stream's filters let them through: those of assets, imports, orders and their work, which all
// consumers take. After has the position behind each; without one that passes, the position behind all that was read. It reads on until it
// has as many as may come: how many changes of other rows lie between is decided by real time where several webhooks are sent at once.
func (w *world) batch(at string, most int) (batch events.DynamoDBEvent, after []string, err error) {
	begun := at
	for len(after) < most {
		cs, next, err := w.db.Changes(context.Background(), at, 1)
		if err != nil {
			return batch, nil, err
		}
		if len(cs) == 0 {
			break
		}
		at = next
		if c := cs[0]; passes(c.Key) {
			c.At = c.At.Add(ahead)
			batch.Records, after = append(batch.Records, stream.Encode(c)), append(after, at)
		}
	}
	if len(after) == 0 && at != begun {
		after = []string{at}
	}
	return batch, after, nil
}

// passes is the filters of the stream's event sources, as far as they concern a soak.
func passes(k table.Key) bool {
	_, _, _, isAsset := schema.ParseAssetKey(k)
	_, isImport := schema.ParseImportKey(k)
	_, _, isOrder := schema.ParseOrderKey(k)
	_, isWork := schema.ParseWorkKey(k)
	return isAsset || isImport || isOrder || isWork
}

// sweep runs the sweeper, as its schedule does every five minutes.
func (w *world) sweep() error {
	w.swung = w.clock.now()
	w.swept++
	return w.process(func() error { return sweep.Handler(w)(context.Background(), events.CloudWatchEvent{}) })
}

// client sends what clients send to the bucket: from their own machines, to the real one.
func (w *world) client() *http.Client { return w.server.HTTP() }
