package assets_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/assets/routes"
	"github.com/assetry/assetry/shared/asset"
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
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// stack is the whole product below the wire, on a real table and a real bucket.
type stack struct {
	t      *testing.T
	table  *sqlite.DB
	bucket *s3blob.Bucket
	rows   table.Table // the table as the services see it

	accounts *account.Service
	assets   *asset.Service
	uploads  *upload.Service
	links    *link.Service
	projects *project.Service
	folders  *folder.Service
	once     *idempotency.Service
	webhooks *webhook.Service
	reaching func(guard.Options) *webhook.Service // webhooks that reach what a guard lets them
	public   string

	home, other, third account.Workspace // of the keys below; third is reached by owner and viewer too
	keys               keys
	late               time.Duration // how far the clock of the idempotency keys is ahead
}

func (s *stack) time() time.Time { return time.Now().Add(s.late) }

// keys are secrets: three roles in home, an owner of other, and one that was revoked.
type keys struct{ owner, editor, viewer, stranger, revoked string }

var _ routes.Services = (*stack)(nil)

func (s *stack) Accounts() *account.Service        { return s.accounts }
func (s *stack) Assets() *asset.Service            { return s.assets }
func (s *stack) Uploads() *upload.Service          { return s.uploads }
func (s *stack) Links() *link.Service              { return s.links }
func (s *stack) Projects() *project.Service        { return s.projects }
func (s *stack) Folders() *folder.Service          { return s.folders }
func (s *stack) Idempotency() *idempotency.Service { return s.once }
func (s *stack) Webhooks() *webhook.Service        { return s.webhooks }
func (s *stack) PublicURL() string                 { return s.public }

func newStack(t *testing.T) *stack {
	t.Helper()
	return newStackBehind(t, func(db table.Table) table.Table { return db })
}

// newStackBehind is newStack whose services reach the table through what front puts before it.
func newStackBehind(t *testing.T, front func(table.Table) table.Table) *stack {
	t.Helper()
	s := &stack{t: t}
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "table.db"), sqlite.Options{Indexes: schema.Indexes(), Now: s.time})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s.table = db
	rows := front(db)
	s.rows = rows
	engine := versitytest.Start(t)
	s.bucket = s3blob.New(engine.Client(), engine.Bucket, s3blob.Options{})
	root := secret.NewRoot()
	sealer := page.NewSealer(root)
	s.accounts = account.New(rows, account.Options{})
	s.folders = folder.New(rows, folder.Options{})
	s.assets = asset.New(rows, s.accounts, sealer, asset.Options{Folders: s.folders})
	s.projects = project.New(rows, s.assets, sealer, project.Options{})
	s.links = link.NewService(link.New(root), s.assets, s.accounts, s.bucket, link.Options{})
	s.imports(importer.New(importer.Options{}))
	s.once = idempotency.New(rows, idempotency.Options{Now: s.time})
	s.reaching = func(o guard.Options) *webhook.Service {
		return webhook.New(webhook.Parts{
			Table: rows, Root: func() secret.Root { return root }, Sealer: sealer, Sender: sender.New(sender.Options{Guard: o}),
		}, webhook.Options{})
	}
	s.webhooks = s.reaching(guard.Options{})
	s.settle()
	return s
}

// imports makes the uploads anew, with other files to copy from.
func (s *stack) imports(files remote.Files) {
	s.uploads = upload.New(upload.Parts{
		Table: s.rows, Bucket: s.bucket, Assets: s.assets, Workspaces: s.accounts, Folders: s.folders, Projects: s.projects, Remote: files,
	}, upload.Options{})
}

// settle makes the workspaces and keys.
func (s *stack) settle() {
	s.home, s.other, s.third = s.workspace("Home"), s.workspace("Other"), s.workspace("Third")
	s.keys = keys{
		owner:    s.key(map[id.Workspace]access.Role{s.home.ID: access.Owner, s.third.ID: access.Owner}),
		editor:   s.key(map[id.Workspace]access.Role{s.home.ID: access.Editor}),
		viewer:   s.key(map[id.Workspace]access.Role{s.home.ID: access.Viewer, s.third.ID: access.Viewer}),
		stranger: s.key(map[id.Workspace]access.Role{s.other.ID: access.Owner}),
	}
	revoked, k, err := s.accounts.IssueKey(s.t.Context(), "revoked", map[id.Workspace]access.Role{s.home.ID: access.Owner})
	if err == nil {
		err = s.accounts.RevokeKey(s.t.Context(), k.ID, s.home.ID)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys.revoked = revoked
}

func (s *stack) workspace(title string) account.Workspace {
	s.t.Helper()
	w, err := s.accounts.CreateWorkspace(s.t.Context(), title)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

func (s *stack) key(grants map[id.Workspace]access.Role) string {
	s.t.Helper()
	secret, _, err := s.accounts.IssueKey(s.t.Context(), "test", grants)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// position is how far the table's changes have come.
func (s *stack) position() string {
	s.t.Helper()
	return s.positionAfter("")
}

// positionAfter is position, from an earlier one on.
func (s *stack) positionAfter(position string) string {
	s.t.Helper()
	for {
		changes, next, err := s.table.Changes(context.Background(), position, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(changes) == 0 {
			return position
		}
		position = next
	}
}

// written says what was written since a position: one word per change of a row, sorted, and "object" for every version
// in the bucket beyond those there were.
func (s *stack) written(since string, objects int) []string {
	s.t.Helper()
	changes, _, err := s.table.Changes(context.Background(), since, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	var words []string
	for _, c := range changes {
		sign := "~"
		switch {
		case c.Old == nil:
			sign = "+"
		case c.New == nil:
			sign = "-"
		}
		words = append(words, sign+rowKind(c.Key))
	}
	for range s.objects() - objects {
		words = append(words, "+object")
	}
	slices.Sort(words)
	return words
}

// objects counts the versions in the bucket.
func (s *stack) objects() int {
	s.t.Helper()
	vs, err := s.bucket.Versions(context.Background(), "w/", 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(vs)
}

// rowKind names the kind of a row by its key.
func rowKind(k table.Key) string {
	if _, _, _, ok := schema.ParseAssetKey(k); ok {
		return "asset"
	}
	for prefix, kind := range map[string]string{"gone#": "gone", "once#": "once", "active#": "active", "due#": "due", "prj_": "node"} {
		if strings.HasPrefix(k.PK, prefix) {
			return kind
		}
	}
	kind, _, _ := strings.Cut(k.SK, "#")
	return kind
}

// picture is a real PNG.
func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
