package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/programs"
	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/table/dynamo/feed"
)

// Names of the template's resources that the stack itself has to know: it makes the first workspace in the tables, and keeps the root key.
const (
	mainTable   = "Table"
	searchTable = "SearchTable"
	rootKey     = "RootKey"
)

// idleAfter is how long a process of a function waits for its next event before it ends. Lambda keeps one for minutes; here forty functions
// share one machine.
const idleAfter = time.Minute

// deployed is the shape in which the functions are the programs that are deployed, in processes of their own, and tables are DynamoDB Local's.
type deployed struct {
	*stack
	options options
	dir     *state.Folder
	tmpl    *template.Template // with references resolved
	bus     *sources.Bus
	engines engines
	secret  string // of the bucket, which the functions' own are derived from
	beats   pulse  // after each invocation: tables may have changed
}

// start builds the functions, and starts what they stand on.
func (d *deployed) start(ctx context.Context) (ground, error) {
	type outcome struct {
		folder string
		err    error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	built := make(chan outcome, 1)
	go func() { // beside the start of DynamoDB Local
		folder, err := programs.Build(ctx, programs.Options{Root: d.root(), Names: folders(d.tmpl), LocalSources: d.options.allowLocalSources, Progress: os.Stdout})
		built <- outcome{folder, err}
	}()
	g, db, err := d.tables(ctx)
	if err != nil {
		cancel()
		return g, errors.Join(err, (<-built).err)
	}
	b := <-built
	if b.err != nil {
		return g, b.err
	}
	address, err := d.cloud()
	if err != nil {
		return g, err
	}
	endpoints := map[string]string{"DYNAMODB": db, "S3": d.s3.URL(), "EVENTBRIDGE": address, "SECRETS_MANAGER": address}
	if d.options.record != "" {
		if endpoints, err = d.watched(ctx, d.options.record, endpoints); err != nil {
			return g, err
		}
	}
	return g, d.host(b.folder, endpoints)
}

// root is the top folder of the repository, whose template this is.
func (d *deployed) root() string {
	path, err := filepath.Abs(d.options.template)
	if err != nil {
		return "."
	}
	return filepath.Dir(path)
}

// tables starts DynamoDB Local over the folder, makes the tables that are not there, and gives its address.
func (d *deployed) tables(ctx context.Context) (g ground, address string, err error) {
	ds, err := declared(d.options.template, d.tmpl)
	if err != nil {
		return g, "", err
	}
	db, err := dynamolocal.Start(ctx, dynamolocal.Options{Root: d.root(), Dir: d.dir.File("dynamodb")})
	if err != nil {
		return g, "", err
	}
	d.db = db
	d.onClose(db.Stop)
	d.settings.TableAddr = db.Endpoint()
	go func() {
		<-db.Done()
		d.fail(fmt.Errorf("DynamoDB Local is gone: %w", db.Err()))
	}()
	c := credentials.NewStaticCredentialsProvider(d.settings.S3AccessKey, d.secret, "")
	client := dynamodb.New(dynamodb.Options{Region: here.Region, BaseEndpoint: aws.String(db.Endpoint()), Credentials: c})
	streams := dynamodbstreams.New(dynamodbstreams.Options{Region: here.Region, BaseEndpoint: aws.String(db.Endpoint()), Credentials: c, HTTPClient: dynamolocal.Repairing{}})
	g.feeds = map[string]changes{}
	for id, t := range ds {
		arn, err := t.make(ctx, client)
		if err != nil {
			return g, "", err
		}
		if arn != "" {
			g.feeds[id] = changes{feed: feed.New(streams, arn), arn: arn, grown: d.beats.listen}
		}
	}
	main := dynamo.New(client, ds[mainTable].name, dynamo.Options{Indexes: schema.Indexes()})
	d.engines.table, d.engines.search = main, dynamo.New(client, ds[searchTable].name, dynamo.Options{})
	g.table, g.services = main, boot.New(d.engines)
	return g, db.Endpoint(), nil
}

// cloud serves what the functions call of AWS beside table and bucket, and gives its address.
func (d *deployed) cloud() (address string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	refs, keys := references(d.tmpl), identity.Accounts(d.secret, folders(d.tmpl))
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(os.Stderr, "cloud: ", 0), Handler: cloud.New(cloud.Options{
		Region: here.Region, Bus: here.Stack, Secrets: map[string]string{refs[rootKey]: d.engines.root.Encode()},
		Keys: func(key string) (string, bool) { secret, ok := keys[key]; return secret, ok },
		Put: func(ctx context.Context, e cloud.Entry) (string, error) {
			return d.bus.Put(ctx, sources.Event(e))
		},
	})}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.fail(fmt.Errorf("the endpoint of the bus ended: %w", err))
		}
	}()
	d.onClose(func() { _ = server.Close() })
	return "http://" + listener.Addr().String(), nil
}

// host makes the functions ready: each is started by its first event.
func (d *deployed) host(programs string, endpoints map[string]string) error {
	logs, err := openLogs(d.dir.File("functions.log"), os.Stderr)
	if err != nil {
		return err
	}
	d.onClose(logs.close)
	var fs []lambdahost.Function
	for _, f := range d.tmpl.Functions {
		fs = append(fs, lambdahost.Function{
			Name: f.Folder, Program: filepath.Join(programs, f.Folder), Env: d.environment(f, endpoints), Timeout: f.Timeout, MemoryMB: f.MemorySize,
		})
	}
	h, err := lambdahost.Start(lambdahost.Options{Region: here.Region, Account: here.Account, IdleAfter: idleAfter, Output: logs}, fs)
	if err != nil {
		return err
	}
	d.lambda = h
	d.onClose(func() { _ = h.Close() })
	d.functions = func(ctx context.Context, name string, payload []byte) ([]byte, error) {
		defer d.beats.beat()
		return h.Invoke(ctx, name, payload)
	}
	return nil
}

// environment is what a function finds: its variables of the template, credentials of its own, which stand for its role, and where AWS's services
// are. Which authorities it trusts is this machine's.
func (d *deployed) environment(f template.Function, endpoints map[string]string) []string {
	c := identity.Of(d.secret, f.Folder)
	env := []string{
		"AWS_ACCESS_KEY_ID=" + c.AccessKey, "AWS_SECRET_ACCESS_KEY=" + c.SecretKey,
		"AWS_LAMBDA_LOG_FORMAT=" + f.LogFormat, "AWS_LAMBDA_LOG_LEVEL=" + f.LogLevel,
	}
	for service, address := range endpoints {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+address)
	}
	for name, value := range f.Environment {
		env = append(env, name+"="+value)
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
