package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table/sqlite"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// openTable opens a table in a file of the test's own.
func openTable(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(path, sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newTable(t testing.TB) *sqlite.DB {
	t.Helper()
	return openTable(t, filepath.Join(t.TempDir(), "t.db"))
}

// bucketName is how the functions know the bucket: neither as a stack of one process calls it, nor as the server does.
const bucketName = "assetry-000000000000-us-east-1"

// unheard hears of objects and does nothing.
func unheard(versity.Event) error { return nil }

// house is the services of the stack on a real table and a real bucket whose events nobody hears.
type house struct {
	db       *sqlite.DB
	services *boot.Services
	ws       account.Workspace
	who      access.Principal
}

func newHouse(t testing.TB) *house {
	t.Helper()
	b, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), here)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	s3, db := versitytest.Start(t), newTable(t)
	h := &house{db: db}
	h.services = boot.New(engines{table: db, name: bucketName, search: newTable(t), bucket: s3blob.New(s3.Client(), s3.Bucket, s3blob.Options{}), bus: publisher{b}, root: secret.NewRoot(), sender: receivers(true)})
	if h.ws, err = h.services.Accounts().CreateWorkspace(t.Context(), "Test"); err != nil {
		t.Fatal(err)
	}
	h.who = access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{h.ws.ID: access.Owner}}
	return h
}

// created is the event of an object.
func created(key string) versity.Event {
	return versity.Event{Name: "ObjectCreated:Post", Bucket: bucketName, Key: key, Version: "v1", Size: 7, Time: time.Now()}
}
