// Package dynamo keeps the contract of package table on Amazon DynamoDB.
//
// The table has a partition key "pk" and a sort key "sk", both strings; items are native attributes, readable in the console. Each
// index of Options is a global secondary index over two string attributes that projects everything. The stream is on with
// NEW_AND_OLD_IMAGES, and time to live is set on "expires". Create makes exactly such a table; template.yaml declares the deployed one.
//
// A function's role needs, for what it calls: dynamodb:GetItem (Get, and a Check that stands alone), BatchGetItem, Query (on the
// indexes' ARNs too), PutItem, UpdateItem, DeleteItem, and ConditionCheckItem (a Check in a transaction).
//
// Expiry. DynamoDB removes expired items hours or days late, so every condition, read and query treats them as absent.
//
// Lost answers. A write whose answer was lost (connection cut, timeout, 5xx) is fault.Unavailable: it may have been written. Single
// writes are never repeated behind the caller's back in that case: a second try would find its own first one and report a lost
// condition, or add twice. Refusals that certainly wrote nothing (throttling, a conflict with a transaction, no connection) are
// repeated up to four times in all. Transactions carry an idempotency token, so the SDK may repeat them after anything.
//
// Cost. What DynamoDB reports goes to the Meter of the context. It reports nothing for lost conditions and refused transactions;
// those are priced by table's rules from the items in the refusal. Where DynamoDB Local reports less than DynamoDB can (reads of
// nothing, transactions), the least price counts.
package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/assetry/assetry/shared/table"
)

// API is what the driver calls of *dynamodb.Client.
type API interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ API = (*dynamodb.Client)(nil)

// Options are the optional parts of a Table.
type Options struct {
	Now     func() time.Time // the clock of expiry; nil is time.Now
	Indexes []table.Index    // the indexes that may be queried
}

// Table is one DynamoDB table. Safe for concurrent use.
type Table struct {
	client  API
	name    string
	now     func() time.Time
	indexes []table.Index
	once    aws.RetryerV2 // for single writes: repeats only what certainly wrote nothing
	freely  aws.RetryerV2 // for reads and transactions
	pause   func(ctx context.Context, round int) error
}

var _ table.Table = (*Table)(nil)

// New makes the driver of an existing table. It calls nothing. The driver brings its own retryers; those of the client do not matter.
func New(client API, tableName string, o Options) *Table {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Table{
		client: client, name: tableName, now: o.Now, indexes: o.Indexes,
		once: refusals(), freely: retryer(retry.DefaultRetryables), pause: backoff,
	}
}
