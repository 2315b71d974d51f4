package cost

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"image"
	"image/png"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

func TestMain(m *testing.M) {
	slog.SetDefault(invocation.NewLogger(&logged).With("function", "assetry-AssetsCreateFunction-0123456789AB")) // NewLogger finds the name in Lambda's environment
	versitytest.Main(m)
}

// logged counts what functions log.
var logged lines

// lines counts bytes, and keeps nothing.
type lines struct{ bytes atomic.Int64 }

// Write counts b.
func (l *lines) Write(b []byte) (int, error) {
	l.bytes.Add(int64(len(b)))
	return len(b), nil
}

// tables are the table with its feed and the search index, on one of the drivers.
type tables struct {
	rows interface {
		table.Table
		table.Feed
	}
	index   table.Table
	advance func(time.Duration) // moves the clock of expiry
}

// drivers open fresh tables, by the name of the driver.
var drivers = map[string]func(*testing.T) tables{
	"sqlite": func(t *testing.T) tables {
		ahead := time.Duration(0)
		now := func() time.Time { return time.Now().Add(ahead) }
		open := func(file string, indexes []table.Index) *sqlite.DB {
			db, err := sqlite.Open(filepath.Join(t.TempDir(), file), sqlite.Options{Indexes: indexes, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			return db
		}
		return tables{open("table.db", schema.Indexes()), open("search.db", nil), func(d time.Duration) { ahead += d }}
	},
	"dynamo": func(t *testing.T) tables {
		rows, index := dynamotest.Open(t, schema.Indexes()...), dynamotest.Open(t)
		return tables{rows, index, func(d time.Duration) { rows.Advance(d); index.Advance(d) }}
	},
}

// eachDriver runs a test in a fresh, warm installation on each driver.
func eachDriver(t *testing.T, test func(t *testing.T, w *world)) {
	for _, name := range slices.Sorted(maps.Keys(drivers)) {
		t.Run("on "+name, func(t *testing.T) { test(t, newWorld(t, drivers[name])) })
	}
}

// world is an installation with the template's functions, event sources, rules and queues, whose clock stands still: caches that are filled stay
// so, and what an operation takes is the same in every run. What it uses is counted.
type world struct {
	t         *testing.T
	at        time.Time // now
	open      func(*testing.T) tables
	tables    tables
	server    *versitytest.Server
	bucket    *s3blob.Bucket
	services  services
	routing   routing
	functions map[string]lambda.Handler
	plan      plan
	key       string // of the client, who owns the workspace
	ws        id.Workspace
	receiver  *outsider // takes webhooks
	source    *outsider // has the picture, wherever it is asked

	delivered string // the last delivery that was looked up

	used    use
	arrived chan versity.Event // objects whose event nobody took yet
	sent    []bus.Event        // that no rule has seen yet
	seen    string             // position in the table's feed up to which changes were delivered
	read    float64            // write units used when the feed was last read
}

// services are those of boot, on a clock that stands still.
type services struct {
	accounts *account.Service
	assets   *asset.Service
	folders  *folder.Service
	projects *project.Service
	links    *link.Service
	uploads  *upload.Service
	search   *search.Service
	once     *idempotency.Service
	webhooks *webhook.Service
	limits   *ratelimit.Limiter
	orders   *order.Service
	visits   *order.Service
	work     func(...product.Product) *processing.Service
	bus      bus.Publisher
	metrics  *metric.Log
}

func (s services) Accounts() *account.Service  { return s.accounts }
func (s services) Assets() *asset.Service      { return s.assets }
func (s services) Folders() *folder.Service    { return s.folders }
func (s services) Projects() *project.Service  { return s.projects }
func (s services) Links() *link.Service        { return s.links }
func (s services) Uploads() *upload.Service    { return s.uploads }
func (s services) Orders() *order.Service      { return s.orders }
func (s services) OrderVisits() *order.Service { return s.visits }

// Processing makes some products.
func (s services) Processing(ps ...product.Product) *processing.Service { return s.work(ps...) }

func (s services) Search() *search.Service           { return s.search }
func (s services) Idempotency() *idempotency.Service { return s.once }
func (s services) Webhooks() *webhook.Service        { return s.webhooks }
func (s services) Limits() *ratelimit.Limiter        { return s.limits }
func (s services) Bus() bus.Publisher                { return s.bus }
func (s services) Metrics() *metric.Log              { return s.metrics }
func (s services) BucketName() string                { return "" }
func (s services) PublicURL() string                 { return "https://assets.example.com" }
func (s services) Introspection() bool               { return true }

func newWorld(t *testing.T, open func(*testing.T) tables) *world {
	t.Helper()
	w := &world{
		t: t, at: time.Now().UTC().Truncate(time.Second), open: open, tables: open(t), server: versitytest.Start(t), plan: readPlan(t),
		arrived: make(chan versity.Event, 1000), receiver: newOutsider(t), source: newOutsider(t),
	}
	w.server.OnEvent(func(e versity.Event) { w.arrived <- e })
	w.bucket = s3blob.New(w.server.Client(), w.server.Bucket, s3blob.Options{Now: w.now})
	w.services = w.wire()
	w.routing = newRouting(w.services)
	w.functions = functions(w.services, w.routing)
	ws, err := w.services.accounts.CreateWorkspace(t.Context(), "Cost")
	if err != nil {
		t.Fatal(err)
	}
	w.ws = ws.ID
	if w.key, _, err = w.services.accounts.IssueKey(t.Context(), "cost", map[id.Workspace]access.Role{ws.ID: access.Owner}); err != nil {
		t.Fatal(err)
	}
	w.warm()
	return w
}

func (w *world) now() time.Time { return w.at }

// advance moves all clocks.
func (w *world) advance(d time.Duration) {
	w.at = w.at.Add(d)
	w.tables.advance(d)
}

// wire makes the services as boot does.
func (w *world) wire() services {
	s, root := services{bus: counted{w}, metrics: metric.New(&logged, "assetry", metric.Options{Now: w.now})}, samples.Root
	sealer := page.NewSealer(root)
	s.accounts = account.New(w.tables.rows, account.Options{Now: w.now})
	s.search = search.New(w.tables.rows, w.tables.index, s.accounts)
	s.folders = folder.New(w.tables.rows, folder.Options{Now: w.now})
	s.assets = asset.New(w.tables.rows, s.accounts, sealer, asset.Options{
		Now: w.now, Folders: s.folders, Index: func() *search.Service { return s.search },
	})
	s.projects = project.New(w.tables.rows, s.assets, sealer, project.Options{Now: w.now})
	s.links = link.NewService(link.New(root), s.assets, s.accounts, w.bucket, link.Options{Now: w.now})
	s.once = idempotency.New(w.tables.rows, idempotency.Options{Now: w.now})
	s.limits = ratelimit.New(w.tables.rows, ratelimit.Options{Now: w.now})
	s.webhooks = webhook.New(webhook.Parts{
		Table: w.tables.rows, Root: func() secret.Root { return root }, Sealer: sealer, Sender: sender.New(sender.Options{Guard: w.receiver.guard()}),
	}, webhook.Options{Now: w.now})
	s.uploads = upload.New(upload.Parts{
		Table: w.tables.rows, Bucket: w.bucket, Assets: s.assets, Workspaces: s.accounts, Folders: s.folders, Projects: s.projects,
		Remote: importer.New(importer.Options{Guard: w.source.guard()}),
	}, upload.Options{Now: w.now})
	parts := order.Parts{Table: w.tables.rows, Bucket: w.bucket, Assets: s.assets, Uploads: s.uploads, Sealer: sealer}
	s.orders = order.New(parts, order.Options{Now: w.now})
	s.work = func(ps ...product.Product) *processing.Service {
		return processing.New(processing.Parts{
			Table: w.tables.rows, Bucket: w.bucket, Assets: s.assets, Uploads: s.uploads, Orders: s.orders, Products: ps,
		}, processing.Options{Now: w.now, Beat: time.Hour}) // no heart beats: how often depends on the machine
	}
	parts.Work = s.work().Visit
	s.visits = order.New(parts, order.Options{Now: w.now})
	return s
}

// warm fills the caches of the functions, as any earlier request does, and lets everything happen that follows.
func (w *world) warm() {
	w.retrieve(w.upload("warm.png"))
	w.call(http.MethodGet, "/api/v1/workspaces", nil, http.StatusOK)
	w.follow()
}

// measure gives what is used while f runs.
func (w *world) measure(f func()) use {
	before := w.used
	f()
	return w.used.minus(before)
}

// invoke gives an event to a function as Lambda does, counts what it uses, and gives its answer.
func (w *world) invoke(function string, event any) []byte {
	w.t.Helper()
	handler, ok := w.functions[function]
	if !ok {
		w.t.Fatalf("function %s has no handler here", function)
	}
	payload, err := json.Marshal(event)
	w.must(err)
	ctx, units := table.WithMeter(context.Background())
	ctx, objects := blob.WithMeter(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: requestID}))
	events, outside := w.used.Events, w.receiver.asked()+w.source.asked()
	answer, err := handler.Invoke(ctx, payload)
	if err != nil {
		w.t.Fatalf("%s: %v", function, err)
	}
	read, write, requests := units.Spent()
	u := use{Functions: map[string]int{function: 1}, Table: requests, Read: read, Write: write, Outside: w.receiver.asked() + w.source.asked() - outside}
	for operation, n := range objects.ByOperation() {
		w.bucketUse(&u, operation, n)
	}
	other := u.Outside
	if w.used.Events > events {
		other++ // the bus takes all events of an invocation in one request
	}
	u.GBSeconds = w.plan.gigabytes(w.t, function) * w.plan.seconds(requests, u.Puts+u.Gets+u.Free, other)
	w.used = w.used.plus(u)
	return answer
}

// requestID is as long as Lambda's are.
const requestID = "8f507cfc-0000-4000-8000-000000000000"

// bucketUse counts requests to the bucket by their price.
func (w *world) bucketUse(u *use, operation string, n int) {
	w.t.Helper()
	switch operation {
	case "PutObject", "PostObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "ListParts", "ListObjectVersions", "ListMultipartUploads":
		u.Puts += n
	case "GetObject", "HeadObject":
		u.Gets += n
	case "DeleteObject", "AbortMultipartUpload":
		u.Free += n
	default:
		w.t.Fatalf("what %s costs is not known here: say so in bucketUse", operation)
	}
}

// outsider is a server of somebody else.
type outsider struct {
	server *httptest.Server
	status atomic.Int64 // what it answers
	times  atomic.Int64
}

func newOutsider(t *testing.T) *outsider {
	o := &outsider{}
	o.status.Store(http.StatusOK)
	o.server = httptest.NewTLSServer(http.HandlerFunc(func(res http.ResponseWriter, _ *http.Request) {
		o.times.Add(1)
		res.Header().Set("Content-Type", "image/png")
		res.WriteHeader(int(o.status.Load()))
		_, _ = res.Write(picture)
	}))
	t.Cleanup(o.server.Close)
	return o
}

func (o *outsider) asked() int { return int(o.times.Load()) }

// guard lets the product reach the server.
func (o *outsider) guard() guard.Options {
	roots := x509.NewCertPool()
	roots.AddCert(o.server.Certificate())
	return guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), Roots: roots}
}

// picture is a PNG of 3 by 2 pixels.
var picture = func() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 3, 2))); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}()
