package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo"
	"github.com/assetry/assetry/shared/table/dynamo/feed"
)

func mustDeclare(t testing.TB) map[string]declaration {
	t.Helper()
	ds, err := declared(templateFile, mustRead(t))
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func TestTablesAreThoseOfTheTemplate(t *testing.T) {
	ds := mustDeclare(t)
	if diff := cmp.Diff([]string{"SearchTable", "Table"}, slices.Sorted(maps.Keys(ds))); diff != "" {
		t.Fatalf("tables (-want +got):\n%s", diff)
	}
	main, search := ds["Table"], ds["SearchTable"]
	var indexes []string
	for _, ix := range main.create.GlobalSecondaryIndexes {
		indexes = append(indexes, aws.ToString(ix.IndexName))
	}
	var want []string
	for _, ix := range schema.Indexes() {
		want = append(want, ix.Name)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(indexes))); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
	if s := main.create.StreamSpecification; s == nil || s.StreamViewType != types.StreamViewTypeNewAndOldImages || !aws.ToBool(s.StreamEnabled) || search.create.StreamSpecification != nil {
		t.Errorf("streams are %+v and %+v, want both images of the main table alone", s, search.create.StreamSpecification)
	}
	if main.expiry == nil || aws.ToString(main.expiry.AttributeName) != table.AttrExpires || main.name != "assetry-Table" {
		t.Errorf("the main table is %s and expires by %+v", main.name, main.expiry)
	}
}

func TestATemplateWithoutReadableTablesIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.yaml")
	tmpl := mustRead(t)
	if _, err := declared(path, tmpl); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for name, text := range map[string]string{
		"no YAML":            "{",
		"keys that are none": "Resources: {Table: {Properties: {KeySchema: 7}}}",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := declared(path, tmpl); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// local is a DynamoDB Local over a folder, with the clients of the stack.
type local struct {
	*dynamolocal.Server
	client  *dynamodb.Client
	streams *dynamodbstreams.Client
}

func startLocal(t testing.TB, dir string) local {
	t.Helper()
	s, err := dynamolocal.Start(t.Context(), dynamolocal.Options{Root: enginetest.Root(), Dir: dir})
	if errors.Is(err, dynamolocal.ErrAbsent) {
		enginetest.Missing(t, "DynamoDB Local")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	c := credentials.NewStaticCredentialsProvider("assetry", "secret", "")
	return local{
		s, dynamodb.New(dynamodb.Options{Region: here.Region, BaseEndpoint: aws.String(s.Endpoint()), Credentials: c}),
		dynamodbstreams.New(dynamodbstreams.Options{Region: here.Region, BaseEndpoint: aws.String(s.Endpoint()), Credentials: c, HTTPClient: dynamolocal.Repairing{}}),
	}
}

// open makes the main table, or finds it, and gives its feed.
func (l local) open(t testing.TB, d declaration) (*dynamo.Table, *feed.Feed) {
	t.Helper()
	arn, err := d.make(t.Context(), l.client)
	if err != nil || arn == "" {
		t.Fatalf("make = %q, %v", arn, err)
	}
	return dynamo.New(l.client, d.name, dynamo.Options{Indexes: schema.Indexes()}), feed.New(l.streams, arn)
}

// TestTheStreamOfDynamoDBLocalSurvivesItsDeath holds that changes which nobody read before the engine was killed are read afterwards, behind the
// position that was kept, and that nothing comes twice.
func TestTheStreamOfDynamoDBLocalSurvivesItsDeath(t *testing.T) {
	dir, d := t.TempDir(), mustDeclare(t)["Table"]
	first := startLocal(t, dir)
	db, changes := first.open(t, d)
	write := func(db *dynamo.Table, sk string) {
		t.Helper()
		if _, err := db.Write(t.Context(), table.Put(table.Item{table.AttrPK: table.String("p"), table.AttrSK: table.String(sk)}, table.Absent())); err != nil {
			t.Fatal(err)
		}
	}
	write(db, "read")
	var position string
	polltest.Eventually(t, "the first change", func() bool {
		cs, next, err := changes.Changes(t.Context(), "", 10)
		position = next
		return err == nil && len(cs) == 1
	})
	write(db, "unread")
	if err := syscall.Kill(first.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-first.Done()

	second := startLocal(t, dir)
	db, changes = second.open(t, d)
	write(db, "after")
	var seen []string
	polltest.Eventually(t, "what was not read", func() bool {
		cs, next, err := changes.Changes(t.Context(), position, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cs {
			seen = append(seen, c.Key.SK)
		}
		position = next
		return len(seen) >= 2
	})
	if diff := cmp.Diff([]string{"unread", "after"}, seen); diff != "" {
		t.Errorf("changes after the restart (-want +got):\n%s", diff)
	}
}
