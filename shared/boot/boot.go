// Package boot turns an environment into ready services, each built when first asked for, so that a function builds and links only
// what its route needs.
//
// Engines are the technology beneath: AWS's here, SQLite and a local bucket in infra/local. Everything above them is the same code.
package boot

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// Engines are what services stand on. Each is asked for once; a panic (an engine that cannot be had) is not remembered.
type Engines interface {
	Table() table.Table
	Search() table.Table // the search index's; nil where it is switched off
	Bucket() blob.Bucket
	BucketName() string // as the bucket's events have it; "": they are not compared
	Bus() bus.Publisher
	Root() secret.Root
	Remote() remote.Files     // files at addresses, for imports
	Sender() webhook.Sender   // posts events to the servers of users
	PublicURL() string        // origin of links, without a slash at its end; "" is the request's own
	Upload() upload.Options   // how uploads are granted
	Rates() ratelimit.Options // how many requests clients have
	Work() processing.Options // how orders are worked on
	Order() order.Options     // what orders may be
	Introspection() bool      // may clients ask for the schema of GraphQL by a query
	Metrics() *metric.Log     // what the stack does; nil: none are written
	Warm(ctx context.Context) // opens the connection to the table; failing is no matter
}

// Services gives every service, once. Safe for concurrent use.
type Services struct {
	limits     lazy[*ratelimit.Limiter]
	engines    Engines
	table      lazy[table.Table]
	search     lazy[*search.Service]
	bucket     lazy[blob.Bucket]
	bus        lazy[bus.Publisher]
	root       lazy[secret.Root]
	remote     lazy[remote.Files]
	sealer     lazy[*page.Sealer]
	accounts   lazy[*account.Service]
	assets     lazy[*asset.Service]
	folders    lazy[*folder.Service]
	projects   lazy[*project.Service]
	links      lazy[*link.Service]
	uploads    lazy[*upload.Service]
	orders     lazy[*order.Service]
	visits     lazy[*order.Service]
	processing lazy[*processing.Service]
	once       lazy[*idempotency.Service]
	webhooks   lazy[*webhook.Service]
	metrics    lazy[*metric.Log]
}

// New makes Services on engines. It builds nothing yet.
func New(e Engines) *Services { return &Services{engines: e} }

// Table is the metadata store.
func (s *Services) Table() table.Table { return s.table.get(s.engines.Table) }

// Bucket is the store of the bytes.
func (s *Services) Bucket() blob.Bucket { return s.bucket.get(s.engines.Bucket) }

// BucketName is how the bucket's events name it; "" where it has no name.
func (s *Services) BucketName() string { return s.engines.BucketName() }

// Bus is where domain events go.
func (s *Services) Bus() bus.Publisher { return s.bus.get(s.engines.Bus) }

// Metrics says what the stack does; nil where nobody is told.
func (s *Services) Metrics() *metric.Log { return s.metrics.get(s.engines.Metrics) }

// PublicURL is the origin of links, or "" for the request's own.
func (s *Services) PublicURL() string { return s.engines.PublicURL() }

// Introspection says whether clients may ask for the schema of GraphQL by a query.
func (s *Services) Introspection() bool { return s.engines.Introspection() }

func (s *Services) rootKey() secret.Root { return s.root.get(s.engines.Root) }

func (s *Services) cursors() *page.Sealer {
	return s.sealer.get(func() *page.Sealer { return page.NewLazySealer(s.rootKey) })
}

// WarmTable opens the connection to the table. Mains run it beside the rest of init, where Lambda lends a full CPU.
func (s *Services) WarmTable(ctx context.Context) { s.engines.Warm(ctx) }

// Warm opens the connection to the table and reads the root key, for functions that make links or cursors.
func (s *Services) Warm(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.engines.Warm(ctx)
	}()
	s.tryRootKey(ctx)
	<-done
}

// tryRootKey reads the root key early. A failure is logged, and met again by the request that needs the key.
func (s *Services) tryRootKey(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			slog.ErrorContext(ctx, "root key not read in init", "cause", p)
		}
	}()
	s.rootKey()
}

// Accounts knows workspaces, API keys, clients and their tokens.
func (s *Services) Accounts() *account.Service {
	return s.accounts.get(func() *account.Service { return account.New(s.Table(), account.Options{}) })
}

// Limits counts the requests of clients.
func (s *Services) Limits() *ratelimit.Limiter {
	return s.limits.get(func() *ratelimit.Limiter { return ratelimit.New(s.Table(), s.engines.Rates()) })
}

// Assets reads, lists, changes and deletes assets.
func (s *Services) Assets() *asset.Service {
	return s.assets.get(func() *asset.Service {
		return asset.New(s.Table(), s.Accounts(), s.cursors(), asset.Options{Folders: s.Folders(), Index: s.Search, Holds: s.holds()})
	})
}

// Search keeps and reads the search index; nil where it is switched off.
func (s *Services) Search() *search.Service {
	return s.search.get(func() *search.Service {
		index := s.engines.Search()
		if index == nil {
			return nil
		}
		return search.New(s.Table(), index, s.Accounts())
	})
}

// Folders knows the library folders.
func (s *Services) Folders() *folder.Service {
	return s.folders.get(func() *folder.Service { return folder.New(s.Table(), folder.Options{}) })
}

// Projects knows projects and what is on them.
func (s *Services) Projects() *project.Service {
	return s.projects.get(func() *project.Service {
		return project.New(s.Table(), s.Assets(), s.cursors(), project.Options{})
	})
}

// Links opens the links of assets.
func (s *Services) Links() *link.Service {
	return s.links.get(func() *link.Service {
		return link.NewService(link.New(s.rootKey()), s.Assets(), s.Accounts(), s.Bucket(), link.Options{})
	})
}

// Uploads brings bytes to assets.
func (s *Services) Uploads() *upload.Service {
	return s.uploads.get(func() *upload.Service {
		return upload.New(upload.Parts{
			Table: s.Table(), Bucket: s.Bucket(), Assets: s.Assets(), Workspaces: s.Accounts(),
			Folders: s.Folders(), Projects: s.Projects(), Remote: s.remote.get(s.engines.Remote),
		}, s.held(s.counted(s.engines.Upload())))
	})
}

// counted lets the metrics hear of what uploads do.
func (s *Services) counted(o upload.Options) upload.Options {
	if m := s.Metrics(); m != nil {
		o.Begun = func(asset.Asset) { m.Begun() }
		o.Ready = func(_ asset.Asset, took time.Duration) { m.Took(took) }
	}
	return o
}

// Orders bundles assets, submits them, and keeps what is made of them.
func (s *Services) Orders() *order.Service {
	return s.orders.get(func() *order.Service {
		return order.New(order.Parts{
			Table: s.Table(), Bucket: s.Bucket(), Assets: s.Assets(), Uploads: s.Uploads(), Sealer: s.cursors(),
		}, s.engines.Order())
	})
}

// holds knows which assets an order holds.
func (s *Services) holds() asset.Holds { return order.Holder{Table: s.Table()} }

// held lets uploads leave alone what an order holds.
func (s *Services) held(o upload.Options) upload.Options {
	o.Holds = s.holds()
	return o
}

// OrderVisits are the orders as the schedule looks after them: those in work are shown to Processing.
func (s *Services) OrderVisits() *order.Service {
	return s.visits.get(func() *order.Service {
		return order.New(order.Parts{
			Table: s.Table(), Bucket: s.Bucket(), Assets: s.Assets(), Uploads: s.Uploads(), Sealer: s.cursors(), Work: s.workers(nil).Visit,
		}, s.engines.Order())
	})
}

// Processing works on submitted orders. Whoever runs products says which when it first asks.
func (s *Services) Processing(ps ...product.Product) *processing.Service {
	return s.processing.get(func() *processing.Service { return s.workers(ps) })
}

// workers are anew for each who asks: the schedule knows no products, and may be the first in a process that has everything.
func (s *Services) workers(ps []product.Product) *processing.Service {
	return processing.New(processing.Parts{
		Table: s.Table(), Bucket: s.Bucket(), Assets: s.Assets(), Uploads: s.Uploads(), Orders: s.Orders(), Products: ps,
	}, s.engines.Work())
}

// Idempotency remembers the requests that carry a key.
func (s *Services) Idempotency() *idempotency.Service {
	return s.once.get(func() *idempotency.Service { return idempotency.New(s.Table(), idempotency.Options{}) })
}

// Webhooks sends events to the servers of users.
func (s *Services) Webhooks() *webhook.Service {
	return s.webhooks.get(func() *webhook.Service {
		o := webhook.Options{}
		if m := s.Metrics(); m != nil {
			o.Failed = func(webhook.Delivery) { m.Refused() }
		}
		return webhook.New(webhook.Parts{
			Table: s.Table(), Root: s.rootKey, Sealer: s.cursors(), Sender: s.engines.Sender(),
		}, o)
	})
}

// lazy is a value that is built when first asked for. A build that panics is tried again by the next caller.
type lazy[T any] struct {
	mu    sync.Mutex
	built bool
	value T
}

func (l *lazy[T]) get(build func() T) T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.built {
		l.value = build()
		l.built = true
	}
	return l.value
}
