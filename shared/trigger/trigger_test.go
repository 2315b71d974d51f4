package trigger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// house is everything the triggers need, on a real table and a real bucket. It is the bus, too.
type house struct {
	db       *sqlite.DB
	bucket   *blobtest.Bucket
	assets   *asset.Service
	folders  *folder.Service
	uploads  *upload.Service
	orders   *order.Service
	webhooks *webhook.Service
	ws       account.Workspace
	who      access.Principal

	clock domaintest.Ahead
	fault func(blobtest.Call) blobtest.Fault
	told  []string // types of the events on the bus
	fed   string   // position in the feed
}

func (h *house) Uploads() *upload.Service   { return h.uploads }
func (h *house) Orders() *order.Service     { return h.orders }
func (h *house) Folders() *folder.Service   { return h.folders }
func (h *house) Webhooks() *webhook.Service { return h.webhooks }
func (h *house) Search() *search.Service    { return nil }
func (h *house) BucketName() string         { return "" }
func (h *house) Metrics() *metric.Log       { return nil }
func (h *house) Bus() bus.Publisher         { return h }

func (h *house) Publish(_ context.Context, es []bus.Event) ([]int, error) {
	for _, e := range es {
		h.told = append(h.told, string(e.Type)+" "+e.Detail.Name)
	}
	return nil, nil
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h, s3 := &house{}, versitytest.Start(t)
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h.db = db
	h.bucket = blobtest.Wrap(s3blob.New(s3.Client(), s3.Bucket, s3blob.Options{}), func(c blobtest.Call) blobtest.Fault {
		if h.fault == nil {
			return blobtest.None
		}
		return h.fault(c)
	})
	accounts := account.New(db, account.Options{Now: h.clock.Now})
	h.assets = asset.New(db, accounts, page.NewSealer(secret.NewRoot()), asset.Options{Now: h.clock.Now})
	h.folders = folder.New(db, folder.Options{Now: h.clock.Now})
	h.uploads = upload.New(upload.Parts{Table: db, Bucket: h.bucket, Assets: h.assets, Workspaces: accounts, Folders: h.folders}, upload.Options{Now: h.clock.Now})
	h.orders = order.New(order.Parts{Table: db, Bucket: h.bucket, Assets: h.assets, Uploads: h.uploads}, order.Options{Now: h.clock.Now})
	h.webhooks = webhook.New(webhook.Parts{Table: db}, webhook.Options{Now: h.clock.Now})
	if h.ws, err = accounts.CreateWorkspace(t.Context(), "Test"); err != nil {
		t.Fatal(err)
	}
	h.who = access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{h.ws.ID: access.Owner}}
	return h
}

// pdf is a whole document, as far as uploads look.
const pdf = "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

func (h *house) mustBegin(t testing.TB, name string) asset.Asset {
	t.Helper()
	a, _, err := h.uploads.Begin(t.Context(), h.who, upload.Draft{Workspace: h.ws.ID, Name: name, Declared: "application/pdf"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mustStore puts bytes where an asset's belong.
func (h *house) mustStore(t testing.TB, src schema.Source, body string) blob.Object {
	t.Helper()
	o, err := h.bucket.Put(t.Context(), src.Key(), strings.NewReader(body), int64(len(body)), blob.PutOptions{Type: "application/pdf"})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// arrived is the event of objects, as Lambda reads it.
func arrived(t testing.TB, objects ...blob.Object) events.S3Event {
	t.Helper()
	var b bytes.Buffer
	for i, o := range objects {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"eventName":"ObjectCreated:Post","s3":{"object":{"key":%q,"versionId":%q,"size":%d}}}`, strings.ReplaceAll(o.Key, "/", "%2F"), o.Version, o.Size)
	}
	var e events.S3Event
	if err := json.Unmarshal([]byte(`{"Records":[`+b.String()+`]}`), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// mustFeed gives both consumers of the stream what is new, twice, as the stream may.
func (h *house) mustFeed(t testing.TB) {
	t.Helper()
	cs, next, err := h.db.Changes(t.Context(), h.fed, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var e events.DynamoDBEvent
	for _, c := range cs {
		e.Records = append(e.Records, stream.Encode(c))
	}
	for _, consume := range []change.Consumer{change.Publish(h), change.CleanUp(h), change.CleanUp(h)} {
		if r, err := consume(t.Context(), e); err != nil || len(r.BatchItemFailures) > 0 {
			t.Fatalf("the stream goes on from %v, %v", r.BatchItemFailures, err)
		}
	}
	h.fed = next
}

func (h *house) get(t testing.TB, a asset.Asset) asset.Asset {
	t.Helper()
	got, err := h.assets.Get(t.Context(), h.who, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (h *house) versions(t testing.TB, a asset.Asset) int {
	t.Helper()
	vs, err := h.bucket.Versions(t.Context(), schema.ObjectPrefix(a.Workspace, a.ID), 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(vs)
}

func TestFromTheObjectToTheBusAndBack(t *testing.T) {
	h := newHouse(t)
	good, bad := h.mustBegin(t, "good"), h.mustBegin(t, "bad")
	e := arrived(t, h.mustStore(t, good.Source(), pdf), h.mustStore(t, bad.Source(), "<html>no document</html>"))
	for range 2 {
		if err := object.Handler(h)(t.Context(), e); err != nil {
			t.Fatalf("object event: %v", err)
		}
	}
	if g, b := h.get(t, good), h.get(t, bad); g.State != asset.Ready || b.State != asset.Failed || b.Cause != asset.Rejected {
		t.Errorf("the good upload is %s, the bad one %s (%s)", g.State, b.State, b.Cause)
	}
	h.mustFeed(t)
	if g, b := h.versions(t, good), h.versions(t, bad); g != 1 || b != 0 {
		t.Errorf("the bucket holds %d versions of the good upload and %d of the bad one, want 1 and 0", g, b)
	}
	if err := h.assets.Delete(t.Context(), h.who, good.ID); err != nil {
		t.Fatal(err)
	}
	h.mustFeed(t)
	if n := h.versions(t, good); n != 0 {
		t.Errorf("the bucket holds %d versions of the deleted asset", n)
	}
	if diff := cmp.Diff([]string{"asset.ready good", "asset.failed bad", "asset.deleted good"}, h.told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The bytes of an order's last input arrive, and nobody asks: the order goes to its workers, and others hear of it.
func TestTheLastInputMovesItsOrderOn(t *testing.T) {
	h := newHouse(t)
	o, err := h.orders.Initialize(t.Context(), h.who, order.Draft{Name: "Flat 7", Product: product.Areaplan})
	if err != nil {
		t.Fatal(err)
	}
	se, err := h.orders.BeginUpload(t.Context(), h.who, o.ID, order.Upload{Format: "xyz", Way: order.WaySingle})
	if err != nil {
		t.Fatal(err)
	}
	if o, err = h.orders.Submit(t.Context(), h.who, o.ID); err != nil || o.Status != order.Uploading {
		t.Fatalf("Submit = %s, %v", o.Status, err)
	}
	var points strings.Builder
	for i := range 200 {
		fmt.Fprintf(&points, "%d 1.5 2\n", i)
	}
	stored := h.mustStore(t, se.Asset.Source(), points.String())
	if err := object.Handler(h)(t.Context(), arrived(t, stored)); err != nil {
		t.Fatal(err)
	}
	h.mustFeed(t)
	if o, err = h.orders.Get(t.Context(), h.who, o.ID); err != nil || o.Status != order.Processing {
		t.Errorf("the order is %s, %v", o.Status, err)
	}
	h.told = nil
	h.mustFeed(t)
	if diff := cmp.Diff([]string{"order.submitted ", "order.updated "}, slices.Sorted(slices.Values(h.told))); diff != "" {
		t.Errorf("told of the order (-want +got):\n%s", diff)
	}
}

func TestARecordThatFailsDoesNotStopTheOthers(t *testing.T) {
	h := newHouse(t)
	first, failing, last := h.mustBegin(t, "first"), h.mustBegin(t, "failing"), h.mustBegin(t, "last")
	rowless := schema.Source{Workspace: h.ws.ID, Asset: id.NewAsset(h.ws.ID, h.clock.Now()), Generation: 1}
	e := arrived(t, h.mustStore(t, rowless, pdf), h.mustStore(t, first.Source(), pdf), h.mustStore(t, failing.Source(), pdf), h.mustStore(t, last.Source(), pdf))
	h.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Method == "Read" && c.Key == failing.Source().Key() {
			return blobtest.Unavailable
		}
		return blobtest.None
	}
	err := object.Handler(h)(t.Context(), e)
	for key, named := range map[string]bool{rowless.Key(): true, failing.Source().Key(): true, first.Source().Key(): false, last.Source().Key(): false} {
		if err == nil || strings.Contains(err.Error(), key) != named {
			t.Errorf("%s is named: want %t in %v", key, named, err)
		}
	}
	for _, tt := range []struct {
		asset asset.Asset
		want  asset.State
	}{{first, asset.Ready}, {failing, asset.Pending}, {last, asset.Ready}} {
		if got := h.get(t, tt.asset); got.State != tt.want {
			t.Errorf("%s is %s, want %s", got.Name, got.State, tt.want)
		}
	}
	h.fault = nil // S3 invokes again
	if err := object.Handler(h)(t.Context(), e); err == nil || strings.Contains(err.Error(), failing.Source().Key()) {
		t.Errorf("the repeated event gave %v, want only the object without a row", err)
	}
	if got := h.get(t, failing); got.State != asset.Ready {
		t.Errorf("after the repeated event the upload is %s", got.State)
	}
}

func TestTheSweepSettlesWhatNoEventDid(t *testing.T) {
	h := newHouse(t)
	lost, never := h.mustBegin(t, "lost"), h.mustBegin(t, "never")
	h.mustStore(t, lost.Source(), pdf)
	fire := func() error {
		return sweep.Handler(h)(t.Context(), events.CloudWatchEvent{Source: "aws.events", DetailType: "Scheduled Event"})
	}
	if err := fire(); err != nil {
		t.Fatalf("sweep: %v", err)
	}
	if l, n := h.get(t, lost), h.get(t, never); l.State != asset.Pending || n.State != asset.Pending {
		t.Errorf("uploads whose grants are alive are %s and %s, want both pending", l.State, n.State)
	}
	h.clock.Advance(2 * time.Hour)
	h.fault = func(c blobtest.Call) blobtest.Fault {
		if c.Key == lost.Source().Key() {
			return blobtest.Throttled
		}
		return blobtest.None
	}
	if err := fire(); err == nil {
		t.Error("a sweep that could not read an object gave no error")
	}
	if n := h.get(t, never); n.State != asset.Failed || n.Cause != asset.Expired {
		t.Errorf("beside the failure the upload without bytes is %s (%s), want failed (expired)", n.State, n.Cause)
	}
	h.fault = nil
	h.clock.Advance(2 * time.Hour) // what a sweep cannot settle is put off to the next hour
	young := h.mustBegin(t, "young")
	for range 2 {
		if err := fire(); err != nil {
			t.Errorf("the next sweep: %v", err)
		}
	}
	if l, y := h.get(t, lost), h.get(t, young); l.State != asset.Ready || y.State != asset.Pending {
		t.Errorf("the upload whose event was lost is %s, the young one %s; want ready and pending", l.State, y.State)
	}
}
