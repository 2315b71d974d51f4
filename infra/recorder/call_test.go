package recorder_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	events "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/recorder"
)

// used are calls of the function of these tests: "action resource", or "action resource prefix".
func used(rights ...string) (out []recorder.Call) {
	for _, r := range rights {
		f := append(strings.Fields(r), "")
		out = append(out, recorder.Call{Function: function, Action: f[0], Resource: f[1], Prefix: f[2]})
	}
	return out
}

var (
	name, search = aws.String("assetry"), aws.String("search")
	row          = map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "k"}}
)

func TestEveryCallOfTheTableIsItsRights(t *testing.T) {
	u := newUpstream(t)
	for _, tt := range []struct {
		name string
		call func(context.Context, *dynamodb.Client) error
		want []recorder.Call
	}{
		{"get", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: name, Key: row})
			return err
		}, used("dynamodb:GetItem Table")},
		{"get by the table's ARN", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/assetry"), Key: row})
			return err
		}, used("dynamodb:GetItem Table")},
		{"several of one table", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"assetry": {Keys: []map[string]types.AttributeValue{row}}}})
			return err
		}, used("dynamodb:BatchGetItem Table")},
		{"a range", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.Query(ctx, &dynamodb.QueryInput{TableName: search, KeyConditionExpression: aws.String("pk = :k")})
			return err
		}, used("dynamodb:Query SearchTable")},
		{"a range of an index", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.Query(ctx, &dynamodb.QueryInput{TableName: name, IndexName: aws.String("projects-by-asset"), KeyConditionExpression: aws.String("asset = :a")})
			return err
		}, used("dynamodb:Query Table/index/projects-by-asset")},
		{"put", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: name, Item: row})
			return err
		}, used("dynamodb:PutItem Table")},
		{"update", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: name, Key: row})
			return err
		}, used("dynamodb:UpdateItem Table")},
		{"delete", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: name, Key: row})
			return err
		}, used("dynamodb:DeleteItem Table")},
		{"a transaction of writes is its items", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: name, Item: row}},
				{Update: &types.Update{TableName: name, Key: row, UpdateExpression: aws.String("SET a = :a")}},
				{Delete: &types.Delete{TableName: search, Key: row}},
				{ConditionCheck: &types.ConditionCheck{TableName: name, Key: row, ConditionExpression: aws.String("a = :a")}},
			}})
			return err
		}, used("dynamodb:PutItem Table", "dynamodb:UpdateItem Table", "dynamodb:DeleteItem SearchTable", "dynamodb:ConditionCheckItem Table")},
		{"a transaction of reads is its items", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.TransactGetItems(ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{{Get: &types.Get{TableName: name, Key: row}}}})
			return err
		}, used("dynamodb:GetItem Table")},
		{"a scan", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.Scan(ctx, &dynamodb.ScanInput{TableName: name})
			return err
		}, used("dynamodb:Scan Table")},
		{"an operation that no function calls is unmapped", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: name})
			return err
		}, []recorder.Call{{Function: function, Unmapped: "POST DynamoDB_20120810.DescribeTable: the operation is not known; add it to infra/recorder"}}},
		{"another table is unmapped", func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("other"), Key: row})
			return err
		}, []recorder.Call{{Function: function, Unmapped: `POST DynamoDB_20120810.GetItem: dynamodb "other" is none of the stack's`}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, out := watched(t, stack())
			address := before(t, r, u.URL)
			c := dynamodb.NewFromConfig(functionConfig(), func(o *dynamodb.Options) { o.BaseEndpoint = &address })
			for range 2 { // a call is noted once
				if err := tt.call(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(tt.want, out.calls(t)); d != "" {
				t.Errorf("noted (-want +got):\n%s", d)
			}
		})
	}
}

func TestTheBusAndTheSecretAreTheirRights(t *testing.T) {
	u := newUpstream(t)
	r, out := watched(t, stack())
	address := before(t, r, u.URL)
	bus := eventbridge.NewFromConfig(functionConfig(), func(o *eventbridge.Options) { o.BaseEndpoint = &address })
	if _, err := bus.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []events.PutEventsRequestEntry{
		{EventBusName: name, Source: aws.String("assetry"), DetailType: aws.String("asset.ready"), Detail: aws.String("{}")},
		{EventBusName: aws.String("arn:aws:events:us-east-1:000000000000:event-bus/assetry"), Source: aws.String("assetry"), DetailType: aws.String("asset.ready"), Detail: aws.String("{}")},
	}}); err != nil {
		t.Fatal(err)
	}
	secrets := secretsmanager.NewFromConfig(functionConfig(), func(o *secretsmanager.Options) { o.BaseEndpoint = &address })
	if _, err := secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("arn:aws:secretsmanager:us-east-1:000000000000:secret:root")}); err != nil {
		t.Fatal(err)
	}
	if _, err := secrets.DescribeSecret(t.Context(), &secretsmanager.DescribeSecretInput{SecretId: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	want := append(used("events:PutEvents EventBus", "secretsmanager:GetSecretValue RootKey"),
		recorder.Call{Function: function, Unmapped: "POST secretsmanager.DescribeSecret: the operation is not known; add it to infra/recorder"})
	if d := cmp.Diff(want, out.calls(t)); d != "" {
		t.Errorf("noted (-want +got):\n%s", d)
	}
}
