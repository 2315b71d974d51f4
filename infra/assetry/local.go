package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// bucketOf is how a local stack calls its bucket: one that was begun with -lambda as the template does, which its functions know it by.
func bucketOf(settings state.Settings) string {
	if settings.TableAddr != "" {
		return localStack + "-" + localAccount + "-" + versity.DefaultRegion
	}
	return localStack
}

// openLocal opens the data folder of a local stack, beside the stack or without it.
func openLocal(ctx context.Context, path string, n need) (*store, error) {
	dir, err := state.Look(path)
	if err != nil {
		return nil, err
	}
	s := &store{name: "the local stack in " + dir.Path()}
	s.onClose(dir.Close)
	if dir.Running() {
		s.name += ", which is running"
	}
	return closeIf(s, s.openFolder(ctx, dir, n))
}

func (s *store) openFolder(ctx context.Context, dir *state.Folder, n need) error {
	settings, err := dir.Settings()
	if err != nil {
		return err
	}
	e := engines{}
	if err := s.openTables(ctx, dir, settings, &e); err != nil {
		return err
	}
	if n&(needBucket|needReplay) != 0 {
		if e.bucket, err = s.openBucket(ctx, dir, settings); err != nil {
			return err
		}
	}
	s.services = boot.New(e)
	s.dead = append(s.dead, failedEvents{fileRecords{dir.File("failed")}, localInvoke(s.services)})
	return nil
}

// openTables opens the tables: in files of the folder, which SQLite shares out among programs, or in DynamoDB Local.
func (s *store) openTables(ctx context.Context, dir *state.Folder, settings state.Settings, e *engines) error {
	queued, err := s.openFile(dir, "queue.db", sqlite.Options{})
	if err != nil {
		return err
	}
	if e.bus, err = s.openBus(dir, queued); err != nil {
		return err
	}
	s.dead = []deadLetters{
		localLetters{queued, fromImports, importQueue, importDead}, localLetters{queued, fromOrders, orderQueue, orderDead},
		localLetters{queued, fromWebhooks, webhookQueue, webhookDead},
	}
	if settings.TableAddr != "" {
		return s.openDynamo(ctx, dir, settings, e)
	}
	if e.table, err = s.openFile(dir, "table.db", sqlite.Options{Indexes: schema.Indexes()}); err != nil {
		return err
	}
	e.search, err = s.openFile(dir, "search.db", sqlite.Options{})
	return err
}

// openDynamo opens the tables of a stack that was begun with -lambda: in its DynamoDB Local while it runs, else in one that is started over the same
// files for as long as the command runs.
func (s *store) openDynamo(ctx context.Context, dir *state.Folder, settings state.Settings, e *engines) error {
	endpoint := settings.TableAddr
	if !dir.Running() {
		db, err := dynamolocal.Start(ctx, dynamolocal.Options{Root: toolsRoot(), Dir: dir.File("dynamodb")})
		if err != nil {
			return fmt.Errorf("open the tables of %s, where the stack is not running: %w", dir.Path(), err)
		}
		s.onClose(db.Stop)
		endpoint = db.Endpoint()
	}
	client := dynamodb.New(dynamodb.Options{
		Region: versity.DefaultRegion, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(settings.S3AccessKey, settings.S3SecretKey, ""),
	})
	e.table = dynamo.New(client, localStack+"-Table", dynamo.Options{Indexes: schema.Indexes()})
	e.search = dynamo.New(client, localStack+"-SearchTable", dynamo.Options{})
	return nil
}

// toolsRoot is the folder above this one that has .tools, where DynamoDB Local is installed; else this one.
func toolsRoot() string {
	at, err := filepath.Abs(".")
	if err != nil {
		return "."
	}
	for dir := at; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".tools")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return at
		}
	}
}

// openFile opens one of the folder's tables.
func (s *store) openFile(dir *state.Folder, name string, o sqlite.Options) (*sqlite.DB, error) {
	db, err := sqlite.Open(dir.File(name), o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir.File(name), err)
	}
	s.onClose(func() { _ = db.Close() })
	return db, nil
}

// openBucket is the bucket of the running stack, or one that is started for as long as the command runs. Events of what the command itself
// brings about are dropped: the sweep that made them is what would handle them, and the stack's next start looks for objects without.
func (s *store) openBucket(ctx context.Context, dir *state.Folder, settings state.Settings) (blob.Bucket, error) {
	if dir.Running() {
		client := s3.New(s3.Options{
			Region: versity.DefaultRegion, BaseEndpoint: aws.String("http://" + settings.S3Addr), UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(settings.S3AccessKey, settings.S3SecretKey, ""),
		})
		return s3blob.New(client, bucketOf(settings), s3blob.Options{}), nil
	}
	server, err := versity.Start(ctx, versity.Config{
		Dir: dir.File("s3"), Bucket: bucketOf(settings), AccessKey: settings.S3AccessKey, SecretKey: settings.S3SecretKey,
		CORS: versity.CORS{Origins: []string{"*"}}, Stderr: os.Stderr,
	})
	if err != nil {
		return nil, fmt.Errorf("start the bucket of %s: %w", dir.Path(), err)
	}
	s.onClose(server.Close)
	return s3blob.New(server.Client(), bucketOf(settings), s3blob.Options{}), nil
}
