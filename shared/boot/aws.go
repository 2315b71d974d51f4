package boot

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/assetry/assetry/shared/awsjson"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/bus/eventbridge"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/processing"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/remote"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// cloud are AWS's engines. Without the SDK's config package, which would read files and profiles that a function does not have: 1.7 MB
// of binary and a millisecond of every cold start.
type cloud struct {
	http *awshttp.BuildableClient
}

var _ Engines = (*cloud)(nil)

// need is a variable that must be set. AWS has looked at those of the needs that main states; what they leave out is a mistake in main.
func need(name string) string {
	v := os.Getenv(name)
	if v == "" {
		panic("the environment variable " + name + " is not set")
	}
	return v
}

func (c *cloud) config() aws.Config {
	return aws.Config{
		Region:      need("AWS_REGION"),
		HTTPClient:  c.http,
		Credentials: credentials.NewStaticCredentialsProvider(need("AWS_ACCESS_KEY_ID"), need("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	}
}

// endpoint is the address of a service where it is not AWS's own; nil is AWS's.
func endpoint(service string) *string {
	if v := os.Getenv("AWS_ENDPOINT_URL_" + service); v != "" {
		return &v
	}
	return nil
}

// json is a client of a service of which functions need an operation or two. The name is that of its variable for another address.
func (c *cloud) json(s awsjson.Service, name string) *awsjson.Client {
	of := c.config()
	return awsjson.New(s, awsjson.Options{
		Region: of.Region, Credentials: of.Credentials, HTTP: of.HTTPClient, Endpoint: aws.ToString(endpoint(name)),
	})
}

func (c *cloud) dynamodb() *dynamodb.Client {
	return dynamodb.NewFromConfig(c.config(), func(o *dynamodb.Options) { o.BaseEndpoint = endpoint("DYNAMODB") })
}

func (c *cloud) Table() table.Table {
	return dynamo.New(c.dynamodb(), need(EnvTable), dynamo.Options{Indexes: schema.Indexes()})
}

func (c *cloud) Search() table.Table {
	name := os.Getenv(EnvSearch)
	if name == "" {
		return nil
	}
	return dynamo.New(c.dynamodb(), name, dynamo.Options{})
}

func (c *cloud) Bucket() blob.Bucket {
	client := s3.NewFromConfig(c.config(), func(o *s3.Options) {
		o.BaseEndpoint = endpoint("S3")
		o.UsePathStyle = o.BaseEndpoint != nil
	})
	return s3blob.New(client, need(EnvBucket), s3blob.Options{})
}

func (c *cloud) BucketName() string { return need(EnvBucket) }

func (c *cloud) Bus() bus.Publisher {
	return eventbridge.New(c.json(eventbridge.Service, "EVENTBRIDGE"), need(EnvBus))
}

// rootKeyTime bounds the reading of the root key, which a cold start may wait for.
const rootKeyTime = 5 * time.Second

func (c *cloud) Root() secret.Root {
	client := c.json(awsjson.Service{Name: "secretsmanager", Target: "secretsmanager"}, "SECRETS_MANAGER")
	ctx, cancel := context.WithTimeout(context.Background(), rootKeyTime)
	defer cancel()
	var out struct{ SecretString string }
	err := client.Call(ctx, "GetSecretValue", map[string]string{"SecretId": need(EnvRootKey)}, &out)
	if err != nil {
		panic(fmt.Sprintf("read the root key: %v", err))
	}
	root, err := secret.ParseRoot(out.SecretString)
	if err != nil {
		panic(fmt.Sprintf("root key in %s: %v", need(EnvRootKey), err))
	}
	return root
}

func (c *cloud) Remote() remote.Files   { return importer.New(importer.Options{Guard: reach()}) }
func (c *cloud) Sender() webhook.Sender { return sender.New(sender.Options{Guard: reach()}) }

func (c *cloud) PublicURL() string { return strings.TrimRight(os.Getenv(EnvPublicURL), "/") }

func (c *cloud) Upload() upload.Options {
	return upload.Options{
		Grant:     time.Duration(number(EnvGrant, maxGrantMinutes)) * time.Minute,
		MaxSize:   number(EnvMaxSize, upload.MaxForm),
		PartGrant: time.Duration(number(EnvPartGrant, maxGrantMinutes)) * time.Minute,
		Import: upload.ImportOptions{
			MaxSize: number(EnvMaxImport, upload.MaxSize), Parallel: int(number(EnvParallel, maxParallel)), BytesADay: limit(EnvImportDay, maxImportDay),
		},
	}
}

func (c *cloud) Introspection() bool { return os.Getenv(EnvIntrospection) == "on" }

func (c *cloud) Rates() ratelimit.Options {
	return ratelimit.Options{Standard: int(number(EnvRateStandard, maxRate)), Premium: int(number(EnvRatePremium, maxRate))}
}

// maxRate is the most requests an hour, as template.yaml has it: some 280 a second, from one client.
const maxRate = 1_000_000

func (c *cloud) Order() order.Options {
	return order.Options{
		OpenOrders: int(limit(EnvOpenOrders, maxOpen)), OpenUploads: int(limit(EnvOpenUploads, maxOpen)),
		DraftFor: time.Duration(number(EnvDraftDays, maxDraftDays)) * 24 * time.Hour, MaxUpload: number(EnvMaxInput, upload.MaxSize),
	}
}

func (c *cloud) Work() processing.Options {
	return processing.Options{Tries: int(number(EnvOrderTries, maxOrderTries)), Slots: int(number(EnvOrdersAtOnce, maxOrdersAtOnce))}
}

// The most tries and orders at once, as template.yaml has them.
const (
	maxOrderTries   = 10
	maxOrdersAtOnce = 100
)

// maxDraftDays is the longest life of a draft, as template.yaml has it.
const maxDraftDays = 3650

// limit reads a quota; an unset variable is 0, as is no limit.
func limit(name string, most int64) int64 {
	if os.Getenv(name) == "0" {
		return 0
	}
	return number(name, most)
}

// maxGrantMinutes is the longest grant, as template.yaml has it: far shorter than deleted assets are remembered.
const maxGrantMinutes = 360

// maxParallel is the most ranges at once, as template.yaml has it: more connections to one source are rude, and bring no more.
const maxParallel = 32

// number reads a whole number from 1 to most; an unset variable is 0.
func number(name string, most int64) int64 {
	v := os.Getenv(name)
	if v == "" {
		return 0
	}
	if says := whole(name, most).wrong(v, 0); says != "" {
		panic(says)
	}
	n, _ := strconv.ParseInt(v, 10, 64) // wrong has read it
	return n
}

// Metrics are lines on the standard output, beside those of the log.
func (c *cloud) Metrics() *metric.Log {
	return metric.New(os.Stdout, os.Getenv(EnvStack), metric.Options{Level: os.Getenv("AWS_LAMBDA_LOG_LEVEL")})
}

// Warm opens the connection to DynamoDB. The address asked is its own health check, which costs nothing and needs no rights.
func (c *cloud) Warm(ctx context.Context) {
	url := "https://dynamodb." + os.Getenv("AWS_REGION") + ".amazonaws.com/ping"
	if e := endpoint("DYNAMODB"); e != nil {
		url = *e
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	if res, err := c.http.Do(req); err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10))
		_ = res.Body.Close()
	}
}
