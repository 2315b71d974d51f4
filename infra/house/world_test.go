package house

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// The ids of the sample events. Those of one workspace end with its last eight digits.
const (
	sampleWorkspace = "ws_019b8d62-7a80-7000-8000-00005eed0001"
	sampleKeyID     = "key_019b8d62-7a80-7000-8000-00005eed0002"
	sampleProject   = "prj_019bc14f-ef80-7000-8000-00aa5eed0001"
	sampleWebhook   = "wh_019bc1a2-1000-7000-8000-00ee5eed0001"
	sampleDelivery  = "019bc0aa-2000-7000-8000-00ff5eed0001"
	sampleFolder    = "fld_019bc14f-ef80-7000-8000-00bb5eed0001"
	sampleNote      = "node_019bc16b-66c0-7000-8000-00cc5eed0001"
	sampleNode      = "node_019bc186-de00-7000-8000-00dd5eed0001"
	sampleHoliday   = "019bc186-de00-7000-8000-01a15eed0001" // ready, with bytes, on the project
	samplePoster    = "019bc18b-71e0-7000-8000-02b25eed0001" // pending
	sampleStock     = "019bc18b-0000-7000-8000-05e55eed0001" // pending, to be copied from an address
	sampleDraft     = "019bc119-0100-7000-8000-03c35eed0001" // failed: expired
	sampleReel      = "019bc18a-2a10-7000-8000-04d45eed0001" // pending, by parts
)

// sampleSecret is the API key of the sample events. It opens nothing but the worlds of these tests.
const sampleSecret = "sk_live_SampleKeyOfTheEventsInThisFolder000000000004UuLkx"

// sampleVersions are the object versions that sample events and golden answers name, in place of those that the bucket gave.
const (
	holidayVersion = "Hq2sT8kV0mWfXb4nZr6yLd1cPj3uGe5A"
	posterVersion  = "Pz7xN3vC9bQwLk5jHg1fDs8aTy2rUi4E"
	otherVersion   = "Or5yW1oT6eRiUq9pAm2sKd7fGh4jLz3X"
)

// sampleNow is when the sample events happen.
var sampleNow = time.Date(2026, 1, 15, 12, 10, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The typed forms of the sample ids.
var (
	workspaceID = must(id.ParseWorkspace(sampleWorkspace))
	keyID       = must(id.ParseKey(sampleKeyID))
	projectID   = must(id.ParseProject(sampleProject))
	folderID    = must(id.ParseFolder(sampleFolder))
)

// picture is the file behind the sample assets: a PNG of 3 by 2 pixels.
var picture = func() []byte {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		m.Set(i%3, i/3, color.NRGBA{R: uint8(40 * i), G: 120, B: uint8(250 - 40*i), A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

func sampleAsset(name, file string, s asset.State, grant time.Time) asset.Asset {
	return asset.Asset{
		ID: must(id.ParseAsset(name)), Workspace: workspaceID, Version: 1, State: s, Generation: 1, Name: file,
		Via: asset.ViaSigned, CreatedBy: keyID, Declared: "image/png", GrantUntil: grant,
	}
}

// holiday, poster and draft are the sample assets as their rows stand.
func holiday(version, etag string) asset.Asset {
	a := sampleAsset(sampleHoliday, "Férias em Lisboa.png", asset.Ready, time.Date(2026, 1, 15, 12, 15, 0, 0, time.UTC))
	a.Version, a.Project = 2, projectID
	a.Type, a.Size, a.Width, a.Height, a.Object, a.ETag = "image/png", int64(len(picture)), 3, 2, version, etag
	return a
}

func poster() asset.Asset {
	return sampleAsset(samplePoster, "poster.png", asset.Pending, time.Date(2026, 1, 15, 12, 20, 0, 0, time.UTC))
}

func draft() asset.Asset {
	a := sampleAsset(sampleDraft, "draft.png", asset.Failed, time.Date(2026, 1, 15, 10, 15, 0, 0, time.UTC))
	a.Version, a.Cause, a.Failure = 2, asset.Expired, "No bytes arrived while the upload could be begun."
	return a
}

// reelSize and reelPart are the plan of the reel: three parts, the last of 1 MiB.
const (
	reelSize = 11 << 20
	reelPart = 5 << 20
)

func reel(upload string) asset.Asset {
	a := sampleAsset(sampleReel, "reel.mp4", asset.Pending, time.Date(2026, 1, 15, 13, 0, 0, 0, time.UTC))
	a.Via, a.Declared, a.Expected, a.PartSize, a.Upload = asset.ViaParts, "video/mp4", reelSize, reelPart, upload
	return a
}

func stock() asset.Asset {
	a := sampleAsset(sampleStock, "stock.png", asset.Pending, time.Date(2026, 1, 15, 12, 20, 0, 0, time.UTC))
	a.Via = asset.ViaURL
	return a
}

// stockRow is the row of the import of the stock picture, from an address.
func stockRow(address string) table.Item {
	return row(schema.ImportKey(stock().ID), table.Item{
		schema.Workspace: table.String(sampleWorkspace), schema.Version: table.Int(1), schema.Generation: table.Int(1),
		schema.Address: table.String(address), schema.MaxSize: table.Int(upload.DefaultMaxImport), schema.Attempt: table.Int(1),
	})
}

// world is everything a function needs, on SQLite and a real bucket, with the sample things in it and a clock that stands still.
type world struct {
	db       *sqlite.DB
	server   *versitytest.Server
	origin   *httptest.Server // what imports copy from: the sample picture, wherever asked
	bucket   *s3blob.Bucket
	versions map[string]string // what the bucket gave to what samples say
	accounts *account.Service
	assets   *asset.Service
	uploads  *upload.Service
	links    *link.Service
	projects *project.Service
	folders  *folder.Service
	search   *search.Service
	once     *idempotency.Service
	webhooks *webhook.Service
	posts    *receiver
	bus      *recorder
	*witness
}

func (w *world) Accounts() *account.Service        { return w.accounts }
func (w *world) Assets() *asset.Service            { return w.assets }
func (w *world) Uploads() *upload.Service          { return w.uploads }
func (w *world) Projects() *project.Service        { return w.projects }
func (w *world) Folders() *folder.Service          { return w.folders }
func (w *world) Search() *search.Service           { return w.search }
func (w *world) Idempotency() *idempotency.Service { return w.once }
func (w *world) Webhooks() *webhook.Service        { return w.webhooks }
func (w *world) PublicURL() string                 { return "https://assets.example.com" }

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
	root := must(secret.ParseRoot(strings.Repeat("A", 43)))
	w := &world{db: db, server: versitytest.Start(t), versions: map[string]string{}, bus: &recorder{}, posts: &receiver{Sender: sender.New(sender.Options{})}, witness: &witness{}}
	w.bucket = s3blob.New(w.server.Client(), w.server.Bucket, s3blob.Options{Now: now})
	entries, err := sqlite.Open(filepath.Join(t.TempDir(), "search.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = entries.Close() })
	rows, objects := watchedTable{db, "table", w.witness}, watchedBucket{w.bucket, w.witness}
	sealer := page.NewLazySealer(func() secret.Root {
		w.note("secretsmanager:GetSecretValue on key")
		return root
	})
	w.accounts = account.New(rows, account.Options{Now: now})
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
	w.origin = httptest.NewTLSServer(http.HandlerFunc(func(res http.ResponseWriter, _ *http.Request) { _, _ = res.Write(picture) }))
	t.Cleanup(w.origin.Close)
	w.uploads = upload.New(upload.Parts{
		Table: rows, Bucket: objects, Assets: w.assets, Workspaces: w.accounts, Folders: w.folders, Projects: w.projects, Remote: fromOrigin(w.origin),
	}, upload.Options{Now: now})
	w.fill(t)
	return w
}

// fill writes the sample rows and objects.
func (w *world) fill(t *testing.T) {
	t.Helper()
	o := w.store(t, holiday("", ""), picture, holidayVersion)
	f := folder.Folder{ID: folderID, Workspace: workspaceID, Name: "Campaign"}
	hour := sampleNow.Truncate(time.Hour)
	rows := []table.Item{
		row(schema.WorkspaceKey(workspaceID), table.Item{schema.Name: table.String("Studio"), schema.LinkEpoch: table.Int(1), schema.Version: table.Int(1)}),
		row(schema.APIKeyKey(sha256.Sum256([]byte(sampleSecret))), table.Item{
			schema.KeyID: table.String(sampleKeyID), schema.Home: table.String(sampleWorkspace), schema.Name: table.String("samples"),
			schema.Grants: table.Map{sampleWorkspace: table.String("owner")}, schema.Version: table.Int(1),
		}),
		row(schema.ProjectKey(workspaceID, projectID), table.Item{
			schema.Name: table.String("Spring campaign"), schema.CreatedBy: table.String(sampleKeyID), schema.Version: table.Int(1),
		}),
		row(schema.FolderKey(workspaceID, f.ID), table.Item{
			schema.Name: table.String(f.Name), schema.CreatedBy: table.String(sampleKeyID), schema.Version: table.Int(1),
		}),
		row(schema.FolderNameKey(workspaceID, "campaign"), table.Item{schema.Name: table.String(f.Name), schema.FolderID: table.String(sampleFolder)}),
		row(schema.FolderItemKey(workspaceID, f.ID, must(id.ParseNode(sampleNote))), table.Item{
			schema.NodeID: table.String(sampleNote), schema.NodeType: table.String("text"), schema.Text: table.String("Warm light, no people."),
			schema.CreatedBy: table.String(sampleKeyID), schema.Version: table.Int(1),
		}),
		holiday(o.Version, o.ETag).Row(), poster().Row(), draft().Row(),
		project.NodePut(projectID, must(id.ParseAsset(sampleHoliday)), must(id.ParseNode(sampleNode))).Item,
		row(schema.ActiveKey(hour, workspaceID), nil),
		row(schema.WebhookCountKey(workspaceID), table.Item{schema.Count: table.Int(1)}),
		row(schema.WebhookKey(workspaceID, must(id.ParseWebhook(sampleWebhook))), table.Item{
			schema.URL: table.String("https://shop.example.com/hooks"), schema.Enabled: table.Bool(true), schema.Epoch: table.Int(1),
			schema.Events: table.List{table.String("asset.ready")}, schema.Failures: table.Int(0),
			schema.CreatedBy: table.String(sampleKeyID), schema.Version: table.Int(1),
		}),
		row(schema.DeliveryKey(must(id.ParseWebhook(sampleWebhook)), must(id.ParseDelivery(sampleDelivery))), table.Item{
			schema.Event: table.String(sampleDraft + ":7"), schema.EventType: table.String("asset.ready"), schema.Progress: table.String("dead"),
			schema.Body:    table.String(`{"type":"asset.ready","timestamp":"2026-01-15T09:00:00Z","data":{"schema_version":1}}`),
			schema.OnAsset: table.String(sampleDraft), schema.AssetVersion: table.Int(7), schema.Attempts: table.Int(10), schema.Claims: table.Int(20),
			schema.Due: table.Int(sampleNow.UnixMilli()), schema.DueSeq: table.Int(19), schema.AttemptedAt: table.Int(sampleNow.UnixMilli()),
			schema.Took: table.Int(87), schema.Status: table.Int(503), schema.Failure: table.String("The receiver answered 503; 200 to 299 are success."),
			table.AttrExpires: table.Int(sampleNow.Add(20 * 24 * time.Hour).Unix()),
		}),
		row(schema.SweepKey(), table.Item{schema.Hour: table.String(hour.Format(schema.HourFormat))}),
	}
	for _, it := range rows {
		if _, err := w.db.Write(t.Context(), table.Put(it, table.Absent())); err != nil {
			t.Fatalf("write %s: %v", it.Key(), err)
		}
		if err := w.search.Apply(t.Context(), table.Change{Key: it.Key(), New: it}); err != nil {
			t.Fatalf("index %s: %v", it.Key(), err)
		}
	}
	w.used = nil
}

// store puts bytes where the asset's belong.
func (w *world) store(t *testing.T, a asset.Asset, body []byte, version string) blob.Object {
	t.Helper()
	o, err := w.bucket.Put(t.Context(), a.Source().Key(), bytes.NewReader(body), int64(len(body)), blob.PutOptions{Type: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	w.versions[o.Version] = version
	return o
}

// posterArrives brings the poster's bytes.
func (w *world) posterArrives(t *testing.T) { w.store(t, poster(), picture, posterVersion) }

// holidayIsReplaced uses the form of the sample picture again, for other bytes.
func (w *world) holidayIsReplaced(t *testing.T) {
	w.store(t, holiday("", ""), []byte(otherBytes), otherVersion)
}

// reelBegins opens the reel's upload, and brings its first part.
func (w *world) reelBegins(t *testing.T) {
	up, err := w.bucket.StartParts(t.Context(), reel("").Source().Key(), blob.PutOptions{Type: "video/mp4"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.bucket.PutPart(t.Context(), reel("").Source().Key(), up, 1, bytes.NewReader(make([]byte, reelPart)), reelPart); err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Write(t.Context(), table.Put(reel(up).Row(), table.Absent())); err != nil {
		t.Fatal(err)
	}
}

// deliveryIsDue has the sample delivery wait for an attempt whose time has come.
func (w *world) deliveryIsDue(t *testing.T) {
	wh, d := must(id.ParseWebhook(sampleWebhook)), must(id.ParseDelivery(sampleDelivery))
	for _, wr := range []table.Write{
		table.Update(schema.DeliveryKey(wh, d), table.Present(),
			table.Set(schema.Progress, table.String("pending")), table.Set(schema.Attempts, table.Int(3))),
		table.Put(row(schema.WebhookDueKey(sampleNow, d, 19), table.Item{
			schema.Workspace: table.String(sampleWorkspace), schema.Hook: table.String(sampleWebhook),
		}), table.Absent()),
	} {
		if _, err := w.db.Write(t.Context(), wr); err != nil {
			t.Fatal(err)
		}
	}
}

// stockIsAnnounced announces the import of the stock picture.
func (w *world) stockIsAnnounced(t *testing.T) {
	for _, it := range []table.Item{stock().Row(), stockRow(w.origin.URL + "/stock.png")} {
		if _, err := w.db.Write(t.Context(), table.Put(it, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
}

// fromOrigin reads files from a server on this machine.
func fromOrigin(origin *httptest.Server) remote.Files {
	roots := x509.NewCertPool()
	roots.AddCert(origin.Certificate())
	return importer.New(importer.Options{Guard: guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, Ports: []int{0}}), Roots: roots}})
}

const otherBytes = "<!doctype html><script>alert(1)</script>"

func row(k table.Key, it table.Item) table.Item {
	if it == nil {
		it = table.Item{}
	}
	it[table.AttrPK], it[table.AttrSK] = table.String(k.PK), table.String(k.SK)
	return it
}
