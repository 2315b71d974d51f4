package orders_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// stack is the product below this API, on a real table and a real bucket, with one function in front.
type stack struct {
	t      *testing.T
	files  *files
	table  *sqlite.DB
	rows   table.Table // the table as the services see it
	bucket *s3blob.Bucket
	seen   string        // how far the changes of the table have been handled
	late   time.Duration // how far the clock of everything but the bucket is ahead
	door   http.Handler
	public string

	accounts *account.Service
	assets   *asset.Service
	uploads  *upload.Service
	folders  *folder.Service
	orders   *order.Service
	links    *link.Service
	webhooks *webhook.Service
	once     *idempotency.Service
	limits   *ratelimit.Limiter
	works    *processing.Service // nil: nobody works on orders

	home, other account.Workspace
	client      account.Client // of home
	token       string         // of client, for both scopes
	secret      string         // of client
}

func (s *stack) Accounts() *account.Service        { return s.accounts }
func (s *stack) Assets() *asset.Service            { return s.assets }
func (s *stack) Orders() *order.Service            { return s.orders }
func (s *stack) Links() *link.Service              { return s.links }
func (s *stack) Webhooks() *webhook.Service        { return s.webhooks }
func (s *stack) Idempotency() *idempotency.Service { return s.once }
func (s *stack) Uploads() *upload.Service          { return s.uploads }
func (s *stack) Folders() *folder.Service          { return s.folders }
func (s *stack) Introspection() bool               { return true }
func (s *stack) Search() *search.Service           { return nil }
func (s *stack) Metrics() *metric.Log              { return nil }
func (s *stack) Limits() *ratelimit.Limiter        { return s.limits }
func (s *stack) PublicURL() string                 { return s.public }

func (s *stack) now() time.Time { return time.Now().Add(s.late) }

func newStack(t *testing.T) *stack {
	t.Helper()
	return newStackBehind(t, func(db table.Table) table.Table { return db })
}

// newStackBehind is newStack whose services reach the table through what front puts before it.
func newStackBehind(t *testing.T, front func(table.Table) table.Table) *stack {
	t.Helper()
	s := &stack{t: t}
	file, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	db := front(file)
	s.table, s.rows = file, db
	s.files = serve(t)
	root := secret.NewRoot()
	sealer := page.NewSealer(root)
	engine := versitytest.Start(t)
	bucket := s3blob.New(engine.Client(), engine.Bucket, s3blob.Options{})
	s.accounts = account.New(db, account.Options{Now: s.now})
	s.folders = folder.New(db, folder.Options{})
	s.assets = asset.New(db, s.accounts, sealer, asset.Options{})
	s.links = link.NewService(link.New(root), s.assets, s.accounts, bucket, link.Options{Now: s.now})
	s.once = idempotency.New(db, idempotency.Options{Now: s.now})
	s.limits = ratelimit.New(db, ratelimit.Options{Now: s.now, Standard: 1_000_000})
	s.uploads = upload.New(upload.Parts{
		Table: db, Bucket: bucket, Assets: s.assets, Workspaces: s.accounts, Remote: importer.New(importer.Options{Guard: s.files.guard()}),
	}, upload.Options{Now: s.now})
	s.bucket = bucket
	s.orders = order.New(order.Parts{Table: db, Bucket: bucket, Assets: s.assets, Uploads: s.uploads, Sealer: sealer}, order.Options{Now: s.now})
	s.webhooks = webhook.New(webhook.Parts{
		Table: db, Root: func() secret.Root { return root }, Sealer: sealer, Sender: sender.New(sender.Options{Guard: s.files.guard()}),
	}, webhook.Options{Now: s.now})
	s.door = orders.Graphql(s)
	s.home, s.other = s.workspace("Home"), s.workspace("Other")
	s.client, s.secret, s.token = s.newClient(s.home, account.ClientSpec{})
	return s
}

func (s *stack) workspace(title string) account.Workspace {
	s.t.Helper()
	w, err := s.accounts.CreateWorkspace(s.t.Context(), title)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// newClient registers a client, and signs it in for all its scopes.
func (s *stack) newClient(w account.Workspace, spec account.ClientSpec) (c account.Client, secret, token string) {
	s.t.Helper()
	secret, c, err := s.accounts.IssueClient(s.t.Context(), "test", w.ID, spec)
	if err != nil {
		s.t.Fatal(err)
	}
	return c, secret, s.signIn(c, secret, "")
}

func (s *stack) signIn(c account.Client, secret, scope string) string {
	s.t.Helper()
	token, err := s.accounts.Exchange(s.t.Context(), c.ID.String(), secret, scope)
	if err != nil {
		s.t.Fatal(err)
	}
	return token.Secret
}

// settle does what the table's stream, the bus and its queues bring about, until nothing changes any more.
func (s *stack) settle() {
	s.t.Helper()
	for {
		cs, next, err := s.table.Changes(context.Background(), s.seen, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(cs) == 0 {
			return
		}
		for _, c := range cs {
			e, told, err := bus.FromChange(c)
			if err == nil && told {
				err = s.told(e)
			}
			if err == nil {
				_, err = change.CleanUp(s)(s.t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{stream.Encode(c)}})
			}
			if err != nil {
				s.t.Fatal(err)
			}
		}
		s.seen = next
	}
}

// told does what the queues behind the bus lead to.
func (s *stack) told(e bus.Event) error {
	w, err := id.ParseWorkspace(e.Detail.Workspace)
	if err != nil {
		return err
	}
	if e.Type == bus.OrderSubmitted && s.works != nil {
		o, err := id.ParseOrder(e.Detail.Order.Order)
		if err != nil {
			return err
		}
		return s.works.Work(s.t.Context(), w, o, e.Detail.Order.Attempt)
	}
	if e.Type != bus.ImportRequested {
		return s.webhooks.Handle(s.t.Context(), e)
	}
	a, err := id.ParseAsset(e.Detail.Asset)
	if err != nil {
		return err
	}
	return s.uploads.Import(s.t.Context(), w, a, e.Detail.Version)
}

// files is a server of somebody else: clients' inputs lie there, and it takes what webhooks send.
type files struct {
	*httptest.Server
	mu    sync.Mutex
	held  map[string][]byte // by path
	taken []taken
}

// taken is what a webhook sent.
type taken struct {
	header http.Header
	body   string
}

func serve(t *testing.T) *files {
	f := &files{held: map[string][]byte{}}
	f.Server = httptest.NewTLSServer(f)
	t.Cleanup(f.Close)
	return f
}

// ServeHTTP gives a file, or takes an event.
func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && r.Method == http.MethodPost {
		f.taken = append(f.taken, taken{r.Header, string(body)})
		return
	}
	file, ok := f.held[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"one"`)
	http.ServeContent(w, r, path.Base(r.URL.Path), time.Time{}, bytes.NewReader(file))
}

// put lays a file down, and gives its address.
func (f *files) put(name string, file []byte) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held["/"+name] = file
	return f.URL + "/" + name
}

func (f *files) events() []taken {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.taken)
}

// guard lets the product reach the server.
func (f *files) guard() guard.Options {
	roots := x509.NewCertPool()
	roots.AddCert(f.Certificate())
	return guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), Roots: roots}
}
