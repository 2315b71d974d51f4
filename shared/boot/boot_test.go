package boot_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// counting are engines that count how often each is asked for, and fail when told to.
type counting struct {
	db *sqlite.DB

	mu    sync.Mutex
	asked map[string]int
	fails map[string]bool

	metrics *metric.Log
}

func newCounting(t testing.TB) *counting {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &counting{db: db, asked: map[string]int{}, fails: map[string]bool{}}
}

func (c *counting) ask(engine string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked[engine]++
	if c.fails[engine] {
		panic(engine + " cannot be had")
	}
}

func (c *counting) fail(engine string, fails bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails[engine] = fails
}

func (c *counting) Table() table.Table { c.ask("table"); return c.db }
func (c *counting) Search() table.Table {
	c.ask("search")
	return c.db
}
func (c *counting) Bucket() blob.Bucket {
	c.ask("bucket")
	return blobtest.Wrap(nil, func(blobtest.Call) blobtest.Fault { return blobtest.Unavailable })
}
func (c *counting) Bus() bus.Publisher       { c.ask("bus"); return deaf{} }
func (c *counting) Root() secret.Root        { c.ask("root"); return secret.NewRoot() }
func (c *counting) Remote() remote.Files     { c.ask("remote"); return importer.New(importer.Options{}) }
func (c *counting) PublicURL() string        { return "https://assets.example.com" }
func (c *counting) Sender() webhook.Sender   { c.ask("sender"); return silent{} }
func (c *counting) Upload() upload.Options   { c.ask("upload"); return upload.Options{} }
func (c *counting) Order() order.Options     { c.ask("order"); return order.Options{} }
func (c *counting) Rates() ratelimit.Options { c.ask("rates"); return ratelimit.Options{} }
func (c *counting) Introspection() bool      { return true }
func (c *counting) Work() processing.Options { c.ask("work"); return processing.Options{} }
func (c *counting) Warm(context.Context)     { c.ask("warm") }
func (c *counting) BucketName() string       { return "assets" }
func (c *counting) Metrics() *metric.Log     { return c.metrics }

// silent sends nothing.
type silent struct{}

func (silent) Check(string) error { return nil }

func (silent) Send(context.Context, string, map[string]string, []byte) (int, error) { return 204, nil }

// deaf is a bus without listeners.
type deaf struct{}

func (deaf) Publish(context.Context, []bus.Event) ([]int, error) { return nil, nil }

// getters are every service, and the engines that it needs when it is built.
var getters = []struct {
	name  string
	get   func(*boot.Services) any
	needs []string
}{
	{"table", func(s *boot.Services) any { return s.Table() }, []string{"table"}},
	{"bucket", func(s *boot.Services) any { return s.Bucket() }, []string{"bucket"}},
	{"bus", func(s *boot.Services) any { return s.Bus() }, []string{"bus"}},
	{"accounts", func(s *boot.Services) any { return s.Accounts() }, []string{"table"}},
	{"assets, which read the root key with the first cursor", func(s *boot.Services) any { return s.Assets() }, []string{"table"}},
	{"the search index", func(s *boot.Services) any { return s.Search() }, []string{"table", "search"}},
	{"folders", func(s *boot.Services) any { return s.Folders() }, []string{"table"}},
	{"projects", func(s *boot.Services) any { return s.Projects() }, []string{"table"}},
	{"links", func(s *boot.Services) any { return s.Links() }, []string{"table", "bucket", "root"}},
	{"webhooks, which read the root key with the first secret", func(s *boot.Services) any { return s.Webhooks() }, []string{"table", "sender"}},
	{"limits", func(s *boot.Services) any { return s.Limits() }, []string{"table", "rates"}},
	{"uploads", func(s *boot.Services) any { return s.Uploads() }, []string{"table", "bucket", "remote", "upload"}},
	{"orders", func(s *boot.Services) any { return s.Orders() }, []string{"table", "bucket", "remote", "upload", "order"}},
}

func once(engines ...string) map[string]int {
	m := map[string]int{}
	for _, e := range engines {
		m[e] = 1
	}
	return m
}

func TestEachServiceIsBuiltOnceFromWhatItNeeds(t *testing.T) {
	for _, g := range getters {
		t.Run(g.name, func(t *testing.T) {
			c := newCounting(t)
			s := boot.New(c)
			if len(c.asked) > 0 {
				t.Errorf("New asked for %v", c.asked)
			}
			got := make([]any, 16)
			domaintest.Together(len(got), func(i int) { got[i] = g.get(s) })
			for _, v := range got[1:] {
				if v != got[0] {
					t.Error("two callers got different services")
				}
			}
			if diff := cmp.Diff(once(g.needs...), c.asked); diff != "" {
				t.Errorf("engines that were asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllServicesShareTheirEngines(t *testing.T) {
	c := newCounting(t)
	s := boot.New(c)
	for range 2 {
		for _, g := range getters {
			g.get(s)
		}
	}
	if diff := cmp.Diff(once("table", "search", "bucket", "bus", "root", "remote", "sender", "upload", "rates", "order"), c.asked); diff != "" {
		t.Errorf("engines that were asked for (-want +got):\n%s", diff)
	}
	if s.PublicURL() != "https://assets.example.com" {
		t.Errorf("PublicURL = %q", s.PublicURL())
	}
}

// panics gives what f panics with; nil is nothing.
func panics(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

func TestAnEngineThatCouldNotBeHadIsAskedAgain(t *testing.T) {
	for _, g := range getters {
		for _, engine := range g.needs {
			t.Run(g.name+" without "+engine, func(t *testing.T) {
				c := newCounting(t)
				s := boot.New(c)
				c.fail(engine, true)
				for range 2 {
					if p := panics(func() { g.get(s) }); p != engine+" cannot be had" {
						t.Errorf("without %s the service gave the panic %v", engine, p)
					}
				}
				c.fail(engine, false)
				if v := g.get(s); v == nil {
					t.Error("no service once the engine was there")
				}
				if c.asked[engine] != 3 {
					t.Errorf("the engine was asked for %d times, want 3", c.asked[engine])
				}
			})
		}
	}
}

func TestWarmReadsTheRootKeyBesideTheConnection(t *testing.T) {
	c := newCounting(t)
	s := boot.New(c)
	s.Warm(t.Context())
	s.Links()
	if diff := cmp.Diff(once("warm", "root", "table", "bucket"), c.asked); diff != "" {
		t.Errorf("engines that were asked for (-want +got):\n%s", diff)
	}
}

func TestWarmSurvivesARootKeyThatCannotBeRead(t *testing.T) {
	c := newCounting(t)
	c.fail("root", true)
	s := boot.New(c)
	s.Warm(t.Context())
	if diff := cmp.Diff(once("warm", "root"), c.asked); diff != "" {
		t.Errorf("engines that were asked for (-want +got):\n%s", diff)
	}
	c.fail("root", false)
	if s.Links() == nil || c.asked["root"] != 2 {
		t.Errorf("the request did not read the key that init could not read: asked %d times", c.asked["root"])
	}
}

func TestWarmTableReadsNoKey(t *testing.T) {
	c := newCounting(t)
	boot.New(c).WarmTable(t.Context())
	if diff := cmp.Diff(once("warm"), c.asked); diff != "" {
		t.Errorf("engines that were asked for (-want +got):\n%s", diff)
	}
}
