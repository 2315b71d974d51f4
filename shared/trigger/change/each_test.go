package change_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

func TestEachHandlesInOrderUpToTheFirstFailure(t *testing.T) {
	cs := []table.Change{announced("a"), otherRow(), becomesReady("b"), announced("c")}
	for _, tt := range []struct {
		name   string
		fails  int // place of the change whose handling fails; -1: none
		broken int // place of the record that is broken; -1: none
		want   string
		seen   int
	}{
		{"all good", -1, -1, "", 4},
		{"the third fails", 2, -1, "102", 3},
		{"the first fails", 0, -1, halved, 1},
		{"the second is broken", -1, 1, "101", 1},
		{"one fails before a broken one", 0, 1, halved, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := batch(t, cs...)
			if tt.broken >= 0 {
				e.Records[tt.broken].Change.SequenceNumber, e.Records[tt.broken].Change.StreamViewType = "101", "KEYS_ONLY"
			}
			var seen []table.Key
			r, err := change.Each(func(_ context.Context, c table.Change) error {
				seen = append(seen, c.Key)
				if len(seen)-1 == tt.fails {
					return errors.New("said by the test")
				}
				return nil
			})(t.Context(), e)
			if got := reported(t, r, err); got != tt.want {
				t.Errorf("the stream goes on from %q, want %q", got, tt.want)
			}
			var want []table.Key
			for _, c := range cs[:tt.seen] {
				want = append(want, c.Key)
			}
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("handled (-want +got):\n%s", diff)
			}
		})
	}
	if r, err := change.Each(nil)(t.Context(), events.DynamoDBEvent{}); err != nil || len(r.BatchItemFailures) > 0 {
		t.Errorf("an empty batch gave %v, %v", r, err)
	}
}

// cellar is what the clean-up needs, on a table and with a bucket that nothing reaches.
type cellar struct {
	db      *sqlite.DB
	folders *folder.Service
	uploads *upload.Service
	hooks   *webhook.Service
	search  *search.Service // nil: none
	metrics *metric.Log
}

func (c *cellar) Uploads() *upload.Service   { return c.uploads }
func (c *cellar) Orders() *order.Service     { return order.New(order.Parts{Table: c.db}, order.Options{}) }
func (c *cellar) Folders() *folder.Service   { return c.folders }
func (c *cellar) Webhooks() *webhook.Service { return c.hooks }
func (c *cellar) Metrics() *metric.Log       { return c.metrics }
func (c *cellar) Search() *search.Service    { return c.search }

func newCellar(t testing.TB) *cellar {
	t.Helper()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	unreachable := blobtest.Wrap(nil, func(blobtest.Call) blobtest.Fault { return blobtest.Unavailable })
	return &cellar{
		db: db, folders: folder.New(db, folder.Options{}), uploads: upload.New(upload.Parts{Table: db, Bucket: unreachable}, upload.Options{}),
		hooks: webhook.New(webhook.Parts{Table: db, Sender: taker{}, Root: secret.NewRoot}, webhook.Options{}),
	}
}

// taker takes whatever is sent anywhere.
type taker struct{}

func (taker) Check(string) error { return nil }

func (taker) Send(context.Context, string, map[string]string, []byte) (int, error) { return 204, nil }

// changes counts the changes of the table so far.
func (c *cellar) changes(t testing.TB) int {
	t.Helper()
	cs, _, err := c.db.Changes(t.Context(), "", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	return len(cs)
}

func TestCleanUpStopsWhereTheBucketCannotBeReached(t *testing.T) {
	c := newCellar(t)
	deleted := becomesReady("deleted")
	deleted.Old, deleted.New = deleted.New, nil
	r, err := change.CleanUp(c)(t.Context(), batch(t, announced("a"), deleted, announced("b")))
	if got := reported(t, r, err); got != "101" {
		t.Errorf("the stream goes on from %q, want the deletion's 101", got)
	}
}

func TestCleanUpEmptiesADeletedFolder(t *testing.T) {
	c := newCellar(t)
	w := id.NewWorkspace(noon)
	p := access.Principal{Key: id.NewKey(noon), Grants: map[id.Workspace]access.Role{w: access.Owner}}
	goes, err := c.folders.Create(t.Context(), p, w, "goes")
	if err != nil {
		t.Fatal(err)
	}
	stays, err := c.folders.Create(t.Context(), p, w, "stays")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []folder.Folder{goes, goes, stays} {
		if _, err := c.folders.AddText(t.Context(), p, w, f.ID, "text", ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.folders.Delete(t.Context(), p, w, goes.ID, true); err != nil {
		t.Fatal(err)
	}
	cs, _, err := c.db.Changes(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the stream may deliver twice
		r, err := change.CleanUp(c)(t.Context(), batch(t, cs...))
		if got := reported(t, r, err); got != "" {
			t.Fatalf("the stream goes on from %q", got)
		}
	}
	for f, want := range map[id.Folder]int{goes.ID: 0, stays.ID: 1} {
		pg, err := c.db.Query(t.Context(), table.Query{PK: w.String(), From: schema.FolderItemPrefix(f), To: schema.AfterPrefix(schema.FolderItemPrefix(f)), Limit: 10})
		if err != nil || len(pg.Items) != want {
			t.Errorf("folder %s holds %d items, %v, want %d", f, len(pg.Items), err, want)
		}
	}
}

func TestCleanUpEmptiesADeletedWebhook(t *testing.T) {
	c := newCellar(t)
	w := id.NewWorkspace(noon)
	p := access.Principal{Key: id.NewKey(noon), Grants: map[id.Workspace]access.Role{w: access.Owner}}
	var made []id.Webhook
	for range 2 {
		h, _, err := c.hooks.Create(t.Context(), p, w, webhook.Spec{URL: "https://hooks.example/"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.hooks.Test(t.Context(), p, w, h.ID); err != nil {
			t.Fatal(err)
		}
		made = append(made, h.ID)
	}
	if err := c.hooks.Delete(t.Context(), p, w, made[0]); err != nil {
		t.Fatal(err)
	}
	cs, _, err := c.db.Changes(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the stream may deliver twice
		r, err := change.CleanUp(c)(t.Context(), batch(t, cs...))
		if got := reported(t, r, err); got != "" {
			t.Fatalf("the stream goes on from %q", got)
		}
	}
	for i, want := range []int{0, 1} {
		pg, err := c.db.Query(t.Context(), table.Query{PK: made[i].String(), Limit: 10})
		if err != nil || len(pg.Items) != want {
			t.Errorf("webhook %d has %d deliveries, %v, want %d", i, len(pg.Items), err, want)
		}
	}
}

func TestCleanUpTakesTheWebhookOfADeletedClient(t *testing.T) {
	c := newCellar(t)
	w := id.NewWorkspace(noon)
	owner := func() access.Principal {
		client := id.NewClient(w, noon)
		p := access.Principal{Key: client.Key(), Client: client, Grants: map[id.Workspace]access.Role{w: access.Editor}}
		if _, _, err := c.hooks.CreateOwn(t.Context(), p, id.Webhook{}, "https://hooks.example/"); err != nil {
			t.Fatal(err)
		}
		return p
	}
	gone, stays := owner(), owner()
	k := schema.ListedClientKey(w, gone.Client)
	deleted := table.Change{Key: k, Old: table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK)}, At: noon}
	for range 2 { // the stream may deliver twice
		r, err := change.CleanUp(c)(t.Context(), batch(t, deleted))
		if got := reported(t, r, err); got != "" {
			t.Fatalf("the stream goes on from %q", got)
		}
	}
	if _, err := c.hooks.Own(t.Context(), gone); !fault.Is(err, fault.NotFound) {
		t.Errorf("the webhook of the deleted client gave %v, want %q", err, fault.NotFound)
	}
	if _, err := c.hooks.Own(t.Context(), stays); err != nil {
		t.Errorf("the webhook of another client gave %v, want it left", err)
	}
}

func TestCleanUpLeavesWhatLeavesNothingBehind(t *testing.T) {
	c := newCellar(t)
	r, err := change.CleanUp(c)(t.Context(), batch(t, announced("a"), becomesReady("b"), otherRow()))
	if got := reported(t, r, err); got != "" {
		t.Errorf("the stream goes on from %q", got)
	}
	if n := c.changes(t); n > 0 {
		t.Errorf("the clean-up made %d changes", n)
	}
}

func TestCleanUpStopsAtARowThatCannotBeRead(t *testing.T) {
	c := newCellar(t)
	bad := becomesReady("b")
	bad.Old[schema.CreatedBy] = table.String("nobody")
	r, err := change.CleanUp(c)(t.Context(), batch(t, announced("a"), bad))
	if got := reported(t, r, err); got != "101" {
		t.Errorf("the stream goes on from %q, want 101", got)
	}
}
