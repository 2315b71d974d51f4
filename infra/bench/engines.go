package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/webhook"
)

// Credentials of nobody: signing with them costs what signing costs.
const (
	benchKeyID  = "ASIAEXAMPLEEXAMPLE00"
	benchSecret = "not-a-secret-but-as-long-as-one-00000000"
	benchBucket = "assets"
)

// benchToken looks like the session token of a function's role: some 1,000 characters of base64.
func benchToken() string {
	b := make([]byte, 768)
	random := rand.New(rand.NewPCG(1, 1))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return base64.StdEncoding.EncodeToString(b)
}

// s3Client signs for a bucket that is never called. A token of "" is that of a key that does not end.
func s3Client(token string) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(benchKeyID, benchSecret, token),
	})
}

// engines are SQLite, and a bucket that signs. Nothing that is measured on them reads or writes the bucket, or publishes.
type engines struct {
	boot.Defaults
	db    *sqlite.DB
	index table.Table // nil: none
	root  secret.Root
}

var _ boot.Engines = engines{}

func (e engines) Table() table.Table  { return e.db }
func (e engines) Search() table.Table { return e.index }
func (e engines) Bucket() blob.Bucket {
	return s3blob.New(s3Client(benchToken()), benchBucket, s3blob.Options{})
}
func (e engines) Bus() bus.Publisher     { panic("the benchmark publishes nothing") }
func (e engines) Root() secret.Root      { return e.root }
func (e engines) Remote() remote.Files   { return importer.New(importer.Options{}) }
func (e engines) Sender() webhook.Sender { panic("the benchmark sends nothing") }
func (e engines) PublicURL() string      { return "https://assets.example.com" }

// tenant is a workspace in a table, with a key that owns it.
type tenant struct {
	*boot.Services
	db        *sqlite.DB
	workspace id.Workspace
	principal access.Principal
	apiKey    string
}

// openTable opens the table in a file with the product's services on it.
func openTable(path string) (*sqlite.DB, *boot.Services, error) {
	db, err := sqlite.Open(path, sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		return nil, nil, err
	}
	return db, boot.New(engines{db: db, root: secret.NewRoot()}), nil
}

// openTenant opens a table and makes a workspace and a key in it.
func openTenant(ctx context.Context, path string) (*tenant, error) {
	db, services, err := openTable(path)
	if err != nil {
		return nil, err
	}
	t := &tenant{Services: services, db: db}
	if err := t.settle(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return t, nil
}

func (t *tenant) settle(ctx context.Context) error {
	w, err := t.Accounts().CreateWorkspace(ctx, "Benchmark")
	if err != nil {
		return fmt.Errorf("make a workspace: %w", err)
	}
	grants := map[id.Workspace]access.Role{w.ID: access.Owner}
	apiKey, key, err := t.Accounts().IssueKey(ctx, "benchmark", grants)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	t.workspace, t.apiKey = w.ID, apiKey
	t.principal = access.Principal{Key: key.ID, Grants: grants}
	return nil
}

// soon is when grants of the benchmark end.
func soon() time.Time { return time.Now().Add(15 * time.Minute) }
