package deployed

import (
	"context"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/programs"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
)

func TestMain(m *testing.M) { versitytest.Main(m) }

// Names that a deployment would have.
const (
	region  = "us-east-1"
	busName = "assetry"
	rootARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:root"
)

// readTemplate is template.yaml as a deployment has it.
func readTemplate(t *testing.T) *template.Template {
	t.Helper()
	tp, err := template.Read(filepath.Join(enginetest.Root(), "template.yaml"), template.Options{Values: map[string]string{
		"AWS::StackName": "assetry", "AWS::AccountId": "123456789012", "AWS::Region": region, "AWS::Partition": "aws",
		"Table": "table", "SearchTable": "search", "EventBus": busName, "RootKey": rootARN,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(tp.Functions) == 0 {
		t.Fatal("template.yaml has no functions")
	}
	return tp
}

// deployed are the functions of template.yaml.
func deployed(t *testing.T) []template.Function {
	t.Helper()
	return readTemplate(t).Functions
}

// built is the folder of the compiled functions, made once.
var built = sync.OnceValues(func() (string, error) {
	mains, err := filepath.Glob(filepath.Join(enginetest.Root(), "functions", "*", "main.go"))
	if err != nil {
		return "", err
	}
	var names []string
	for _, m := range mains {
		names = append(names, filepath.Base(filepath.Dir(m)))
	}
	return programs.Build(context.Background(), programs.Options{Root: enginetest.Root(), Names: names})
})

// journal keeps the lines that a function and its platform wrote.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(_, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// own are the lines of the function, without those of its platform.
func (j *journal) own() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(j.lines), func(l string) bool { return strings.Contains(l, `"type":"platform.`) })
}

// run is one function on a host of its own.
type run struct {
	*lambdahost.Host
	journal
	name string
}

// host starts a host for one function, with these variables.
func host(t *testing.T, f template.Function, env map[string]string) *run {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	var vars []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		vars = append(vars, name+"="+env[name])
	}
	r := &run{name: f.Folder}
	r.Host, err = lambdahost.Start(lambdahost.Options{Region: region, Line: r.add}, []lambdahost.Function{
		{Name: f.Folder, Program: filepath.Join(dir, f.Folder), Env: vars, Timeout: f.Timeout, MemoryMB: f.MemorySize, Concurrency: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// credentials are what Lambda gives a function.
var credentials = map[string]string{"AWS_ACCESS_KEY_ID": versitytest.AccessKey, "AWS_SECRET_ACCESS_KEY": versitytest.SecretKey}

// world is everything that functions reach, with the sample things in it.
type world struct {
	samples.World
	db     *dynamotest.DB
	bucket *versitytest.Server
	vars   map[string]string

	mu     sync.Mutex
	events []cloud.Entry // put on the bus
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{db: dynamotest.Open(t, schema.Indexes()...), bucket: versitytest.Start(t)}
	found := dynamotest.Open(t)
	w.World = samples.World{Scene: samples.At(time.Now()), Table: w.db, Bucket: s3blob.New(w.bucket.Client(), w.bucket.Bucket, s3blob.Options{}), Origin: "http://192.0.2.1"}
	if err := w.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	aws := httptest.NewServer(cloud.New(cloud.Options{
		Region: region, Bus: busName, Put: w.put, Secrets: map[string]string{rootARN: strings.Repeat("A", 43)},
		Keys: func(key string) (string, bool) { return versitytest.SecretKey, key == versitytest.AccessKey },
	}))
	t.Cleanup(aws.Close)
	w.vars = map[string]string{
		"ASSETRY_TABLE": w.db.Name, "ASSETRY_SEARCH_TABLE": found.Name, "ASSETRY_BUCKET": w.bucket.Bucket,
		"AWS_ENDPOINT_URL_DYNAMODB": enginetest.DynamoDB(t), "AWS_ENDPOINT_URL_S3": w.bucket.URL(),
		"AWS_ENDPOINT_URL_EVENTBRIDGE": aws.URL, "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.URL,
	}
	maps.Copy(w.vars, credentials)
	return w
}

func (w *world) put(_ context.Context, e cloud.Entry) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	return e.Type, nil
}

// published are the types of the events on the bus.
func (w *world) published() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var types []string
	for _, e := range w.events {
		types = append(types, e.Type)
	}
	return types
}

// host starts a function in this world.
func (w *world) host(t *testing.T, f template.Function) *run {
	t.Helper()
	env := maps.Clone(f.Environment)
	maps.Copy(env, w.vars)
	return host(t, f, env)
}

// sample is an event of a file for this world, which is made ready for it.
func (w *world) sample(t *testing.T, file string) string {
	t.Helper()
	if err := w.Prepare(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(enginetest.Root(), "events", file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(w.Payload(b)), samples.Bucket, w.bucket.Bucket)
}

// poster is the state of the sample asset whose bytes come last.
func (w *world) poster(t *testing.T) string {
	t.Helper()
	it, err := w.db.Get(t.Context(), w.Poster().Row().Key(), table.Strong)
	if err != nil {
		t.Fatal(err)
	}
	return it.Str(schema.State)
}

// decode reads JSON.
func decode[A any](t *testing.T, b []byte) (a A) {
	t.Helper()
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return a
}
