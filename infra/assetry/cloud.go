package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/assetry/assetry/shared/awsjson"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus/eventbridge"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/upload"
)

// openCloud opens a stack in AWS: its names come from CloudFormation where a stack is named, else from flags. Credentials and region are those of the
// SDK's ordinary chain: environment, profiles, single sign-on, the machine's role; endpoints likewise (AWS_ENDPOINT_URL_…).
func openCloud(ctx context.Context, t *target, stack string, n need) (*store, error) {
	c, err := config.LoadDefaultConfig(ctx, config.WithRegion(t.region), config.WithSharedConfigProfile(t.profile))
	if err != nil {
		return nil, fmt.Errorf("read the settings of AWS: %w", err)
	}
	if c.Region == "" {
		return nil, usage("no AWS region is set: give --region, or set AWS_REGION, or choose a profile that has one")
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials: sign in (`aws sso login`), choose a --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (%w)", err)
	}
	names := t.names
	if stack != "" {
		found, err := namesOf(ctx, c, stack)
		if err != nil {
			return nil, err
		}
		names.fill(found)
	}
	if err := names.missing(n); err != nil {
		return nil, err
	}
	s := &store{name: "table " + names.Table + " in " + c.Region}
	if stack != "" {
		s.name = "stack " + stack + " in " + c.Region
	}
	s.openNames(c, names)
	return s, nil
}

// openNames makes the clients. None of them asks anything yet.
func (s *store) openNames(c aws.Config, n names) {
	db, bucket := dynamodb.NewFromConfig(c), s3Client(c)
	e := engines{
		table:  dynamo.New(db, n.Table, dynamo.Options{Indexes: schema.Indexes()}),
		bucket: s3blob.New(bucket, n.Bucket, s3blob.Options{}),
		upload: n.upload(),
	}
	if n.Bus != "" {
		e.bus = eventbridge.New(busClient(c), n.Bus)
	}
	if n.Search != "" {
		e.search = dynamo.New(db, n.Search, dynamo.Options{})
	}
	s.services = boot.New(e)
	queues := sqs.NewFromConfig(c)
	for _, q := range []sqsLetters{{queues, fromImports, n.Imports, n.ImportsDead}, {queues, fromOrders, n.Orders, n.OrdersDead}, {queues, fromWebhooks, n.Webhooks, n.WebhooksDead}} {
		if q.queue != "" && q.dead != "" {
			s.dead = append(s.dead, &q)
		}
	}
	if n.Failed != "" {
		s.dead = append(s.dead, failedEvents{s3Records{bucket, n.Failed}, lambdaInvoke(lambda.NewFromConfig(c))})
	}
}

// busClient calls EventBridge, where the SDK's clients would look for it.
func busClient(c aws.Config) *awsjson.Client {
	return awsjson.New(eventbridge.Service, awsjson.Options{
		Region: c.Region, Credentials: c.Credentials, HTTP: c.HTTPClient,
		Endpoint: cmp.Or(os.Getenv("AWS_ENDPOINT_URL_EVENTBRIDGE"), os.Getenv("AWS_ENDPOINT_URL")),
	})
}

// s3Client reaches an S3 that is not AWS's own by path, and compares checksums only where it has to, as the functions do: ranges of an object
// never fit the checksum of the whole.
func s3Client(c aws.Config) *s3.Client {
	own := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")) != ""
	return s3.NewFromConfig(c, func(o *s3.Options) {
		o.UsePathStyle = own
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	})
}

// upload are the stack's parameters that say when the time of an upload has passed.
func (n names) upload() upload.Options {
	minutes := func(text string) time.Duration {
		m, _ := strconv.Atoi(text)
		return time.Duration(m) * time.Minute
	}
	return upload.Options{Grant: minutes(n.GrantMinutes), PartGrant: minutes(n.PartGrantMinutes)}
}

// lambdaInvoke runs a function in AWS and waits for its answer.
func lambdaInvoke(client *lambda.Client) invoke {
	return func(ctx context.Context, function string, event []byte) ([]byte, error) {
		out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: event})
		if err != nil {
			return nil, err
		}
		if out.FunctionError != nil {
			return nil, fmt.Errorf("the function %s failed again: %.500s", functionName(function), out.Payload)
		}
		return out.Payload, nil
	}
}

// s3Records are failed events in a bucket.
type s3Records struct {
	client *s3.Client
	bucket string
}

var _ records = s3Records{}

func (r s3Records) keys(ctx context.Context, f func(string) (bool, error)) error {
	pages := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{Bucket: &r.bucket, Prefix: aws.String(recordPrefix)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list failed events: %w", err)
		}
		for _, o := range out.Contents {
			if more, err := f(aws.ToString(o.Key)); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// recordPrefix begins the keys of all records that Lambda writes.
const recordPrefix = "aws/lambda/"

func (r s3Records) read(ctx context.Context, key string) ([]byte, error) {
	out, err := r.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: &key})
	var gone *types.NoSuchKey
	if errors.As(err, &gone) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("read the failed event %s: %w", key, err)
	}
	defer func() { _ = out.Body.Close() }()
	return io.ReadAll(io.LimitReader(out.Body, maxRecord))
}

// maxRecord bounds a record: an event of 6 MB, once more in quotes, and what is said about it.
const maxRecord = 16 << 20

func (r s3Records) remove(ctx context.Context, key string) error {
	_, err := r.client.DeleteObject(context.WithoutCancel(ctx), &s3.DeleteObjectInput{Bucket: &r.bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("the event was handled, and its record could not be removed: %w", err)
	}
	return nil
}
