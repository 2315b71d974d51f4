package dynamotest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/uuid"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/table/dynamo/feed"
)

// patience bounds the making and the deletion of a table; DynamoDB Local takes tens of milliseconds for either.
const patience = 30 * time.Second

// region is any: DynamoDB Local runs with -sharedDb, so regions and accounts see the same tables.
const region = "us-east-1"

// DB is one empty table of its own: the driver, its feed, and what lies below.
type DB struct {
	*dynamo.Table
	*feed.Feed
	Client *dynamodb.Client
	Name   string // of the table
	Stream string // ARN of its stream

	indexes []table.Index
	ahead   *atomic.Int64 // how far the clock was moved, in nanoseconds
}

// Open creates a uniquely named table with the indexes and deletes it when the test ends. Without DynamoDB Local the test is skipped,
// or fails under `make test`.
func Open(t testing.TB, indexes ...table.Index) *DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := Client(t)
	name := "test-" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := dynamo.Create(ctx, client, name, indexes); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, client, name) })
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err != nil {
		t.Fatalf("describe table %s: %v", name, err)
	}
	db := &DB{Client: client, Name: name, Stream: aws.ToString(out.Table.LatestStreamArn), indexes: indexes, ahead: &atomic.Int64{}}
	return db.Again(t)
}

// Again opens another driver and feed on the same table, with the same clock: what a restarted process would have.
func (db *DB) Again(t testing.TB) *DB {
	t.Helper()
	again := *db
	again.Client = Client(t)
	again.Table = dynamo.New(again.Client, db.Name, dynamo.Options{Now: again.now, Indexes: db.indexes})
	again.Feed = feed.New(Streams(t), db.Stream)
	return &again
}

// Advance moves the driver's clock; the table's own deletions do not follow it.
func (db *DB) Advance(d time.Duration) { db.ahead.Add(int64(d)) }

func (db *DB) now() time.Time { return time.Now().Add(time.Duration(db.ahead.Load())) }

// SettleIndexes returns when index queries show every earlier write: at once, because DynamoDB Local writes indexes with the item.
func (db *DB) SettleIndexes(context.Context) error { return nil }

// Client is a client of DynamoDB Local.
func Client(t testing.TB) *dynamodb.Client {
	t.Helper()
	return dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: aws.String(enginetest.DynamoDB(t)), Credentials: anybody(),
	})
}

// Streams is a client of DynamoDB Local's streams.
func Streams(t testing.TB) *dynamodbstreams.Client {
	t.Helper()
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: region, BaseEndpoint: aws.String(enginetest.DynamoDB(t)), Credentials: anybody(), HTTPClient: dynamolocal.Repairing{},
	})
}

// anybody are credentials in the form DynamoDB Local wants; it checks no signatures.
func anybody() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider("local", "local", "")
}

func remove(t testing.TB, client *dynamodb.Client, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
		t.Errorf("delete table %s: %v", name, err)
	}
}
