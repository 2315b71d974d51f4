package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
)

var update = flag.Bool("update", false, "write testdata/ anew")

// elsewhere is the address of whatever sample events lead to outside of AWS. A name of our own is this machine in every container, which the
// guard of outgoing connections refuses; so nothing is asked of anybody, and the refusal is seen in the deployed binary.
var elsewhere = []string{"--add-host", "shop.example.com:127.0.0.1", "--add-host", "images.example.com:127.0.0.1"}

// different are the samples that come to another end in containers than in process, with the reason; their results are in testdata/.
var different = map[string]string{
	"on-import-requested": "the deployed binary copies nothing from this machine",
	"on-webhook-event":    "the deployed binary sends nothing to this machine",
	"webhook-retries":     "the deployed binary sends nothing to this machine",
	"webhooks-test":       "the deployed binary sends nothing to this machine",
	"webhooks-replay":     "the deployed binary sends nothing to this machine",
}

// Every sample event goes through `sam local invoke`: the function that is deployed, in a container, on DynamoDB Local and a real bucket. What
// comes of it is what the house's tests say of the same event in process, but for the times.
func TestSampleEventsInContainers(t *testing.T) {
	w := containers(t)
	for _, name := range eventNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := settle(w.invoke(t, name))
			want := settle(expected(t, name, got))
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("what came of events/%s.json (-want +got):\n%s", name, diff)
			}
		})
	}
}

// progress is how far the sweeper says it has come through the hours. Whether it says so depends on the minute at which it runs.
var progress = regexp.MustCompile(`change sweep / hours\n    hour: .*\n`)

// settle takes from a result what depends on the time of day.
func settle(result string) string { return progress.ReplaceAllString(samples.Timeless(result), "") }

// eventNames are the files of events/, without .json.
func eventNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(enginetest.Root(), "events", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sample events: %v", err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return files
}

// expected reads what should come of a sample: the house's golden file, or the one here; -update writes the latter.
func expected(t *testing.T, name, got string) string {
	t.Helper()
	path := filepath.Join(enginetest.Root(), "infra", "house", "testdata", name+".golden")
	if _, own := different[name]; own {
		path = filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%v: write it with -update (the house's with `go test ./infra/house -update`) and read it in review", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryResultHereHasAReason(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".golden"); different[name] == "" {
			t.Errorf("testdata/%s.golden is of no sample that differs from the house's: remove it, or say in different why", name)
		}
	}
	names := eventNames(t)
	for name := range different {
		if !slices.Contains(names, name) {
			t.Errorf("different names %s, and there is no events/%s.json", name, name)
		}
	}
}

// invoke makes the world of a sample, runs its function in a container and tells what came of it.
func (w *world) invoke(t *testing.T, name string) string {
	t.Helper()
	ctx := t.Context()
	db, index := dynamotest.Open(t, schema.Indexes()...), dynamotest.Open(t)
	bucketName := "sample-" + name
	if err := w.s3.MakeBucket(ctx, bucketName, versity.CORS{}); err != nil {
		t.Fatal(err)
	}
	bucket := s3blob.New(w.s3.Client(), bucketName, s3blob.Options{})
	s := &samples.World{
		Scene: samples.At(time.Now().Add(-samples.After(name))), Table: db, Bucket: bucket,
		Index: search.New(db, index, account.New(db, account.Options{})), BucketName: bucketName, BucketURL: w.s3.URL() + "/" + bucketName,
		Origin: "https://images.example.com/stock.png",
	}
	if err := errors.Join(s.Fill(ctx), s.Prepare(ctx, name)); err != nil {
		t.Fatal(err)
	}
	_, start, err := db.Changes(ctx, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var o samples.Outcome
	var mu sync.Mutex // of what is published
	services, stop, err := serveCloud(w.engine.Gateway(), cloud.Options{
		Region: region, Bus: samples.Bucket, Secrets: map[string]string{secret: samples.Root.Encode()},
		Keys: func(key string) (string, bool) { return w.secretKey, key == w.accessKey },
		Put: func(_ context.Context, e cloud.Entry) (string, error) {
			published := bus.Event{Type: bus.Type(e.Type), Time: e.Time}
			err := json.Unmarshal(e.Detail, &published.Detail)
			mu.Lock()
			defer mu.Unlock()
			o.Events = append(o.Events, published)
			return published.Detail.ID, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	variables := endpoints{dynamodb: seenFrom(w.engine, enginetest.DynamoDB(t)), s3: w.s3.URL(), cloud: services}.variables()
	maps.Copy(variables, map[string]string{
		boot.EnvTable: db.Name, boot.EnvSearch: index.Name, boot.EnvBucket: bucketName, boot.EnvBus: samples.Bucket,
		boot.EnvRootKey: secret, boot.EnvPublicURL: samples.PublicURL,
	})
	o.Answer, o.Err = w.answer(t, name, s, variables)
	stop()
	mu.Lock()
	defer mu.Unlock()
	if o.Changes, _, err = db.Changes(ctx, start, 1000); err != nil {
		t.Fatal(err)
	}
	if o.Versions, err = bucket.Versions(ctx, "", 0); err != nil {
		t.Fatal(err)
	}
	return s.Settle(o.String())
}

// answer runs `sam local invoke` and gives what the function answered.
func (w *world) answer(t *testing.T, name string, s *samples.World, variables map[string]string) ([]byte, error) {
	t.Helper()
	event, err := os.ReadFile(filepath.Join(enginetest.Root(), "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, s.Payload(event), 0o600); err != nil {
		t.Fatal(err)
	}
	values := filepath.Join(t.TempDir(), "variables.json")
	if err := writeVariables(values, variables); err != nil {
		t.Fatal(err)
	}
	answer := w.sam(t, "invoke", values, append(elsewhere, "--event", file, logicalID(t, name))...)
	if err := failure(answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// tries is how often a container may be started: SAM picks a port before it uses it, and another container may be faster.
const tries = 3

// sam runs `sam local <what>` and gives its output.
func (w *world) sam(t *testing.T, what, values string, args ...string) []byte {
	t.Helper()
	for try := 1; ; try++ {
		cmd, err := w.local(t.Context(), what, values, args...)
		if err != nil {
			t.Fatal(err)
		}
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		err = cmd.Run()
		if err == nil {
			t.Logf("SAM said:\n%s", &said)
			return bytes.TrimSpace(out.Bytes())
		}
		if taken := strings.Contains(said.String(), "port is already allocated"); !taken || try == tries {
			t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, &said)
		}
	}
}

// logicalID is the name in template.yaml of the function that an event is for: the one whose folder's name begins the file's, and is longest.
func logicalID(t *testing.T, event string) string {
	t.Helper()
	tmpl, err := template.Read(filepath.Join(enginetest.Root(), "template.yaml"), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var found template.Function
	for _, f := range tmpl.Functions {
		if (f.Folder == event || strings.HasPrefix(event, f.Folder+"-")) && len(f.Folder) > len(found.Folder) {
			found = f
		}
	}
	if found.Name == "" {
		t.Fatalf("events/%s.json is for no function of template.yaml", event)
	}
	return found.Name
}
