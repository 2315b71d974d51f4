package main

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/versity"
)

// TestMain lets this program be the function that the host runs, and the bucket, as bench itself does.
func TestMain(m *testing.M) {
	versity.MainIfChild()
	if path := os.Getenv(createTable); path != "" {
		serveCreate(path)
		return
	}
	os.Exit(m.Run())
}

func TestCreateThroughTheHost(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	s, stop, err := b.throughHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	ids := map[string]bool{}
	for range 3 {
		answer, took, err := s.create(s.event)
		if err != nil {
			t.Fatal(err)
		}
		var out events.APIGatewayV2HTTPResponse
		var a created
		if err := json.Unmarshal(answer, &out); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out.Body), &a); err != nil || out.StatusCode != http.StatusCreated || took <= 0 {
			t.Fatalf("create answered %d %s after %v, %v", out.StatusCode, out.Body, took, err)
		}
		ids[a.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("three creates made the assets %v", ids)
	}
}
