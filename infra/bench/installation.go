package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/versity"
	world "github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
)

const (
	stackName  = "bench"
	accountID  = "000000000000"
	rootKeyARN = "arn:aws:secretsmanager:" + versity.DefaultRegion + ":" + accountID + ":secret:bench"

	// refused is where the world's sources and receivers are: the guard refuses it at once, so that nobody else's time is measured.
	refused = "https://127.0.0.1:8443"
)

// installation is what deployed functions stand on, on this machine: DynamoDB Local in memory, the local bucket, and who answers for Secrets
// Manager and EventBridge.
type installation struct {
	root      string // top folder of the module
	functions []template.Function
	secret    string            // of the bucket's account, from which those of the functions follow
	accounts  map[string]string // of the functions
	tables    *dynamolocal.Server
	bucket    *versity.Server
	services  *httptest.Server
}

// install starts an installation. Without DynamoDB Local the error is dynamolocal.ErrAbsent.
func (b *bench) install(ctx context.Context) (_ *installation, err error) {
	tmpl, err := template.Read(filepath.Join(b.root, "template.yaml"), template.Options{})
	if err != nil {
		return nil, err
	}
	in := &installation{root: b.root, functions: tmpl.Functions, secret: rand.Text()}
	var names []string
	for _, f := range in.functions {
		names = append(names, f.Folder)
	}
	in.accounts = identity.Accounts(in.secret, names)
	defer func() {
		if err != nil {
			in.close()
		}
	}()
	if in.tables, err = dynamolocal.Start(ctx, dynamolocal.Options{Root: b.root}); err != nil {
		return nil, err
	}
	in.bucket, err = versity.Start(ctx, versity.Config{
		Dir: filepath.Join(b.dir, "bucket"), AccessKey: "BENCH", SecretKey: in.secret, Accounts: in.accounts, Bucket: stackName, Stderr: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	in.services = httptest.NewServer(in.cloud())
	return in, nil
}

// cloud answers for Secrets Manager, and for EventBridge, whose events lead nowhere.
func (in *installation) cloud() http.Handler {
	return cloud.New(cloud.Options{
		Region: versity.DefaultRegion, Bus: stackName, Secrets: map[string]string{rootKeyARN: world.Root.Encode()},
		Keys: func(key string) (string, bool) { s, ok := in.accounts[key]; return s, ok },
		Put:  func(context.Context, cloud.Entry) (string, error) { return rand.Text(), nil },
	})
}

func (in *installation) close() {
	if in.services != nil {
		in.services.Close()
	}
	if in.bucket != nil {
		in.bucket.Close()
	}
	if in.tables != nil {
		in.tables.Stop()
	}
}

// stage is tables and a bucket of one function's own, with the world of events/*.json in them and what comes before the function's event.
type stage struct {
	function lambdahost.Function
	event    []byte
}

// stage prepares a function's stage.
func (in *installation) stage(ctx context.Context, f template.Function, program string) (stage, error) {
	name, event, err := in.sample(f.Folder)
	if err != nil {
		return stage{}, err
	}
	w, err := in.world(ctx, f.Folder)
	if err != nil {
		return stage{}, err
	}
	if err := errors.Join(w.Fill(ctx), in.redirect(ctx, w), w.Prepare(ctx, name)); err != nil {
		return stage{}, fmt.Errorf("the world of %s: %w", f.Folder, err)
	}
	event = bytes.ReplaceAll(w.Payload(event), []byte(world.Bucket), []byte(bucketOf(f.Folder)))
	return stage{in.function(f, program), event}, nil
}

// sample is the first event of a function: the file of its name, or what comes first of those that begin with it.
func (in *installation) sample(function string) (name string, event []byte, err error) {
	files, err := filepath.Glob(filepath.Join(in.root, "events", function+"*.json"))
	if err != nil || len(files) == 0 {
		return "", nil, errors.Join(err, fmt.Errorf("there is no sample event of %s in events", function))
	}
	file := filepath.Join(in.root, "events", function+".json")
	if _, err := os.Stat(file); err != nil {
		file = files[0]
	}
	event, err = os.ReadFile(file)
	return strings.TrimSuffix(filepath.Base(file), ".json"), event, err
}

// Names of what a function has of its own.
func tableOf(function string) string  { return "table-" + function }
func indexOf(function string) string  { return "index-" + function }
func bucketOf(function string) string { return "bucket-" + function }

// world is the empty world of a function.
func (in *installation) world(ctx context.Context, function string) (*world.World, error) {
	client := dynamodb.New(dynamodb.Options{
		Region: versity.DefaultRegion, BaseEndpoint: aws.String(in.tables.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider("bench", "bench", ""),
	})
	err := errors.Join(
		dynamo.Create(ctx, client, tableOf(function), schema.Indexes()), dynamo.Create(ctx, client, indexOf(function), nil),
		in.bucket.MakeBucket(ctx, bucketOf(function), versity.CORS{}),
	)
	rows, entries := dynamo.New(client, tableOf(function), dynamo.Options{Indexes: schema.Indexes()}), dynamo.New(client, indexOf(function), dynamo.Options{})
	return &world.World{
		Scene: world.At(time.Now()), Table: rows, Index: search.New(rows, entries, account.New(rows, account.Options{})),
		Bucket: s3blob.New(in.bucket.Client(), bucketOf(function), s3blob.Options{}), BucketURL: in.bucket.URL() + "/" + bucketOf(function), Origin: refused,
	}, err
}

// redirect has the world's webhook send to where nothing is sent.
func (in *installation) redirect(ctx context.Context, w *world.World) error {
	_, err := w.Table.Write(ctx, table.Update(schema.WebhookKey(world.WorkspaceID, world.WebhookID), table.Present(),
		table.Set(schema.URL, table.String(refused+"/hooks"))))
	return err
}

// function is one of the template as the host runs it: with credentials of its own, its variables, and the addresses of everything here.
func (in *installation) function(f template.Function, program string) lambdahost.Function {
	own := identity.Of(in.secret, f.Folder)
	env := []string{
		"AWS_ACCESS_KEY_ID=" + own.AccessKey, "AWS_SECRET_ACCESS_KEY=" + own.SecretKey,
		"AWS_ENDPOINT_URL_DYNAMODB=" + in.tables.Endpoint(), "AWS_ENDPOINT_URL_S3=" + in.bucket.URL(),
		"AWS_ENDPOINT_URL_EVENTBRIDGE=" + in.services.URL, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + in.services.URL,
	}
	references := strings.NewReplacer(
		"${Table}", tableOf(f.Folder), "${SearchTable}", indexOf(f.Folder), "${EventBus}", stackName, "${RootKey}", rootKeyARN,
		"${AWS::StackName}-${AWS::AccountId}-${AWS::Region}", bucketOf(f.Folder), "${AWS::StackName}", stackName,
	)
	for name, value := range f.Environment {
		env = append(env, name+"="+references.Replace(value))
	}
	return lambdahost.Function{Name: f.Folder, Program: program, Env: env, Timeout: f.Timeout, MemoryMB: f.MemorySize}
}
