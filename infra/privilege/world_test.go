package privilege_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/gateway"
	"github.com/assetry/assetry/infra/local/programs"
	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/infra/recorder"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
)

// place is where events say that they come from, and part of the names of resources.
var place = sources.Place{Region: "us-east-1", Account: "000000000000", Stack: "assetry"}

const (
	stackSecret = "the secret of this stack's bucket"
	bucketName  = "assetry-000000000000-us-east-1"
	rootKeyARN  = "arn:aws:secretsmanager:us-east-1:000000000000:secret:root"
	patience    = 20 * time.Second // for whatever a story waits for; usually milliseconds
	hurry       = 90 * time.Second // all of what a worker at an order keeps for its end: each hands over after the first thousand points, and after each step
)

// world is the deployed shape: the programs of the functions, DynamoDB Local and a bucket, with a recorder before everything that they call and
// gates before that. Events wait until they are delivered by deliver, so that a story says what comes first.
type world struct {
	ledger    *ledger
	gates     gates
	tmpl      *template.Template
	db, found *dynamotest.DB
	s3        *versity.Server
	bucket    *s3blob.Bucket // with the stack's own key, so that nothing of it is noted
	root      secret.Root
	host      *lambdahost.Host
	api       string
	workspace id.Workspace
	key       string // API key
	position  string // in the table's stream

	mu       sync.Mutex
	objects  []versity.Event
	messages map[string][]string // by the logical id of the queue
}

// newWorld builds the functions and starts everything.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{ledger: &ledger{}, root: secret.NewRoot(), messages: map[string][]string{}}
	w.db, w.found = dynamotest.Open(t, schema.Indexes()...), dynamotest.Open(t)
	w.readTemplate(t)
	rec, err := recorder.New(w.ledger, recorder.Stack{Functions: w.folders(), Names: map[string]string{
		"dynamodb/" + w.db.Name: "Table", "dynamodb/" + w.found.Name: "SearchTable", "s3/" + bucketName: "Bucket",
		"events/" + place.Stack: "EventBus", "secretsmanager/" + rootKeyARN: "RootKey",
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.startBucket(t)
	endpoints := map[string]string{
		"DYNAMODB": w.before(t, rec, enginetest.DynamoDB(t)),
		"S3":       w.before(t, rec, w.s3.URL()),
	}
	endpoints["EVENTBRIDGE"] = w.serve(t, rec.Wrap(w.cloud(t)))
	endpoints["SECRETS_MANAGER"] = endpoints["EVENTBRIDGE"]
	w.startFunctions(t, endpoints)
	w.api = w.serve(t, gateway.New(w.tmpl, w.host.Invoke, gateway.Options{OwnTime: true}))
	w.furnish(t)
	return w
}

func (w *world) readTemplate(t *testing.T) {
	t.Helper()
	var err error
	w.tmpl, err = template.Read(filepath.Join(enginetest.Root(), "template.yaml"), template.Options{Values: map[string]string{
		"Table": w.db.Name, "SearchTable": w.found.Name, "EventBus": place.Stack, "RootKey": rootKeyARN,
		"AWS::StackName": place.Stack, "AWS::AccountId": place.Account, "AWS::Region": place.Region,
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) folders() (out []string) {
	for _, f := range w.tmpl.Functions {
		out = append(out, f.Folder)
	}
	return out
}

// startBucket starts a server of this test's own: the functions have accounts there.
func (w *world) startBucket(t *testing.T) {
	t.Helper()
	s, err := versity.Start(t.Context(), versity.Config{
		Dir: t.TempDir(), AccessKey: "stack", SecretKey: stackSecret, Bucket: bucketName, Accounts: identity.Accounts(stackSecret, w.folders()),
		OnEvent: func(e versity.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.objects = append(w.objects, e)
		},
		// Its complaints are of connections that gates cut off.
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w.s3, w.bucket = s, s3blob.New(s.Client(), bucketName, s3blob.Options{})
}

// before puts gates and the recorder before an engine.
func (w *world) before(t *testing.T, rec *recorder.Recorder, engine string) string {
	t.Helper()
	h, err := rec.Proxy(engine)
	if err != nil {
		t.Fatal(err)
	}
	return w.serve(t, w.gates.guard(h))
}

func (w *world) serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// cloud are the bus, whose rules are the template's, and the secret.
func (w *world) cloud(t *testing.T) http.Handler {
	t.Helper()
	bus, err := sources.OpenBus(filepath.Join(t.TempDir(), "events.jsonl"), place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	var rules []sources.Rule
	for _, r := range w.tmpl.Rules {
		p, err := pattern.Parse(r.Pattern)
		if err != nil {
			t.Fatal(err)
		}
		rule := sources.Rule{Pattern: p}
		for _, target := range r.Targets {
			rule.Targets = append(rule.Targets, inbox{w, target.Queue})
		}
		rules = append(rules, rule)
	}
	bus.Rules(rules...)
	accounts := identity.Accounts(stackSecret, w.folders())
	return cloud.New(cloud.Options{
		Region: place.Region, Bus: place.Stack, Secrets: map[string]string{rootKeyARN: w.root.Encode()},
		Keys: func(key string) (string, bool) { s, ok := accounts[key]; return s, ok },
		Put: func(ctx context.Context, e cloud.Entry) (string, error) {
			return bus.Put(ctx, sources.Event(e))
		},
	})
}

// inbox is a queue of the template, whose messages wait for deliver.
type inbox struct {
	*world
	queue string
}

// Deliver keeps a message.
func (i inbox) Deliver(_ context.Context, event []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.messages[i.queue] = append(i.messages[i.queue], string(event))
	return nil
}

// startFunctions builds the functions so that they reach the servers of these tests, and hosts them.
func (w *world) startFunctions(t *testing.T, endpoints map[string]string) {
	t.Helper()
	dir, err := programs.Build(t.Context(), programs.Options{Root: enginetest.Root(), Names: w.folders(), LocalSources: true, Progress: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	var fs []lambdahost.Function
	for _, f := range w.tmpl.Functions {
		c := identity.Of(stackSecret, f.Folder)
		env := []string{"AWS_ACCESS_KEY_ID=" + c.AccessKey, "AWS_SECRET_ACCESS_KEY=" + c.SecretKey}
		for service, address := range endpoints {
			env = append(env, "AWS_ENDPOINT_URL_"+service+"="+address)
		}
		for name, value := range f.Environment {
			env = append(env, name+"="+value)
		}
		timeout := f.Timeout
		if f.Folder == "work-order" {
			timeout = hurry
		}
		fs = append(fs, lambdahost.Function{Name: f.Folder, Program: filepath.Join(dir, f.Folder), Env: env, Timeout: timeout, MemoryMB: f.MemorySize})
	}
	out := io.Discard
	if testing.Verbose() {
		out = os.Stdout
	}
	w.host, err = lambdahost.Start(lambdahost.Options{Region: place.Region, Account: place.Account, Output: out}, fs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.host.Close() })
}

// furnish makes the workspace and its key.
func (w *world) furnish(t *testing.T) {
	t.Helper()
	accounts := account.New(w.db, account.Options{})
	ws, err := accounts.CreateWorkspace(t.Context(), "Stories")
	if err != nil {
		t.Fatal(err)
	}
	w.workspace = ws.ID
	w.key, _, err = accounts.IssueKey(t.Context(), "stories", map[id.Workspace]access.Role{ws.ID: access.Owner})
	if err != nil {
		t.Fatal(err)
	}
}

// uses delivers events until a function has used each of some actions.
func (w *world) uses(t *testing.T, function string, actions ...string) {
	t.Helper()
	for _, a := range actions {
		w.until(t, fmt.Sprintf("%s uses %s", function, a), func() bool { return w.ledger.has(function, a) })
	}
}

// until delivers events until a condition holds.
func (w *world) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		w.deliver(t)
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

// now moves a clock.
func later(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }

// past is the time of things that are overdue.
const past = -6 * time.Hour
