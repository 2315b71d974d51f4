package house

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/tabletest"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// world is everything a function needs, on SQLite and a real bucket, with the sample things in it and a clock that stands still.
type world struct {
	db       *sqlite.DB
	server   *versitytest.Server
	origin   *httptest.Server // what imports copy from: the sample samples.Picture(), wherever asked
	bucket   *s3blob.Bucket
	accounts *account.Service
	assets   *asset.Service
	uploads  *upload.Service
	links    *link.Service
	projects *project.Service
	folders  *folder.Service
	search   *search.Service
	once     *idempotency.Service
	webhooks *webhook.Service
	orders   *order.Service
	visits   *order.Service
	work     processing.Parts
	now      func() time.Time
	limits   *ratelimit.Limiter
	posts    *receiver
	bus      *recorder
	samples  *samples.World
	rows     *tabletest.FaultyTable             // the table as functions reach it
	fault    func(blobtest.Call) blobtest.Fault // of the bucket as functions reach it; nil is none
	metrics  *metric.Log
	*witness
}

func (w *world) Accounts() *account.Service        { return w.accounts }
func (w *world) Assets() *asset.Service            { return w.assets }
func (w *world) Uploads() *upload.Service          { return w.uploads }
func (w *world) Projects() *project.Service        { return w.projects }
func (w *world) Orders() *order.Service            { return w.orders }
func (w *world) Limits() *ratelimit.Limiter        { return w.limits }
func (w *world) Folders() *folder.Service          { return w.folders }
func (w *world) Search() *search.Service           { return w.search }
func (w *world) Idempotency() *idempotency.Service { return w.once }
func (w *world) Webhooks() *webhook.Service        { return w.webhooks }
func (w *world) BucketName() string                { return "" }
func (w *world) Metrics() *metric.Log              { return w.metrics }
func (w *world) PublicURL() string                 { return samples.PublicURL }
func (w *world) Introspection() bool               { return true }

func (w *world) OrderVisits() *order.Service { return w.visits }

// Processing makes some products.
func (w *world) Processing(ps ...product.Product) *processing.Service {
	parts := w.work
	parts.Products = ps
	return processing.New(parts, processing.Options{Now: w.now, Beat: time.Hour}) // no heart beats: how often depends on the machine
}

// Links needs the root key.
func (w *world) Links() *link.Service {
	w.note("secretsmanager:GetSecretValue on key")
	return w.links
}

// Bus is for publishing.
func (w *world) Bus() bus.Publisher {
	w.note("events:PutEvents on bus")
	return w.bus
}

// recorder is a bus that keeps what was published.
type recorder struct {
	mu   sync.Mutex
	sent []bus.Event
}

func (r *recorder) Publish(_ context.Context, es []bus.Event) ([]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, es...)
	return nil, nil
}

// receiver are the servers of users. It keeps what was sent, and takes all of it.
type receiver struct {
	webhook.Sender // says which addresses may be sent to
	mu             sync.Mutex
	got            []string
}

func (r *receiver) Send(_ context.Context, url string, headers map[string]string, body []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprintf("%s %s %s", url, headers[webhook.HeaderID], body))
	return 204, nil
}

// newWorld makes a world at a time.
func newWorld(t *testing.T, at time.Time) *world {
	t.Helper()
	now := func() time.Time { return at }
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	root := samples.Root
	w := &world{db: db, server: versitytest.Start(t), bus: &recorder{}, posts: &receiver{Sender: sender.New(sender.Options{})}, witness: &witness{}}
	w.bucket = s3blob.New(w.server.Client(), w.server.Bucket, s3blob.Options{Now: now})
	entries, err := sqlite.Open(filepath.Join(t.TempDir(), "search.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = entries.Close() })
	w.rows = tabletest.Faulty(db)
	faulty := blobtest.Wrap(w.bucket, func(c blobtest.Call) blobtest.Fault {
		if w.fault == nil {
			return blobtest.None
		}
		return w.fault(c)
	})
	rows, objects := watchedTable{w.rows, "table", w.witness}, watchedBucket{faulty, w.witness}
	sealer := page.NewLazySealer(func() secret.Root {
		w.note("secretsmanager:GetSecretValue on key")
		return root
	})
	w.accounts = account.New(rows, account.Options{Now: now})
	w.limits = ratelimit.New(rows, ratelimit.Options{Now: now})
	w.search = search.New(rows, watchedTable{entries, "search", w.witness}, w.accounts)
	w.folders = folder.New(rows, folder.Options{Now: now})
	w.assets = asset.New(rows, w.accounts, sealer, asset.Options{Now: now, Folders: w.folders, Index: w.Search})
	w.projects = project.New(rows, w.assets, sealer, project.Options{Now: now})
	w.links = link.NewService(link.New(root), w.assets, w.accounts, objects, link.Options{Now: now})
	w.once = idempotency.New(rows, idempotency.Options{Now: now})
	w.webhooks = webhook.New(webhook.Parts{
		Table: rows, Sealer: sealer, Sender: w.posts, Root: func() secret.Root {
			w.note("secretsmanager:GetSecretValue on key")
			return root
		},
	}, webhook.Options{Now: now})
	w.origin = httptest.NewTLSServer(http.HandlerFunc(func(res http.ResponseWriter, _ *http.Request) { _, _ = res.Write(samples.Picture()) }))
	t.Cleanup(w.origin.Close)
	w.uploads = upload.New(upload.Parts{
		Table: rows, Bucket: objects, Assets: w.assets, Workspaces: w.accounts, Folders: w.folders, Projects: w.projects, Remote: fromOrigin(w.origin),
	}, upload.Options{Now: now})
	w.orders = order.New(order.Parts{Table: rows, Bucket: objects, Assets: w.assets, Uploads: w.uploads, Sealer: sealer}, order.Options{Now: now})
	w.work = processing.Parts{Table: rows, Bucket: objects, Assets: w.assets, Uploads: w.uploads, Orders: w.orders}
	w.now = now
	w.visits = order.New(order.Parts{
		Table: rows, Bucket: objects, Assets: w.assets, Uploads: w.uploads, Sealer: sealer, Work: w.Processing().Visit,
	}, order.Options{Now: now})
	w.samples = &samples.World{
		Scene: samples.At(samples.Now), Table: db, Index: w.search, Bucket: w.bucket,
		BucketURL: w.server.URL() + "/" + w.server.Bucket, Origin: w.origin.URL + "/stock.png",
	}
	if err := w.samples.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.used = nil
	return w
}

// fromOrigin reads files from a server on this machine.
func fromOrigin(origin *httptest.Server) remote.Files {
	roots := x509.NewCertPool()
	roots.AddCert(origin.Certificate())
	return importer.New(importer.Options{Guard: guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), Roots: roots}})
}
