package cost

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"maps"
	"mime/multipart"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// sent is a bus that keeps what was published.
type sent struct{ events []bus.Event }

// Publish takes all events.
func (s *sent) Publish(_ context.Context, es []bus.Event) ([]int, error) {
	s.events = append(s.events, es...)
	return nil, nil
}

// picture is a PNG of 3 by 2 pixels.
func picture() []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 3, 2))); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// bill adds up what a flow costs: requests to API, functions, table, bucket and bus, and the table's units.
type bill struct {
	requests    int
	read, write float64
}

// costed are the engines of a warm installation whose calls are counted.
type costed struct {
	table  table.Table
	feed   table.Feed
	bucket blob.Bucket
	bus    *sent
	root   secret.Root
}

func (c *costed) Table() table.Table     { return c.table }
func (c *costed) Search() table.Table    { return nil } // what an index costs is told by shared/search
func (c *costed) Bucket() blob.Bucket    { return c.bucket }
func (c *costed) Bus() bus.Publisher     { return c.bus }
func (c *costed) Root() secret.Root      { return c.root }
func (c *costed) Remote() remote.Files   { return importer.New(importer.Options{}) }
func (c *costed) Sender() webhook.Sender { return sender.New(sender.Options{}) }
func (c *costed) PublicURL() string      { return "https://assets.example.com" }
func (c *costed) Upload() upload.Options { return upload.Options{} }
func (c *costed) BucketName() string     { return "" }
func (c *costed) Metrics() *metric.Log   { return nil }
func (c *costed) Warm(context.Context)   {}

// metered is one flow through an installation.
type metered struct {
	*costed
	services *boot.Services
	server   *versitytest.Server
	arrived  chan versity.Event
	key      string
	once     string // Idempotency-Key; "" sends none
	ws       id.Workspace
	bill     bill
}

func newMetered(t *testing.T, db interface {
	table.Table
	table.Feed
}) *metered {
	t.Helper()
	m := &metered{server: versitytest.Start(t), arrived: make(chan versity.Event, 4)}
	m.server.OnEvent(func(e versity.Event) { m.arrived <- e })
	m.costed = &costed{db, db, s3blob.New(m.server.Client(), m.server.Bucket, s3blob.Options{}), &sent{}, secret.NewRoot()}
	m.services = boot.New(m.costed)
	ws, err := m.services.Accounts().CreateWorkspace(t.Context(), "Cost")
	if err != nil {
		t.Fatal(err)
	}
	m.ws = ws.ID
	m.key, _, err = account.New(db, account.Options{}).IssueKey(t.Context(), "cost", map[id.Workspace]access.Role{ws.ID: access.Editor})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// count runs a part of the flow and adds what it used; own are the requests that no meter sees.
func (m *metered) count(own int, f func(ctx context.Context)) {
	ctx, units := table.WithMeter(context.Background())
	ctx, objects := blob.WithMeter(ctx)
	f(ctx)
	read, write, requests := units.Spent()
	m.bill.requests += own + requests + objects.Requests()
	m.bill.read += read
	m.bill.write += write
}

// call sends a request through the gateway to its function: two requests of their own.
func (m *metered) call(t *testing.T, h http.Handler, method, path, body string, want int) map[string]any {
	t.Helper()
	var out map[string]any
	m.count(2, func(ctx context.Context) {
		e := events.APIGatewayV2HTTPRequest{RawPath: path, Body: body, Headers: map[string]string{"authorization": "Bearer " + m.key}}
		if body != "" {
			e.Headers["content-type"] = "application/json"
		}
		if m.once != "" {
			e.Headers["idempotency-key"] = m.once
		}
		e.RequestContext.HTTP.Method = method
		got, err := web.Invoke(h)(ctx, e)
		if err != nil || got.StatusCode != want {
			t.Fatalf("%s %s answered %d %s, %v; want %d", method, path, got.StatusCode, got.Body, err, want)
		}
		if err := json.Unmarshal([]byte(got.Body), &out); err != nil {
			t.Fatal(err)
		}
	})
	return out
}

// create announces a picture.
func (m *metered) create(t *testing.T) map[string]any {
	t.Helper()
	return m.announce(t, http.StatusCreated)
}

// announce sends a create and wants a status.
func (m *metered) announce(t *testing.T, want int) map[string]any {
	t.Helper()
	return m.call(t, assets.Create(m.services), http.MethodPost, "/api/v1/assets",
		`{"source":"signed-url","workspace_id":"`+m.ws.String()+`","file_name":"a.png","content_type":"image/png"}`, want)
}

// send posts the form of a created asset: one request.
func (m *metered) send(t *testing.T, created map[string]any) {
	t.Helper()
	up, ok := created["upload"].(map[string]any)
	if !ok {
		t.Fatalf("no upload in %v", created)
	}
	var buf bytes.Buffer
	form := multipart.NewWriter(&buf)
	for k, v := range maps.All(up["form_fields"].(map[string]any)) {
		if err := form.WriteField(k, v.(string)); err != nil {
			t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(picture()); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	res, err := m.server.HTTP().Post(up["url"].(string), form.FormDataContentType(), &buf)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Fatalf("the form was answered %d", res.StatusCode)
	}
	m.bill.requests++
}

// event invokes the finalizer with the object event that waits: one request of its own.
func (m *metered) event(t *testing.T) {
	t.Helper()
	e := <-m.arrived
	m.count(1, func(ctx context.Context) {
		r := events.S3EventRecord{S3: events.S3Entity{Object: events.S3Object{Key: e.Key, URLDecodedKey: e.Key, VersionID: e.Version, Size: e.Size}}}
		if err := object.Handler(m.services)(ctx, events.S3Event{Records: []events.S3EventRecord{r}}); err != nil {
			t.Fatal(err)
		}
	})
}

// publish runs the stream's publisher over all changes. Its batch is shared by many uploads, so only what goes to the bus counts.
func (m *metered) publish(t *testing.T) {
	t.Helper()
	var e events.DynamoDBEvent
	for at := ""; ; {
		cs, next, err := m.feed.Changes(t.Context(), at, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			e.Records = append(e.Records, stream.Encode(c))
		}
		if len(cs) == 0 && next == at {
			break
		}
		at = next
	}
	if answer, err := change.Publish(m.services)(t.Context(), e); err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("publish: %v, %v", answer, err)
	}
	if len(m.bus.events) != 1 {
		t.Errorf("%d events were published for one upload, want 1", len(m.bus.events))
	}
	m.bill.requests++
}

// warm fills the caches of the functions, as any earlier request does.
func (m *metered) warm(t *testing.T) {
	t.Helper()
	m.create(t)
	m.bill = bill{}
}

// The budgets are those of shared/DESIGN.md, "Cost of one small upload".
func TestCostOfOneSmallUpload(t *testing.T) {
	flows := map[string]struct {
		budget bill
		run    func(t *testing.T, m *metered)
	}{
		"bare: create, bytes, event, published": {bill{9, 1, 3}, func(t *testing.T, m *metered) {
			m.send(t, m.create(t))
			m.event(t)
		}},
		"SDK, the event first": {bill{17, 2, 4}, func(t *testing.T, m *metered) {
			a := m.create(t)
			m.send(t, a)
			m.event(t)
			m.call(t, assets.Complete(m.services), http.MethodPost, "/api/v1/assets/"+a["asset_id"].(string)+"/complete", "", http.StatusOK)
			m.call(t, assets.Retrieve(m.services), http.MethodGet, "/api/v1/assets/"+a["asset_id"].(string), "", http.StatusOK)
		}},
		"SDK, complete first": {bill{17, 2, 4}, func(t *testing.T, m *metered) {
			a := m.create(t)
			m.send(t, a)
			m.call(t, assets.Complete(m.services), http.MethodPost, "/api/v1/assets/"+a["asset_id"].(string)+"/complete", "", http.StatusOK)
			m.event(t)
			m.call(t, assets.Retrieve(m.services), http.MethodGet, "/api/v1/assets/"+a["asset_id"].(string), "", http.StatusOK)
		}},
	}
	for name, f := range flows {
		t.Run(name+" on sqlite", func(t *testing.T) {
			db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			checkBill(t, newMetered(t, db), f.budget, f.run)
		})
		t.Run(name+" on dynamo", func(t *testing.T) {
			checkBill(t, newMetered(t, dynamotest.Open(t, schema.Indexes()...)), f.budget, f.run)
		})
	}
}

// TestCostOfAnIdempotencyKey holds what DESIGN.md says of it: what a request with a key costs beyond the same without one, and what a repeat costs.
func TestCostOfAnIdempotencyKey(t *testing.T) {
	check := func(t *testing.T, m *metered) {
		project := func() {
			m.call(t, assets.ProjectsCreate(m.services), http.MethodPost, "/api/v1/projects", `{"workspace_id":"`+m.ws.String()+`","name":"x"}`, http.StatusCreated)
		}
		for _, tt := range []struct {
			name string
			do   func()
			more bill
		}{
			{"create", func() { m.create(t) }, bill{1, 0, 1}},
			{"project", project, bill{2, 0, 2}},
		} {
			m.once, m.bill = "", bill{}
			tt.do()
			bare := m.bill
			m.once, m.bill = "key of "+tt.name, bill{}
			tt.do()
			more := bill{m.bill.requests - bare.requests, m.bill.read - bare.read, m.bill.write - bare.write}
			if more != tt.more {
				t.Errorf("%s with a key costs %+v more, want %+v", tt.name, more, tt.more)
			}
		}
		m.once, m.bill = "key of create", bill{}
		m.announce(t, http.StatusConflict)
		if want := (bill{3, 0, 1}); m.bill != want {
			t.Errorf("a repeat costs %+v, want %+v: gateway, function, one write that does not hold", m.bill, want)
		}
	}
	t.Run("on sqlite", func(t *testing.T) {
		db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		m := newMetered(t, db)
		m.warm(t)
		check(t, m)
	})
	t.Run("on dynamo", func(t *testing.T) {
		m := newMetered(t, dynamotest.Open(t, schema.Indexes()...))
		m.warm(t)
		check(t, m)
	})
}

func checkBill(t *testing.T, m *metered, budget bill, run func(*testing.T, *metered)) {
	t.Helper()
	m.warm(t)
	run(t, m)
	m.publish(t)
	if b := m.bill; b.requests > budget.requests || b.read > budget.read || b.write > budget.write {
		t.Errorf("cost %d requests, %v read and %v write units; budget %d, %v and %v", b.requests, b.read, b.write, budget.requests, budget.read, budget.write)
	}
	t.Logf("cost %d requests, %v read and %v write units", m.bill.requests, m.bill.read, m.bill.write)
}
