package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/recorder"
)

// TestWhatFunctionsCallIsNotedByTheTemplatesNames sends as two functions do, through what stands before the engines.
func TestWhatFunctionsCallIsNotedByTheTemplatesNames(t *testing.T) {
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("{}")) }))
	t.Cleanup(engine.Close)
	tmpl, err := readTemplate(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	d := &deployed{stack: &stack{settings: state.Settings{S3SecretKey: "secret"}}, options: options{s3Addr: "127.0.0.1:0"}, tmpl: tmpl, secret: "secret"}
	file := filepath.Join(t.TempDir(), "rights")
	endpoints, err := d.watched(t.Context(), file, map[string]string{"DYNAMODB": engine.URL, "S3": engine.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	if endpoints["DYNAMODB"] == engine.URL || endpoints["S3"] != endpoints["DYNAMODB"] {
		t.Fatalf("endpoints %v: want one recorder before the one engine", endpoints)
	}
	as := func(function string) aws.CredentialsProvider {
		c := identity.Of("secret", function)
		return credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, "")
	}
	db := dynamodb.New(dynamodb.Options{Region: here.Region, BaseEndpoint: aws.String(endpoints["DYNAMODB"]), Credentials: as("assets-list")})
	key := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: "s"}}
	if _, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("assetry-SearchTable"), Key: key}); err != nil {
		t.Fatal(err)
	}
	bucket := s3.New(s3.Options{Region: here.Region, BaseEndpoint: aws.String(endpoints["S3"]), UsePathStyle: true, Credentials: as("sweep")})
	if _, err := bucket.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("assetry-000000000000-us-east-1"), Key: aws.String("w/a/source")}); err != nil {
		t.Fatal(err)
	}
	calls, err := recorder.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []recorder.Call{
		{Function: "assets-list", Action: "dynamodb:GetItem", Resource: "SearchTable"}, {Function: "sweep", Action: "s3:GetObject", Resource: "Bucket/w/*/source"},
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
}
