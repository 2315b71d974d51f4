package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table/dynamo"
)

// serve runs what a stack has on a folder, the lock and the bucket, and tells the settings, until the test ends or stop is called.
func serve(t *testing.T, dir string, change func(*state.Settings)) (stop func()) {
	t.Helper()
	f, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Settings()
	if err != nil {
		t.Fatal(err)
	}
	change(&s)
	server, err := versity.Start(t.Context(), versity.Config{
		Dir: f.File("s3"), Bucket: bucketOf(s), AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey, Stderr: os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.S3Addr = server.Addr()
	if err := f.Keep(s); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		server.Close()
		f.Close()
	}
	t.Cleanup(stop)
	return stop
}

func TestTheToolWorksBesideAStackThatRuns(t *testing.T) {
	p := localPlace(t)
	stop := serve(t, p.folder, func(*state.Settings) {})
	s := seed(t, p)
	got := must(t, p.args("sweep")...)
	if !strings.Contains(got.err, "which is running") || s.states(t, p)["late"] != "ready" {
		t.Errorf("beside the stack: %v\n%s", s.states(t, p), got.err)
	}
	stop()
	if got := must(t, p.args("reconcile", "--apply")...); strings.Contains(got.err, "running") || !strings.Contains(got.out, "removed") {
		t.Errorf("without the stack:\n%s%s", got.err, got.out)
	}
}

func TestAFolderThatWasBegunWithLambda(t *testing.T) {
	db, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Root: enginetest.Root(), Dir: t.TempDir()})
	if errors.Is(err, dynamolocal.ErrAbsent) {
		enginetest.Missing(t, "DynamoDB Local (`go run ./infra/tools install dynamodb`)")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Stop()
	p := localPlace(t)
	endpoint := db.Endpoint()
	client := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")})
	if err := dynamo.Create(t.Context(), client, "assetry-Table", schema.Indexes()); err != nil {
		t.Fatal(err)
	}
	if err := dynamo.Create(t.Context(), client, "assetry-SearchTable", nil); err != nil {
		t.Fatal(err)
	}
	serve(t, p.folder, func(s *state.Settings) { s.TableAddr = endpoint })
	p.table = dynamo.New(client, "assetry-Table", dynamo.Options{Indexes: schema.Indexes()})
	s := seed(t, p)
	must(t, p.args("sweep")...)
	if got := s.states(t, p); got["late"] != "ready" || got["overdue"] != "failed" {
		t.Errorf("after a sweep: %v", got)
	}
	if got := must(t, p.args("workspace", "list")...); !strings.Contains(got.out, s.w.String()) {
		t.Errorf("workspace list:\n%s", got.out)
	}
}

func TestTheBucketIsCalledAsTheTemplateDoes(t *testing.T) {
	tmpl, err := template.Read(filepath.Join(root, "template.yaml"), template.Options{Values: map[string]string{
		"AWS::StackName": localStack, "AWS::AccountId": localAccount, "AWS::Region": versity.DefaultRegion,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := bucketOf(state.Settings{TableAddr: "x"}), tmpl.Functions[0].Environment[boot.EnvBucket]; got != want {
		t.Errorf("the bucket is %s, to the functions %s", got, want)
	}
}
