package dialects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"

	"github.com/assetry/assetry/infra/dialects"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/infra/orderer"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/domaintest/drivers"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// engines are a table and a bucket, and nobody to tell.
type engines struct {
	boot.Defaults
	table  table.Table
	bucket blob.Bucket
	root   secret.Root
}

func (e engines) Table() table.Table       { return e.table }
func (e engines) Search() table.Table      { return nil }
func (e engines) Bucket() blob.Bucket      { return e.bucket }
func (e engines) Bus() bus.Publisher       { return deaf{} }
func (e engines) Root() secret.Root        { return e.root }
func (e engines) Remote() remote.Files     { return importer.New(importer.Options{}) }
func (e engines) Sender() webhook.Sender   { return sender.New(sender.Options{Guard: guard.Options{}}) }
func (e engines) PublicURL() string        { return "https://assets.example.com" }
func (e engines) Rates() ratelimit.Options { return ratelimit.Options{Standard: 1_000_000} }

// deaf is a bus without listeners.
type deaf struct{}

// Publish takes everything.
func (deaf) Publish(context.Context, []bus.Event) ([]int, error) { return nil, nil }

// world is an installation with every dialect, over real engines.
type world struct {
	db       domaintest.Driver
	services *boot.Services
	api      string
	ws       id.Workspace
	key      string
	orders   *orderer.Client
	seen     string         // position in the table's feed
	changes  []table.Change // that nobody was told of yet
}

func newWorld(t *testing.T, open drivers.Open) *world {
	t.Helper()
	s3 := versitytest.Start(t)
	w := &world{db: open(t)}
	w.services = boot.New(engines{table: w.db, bucket: s3blob.New(s3.Client(), s3.Bucket, s3blob.Options{}), root: secret.NewRoot()})
	mux := http.NewServeMux()
	for _, r := range dialects.Routes(w.services, "us-east-1") {
		mux.Handle(r.Method+" "+r.Pattern, r.Handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.api = server.URL
	w.furnish(t)
	return w
}

// furnish makes a workspace with a key and a client.
func (w *world) furnish(t *testing.T) {
	t.Helper()
	ws, err := w.services.Accounts().CreateWorkspace(t.Context(), "Races")
	if err != nil {
		t.Fatal(err)
	}
	w.ws = ws.ID
	if w.key, _, err = w.services.Accounts().IssueKey(t.Context(), "races", map[id.Workspace]access.Role{ws.ID: access.Owner}); err != nil {
		t.Fatal(err)
	}
	secret, c, err := w.services.Accounts().IssueClient(t.Context(), "races", ws.ID, account.ClientSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if w.orders, err = orderer.SignIn(t.Context(), http.DefaultClient, w.api, c.ID.String(), secret); err != nil {
		t.Fatal(err)
	}
}

// scan brings a small scan into the workspace through the API of assets, and gives its id without a prefix.
func (w *world) scan(t *testing.T, n int) string {
	t.Helper()
	var points strings.Builder
	for i := range 150 {
		fmt.Fprintf(&points, "%d.%d %d.5 %d\n", i%10, i%7, i/10, n)
	}
	var body bytes.Buffer
	f := multipart.NewWriter(&body)
	_ = f.WriteField("workspace_id", w.ws.String()) // into a buffer
	part, err := f.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="scan.xyz"`}, "Content-Type": {"model/x-xyz"}})
	if err == nil {
		_, _ = io.WriteString(part, points.String())
	}
	_ = f.Close()
	status, answer, err := w.call("POST", "/assets", f.FormDataContentType(), &body)
	if err != nil || status != http.StatusCreated && status != http.StatusOK {
		t.Fatalf("POST /assets = %d %s, %v", status, answer, err)
	}
	var a struct {
		ID string `json:"asset_id"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(a.ID, "asset_")
}

// call asks the API of assets.
func (w *world) call(method, path, kind string, body io.Reader) (status int, answer []byte, err error) {
	r, err := http.NewRequest(method, w.api+"/api/v1"+path, body)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}
