package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/assetry/assetry/infra/local/gateway"
	"github.com/assetry/assetry/infra/template"
)

const (
	repository   = "../.."
	templateFile = repository + "/template.yaml"
)

func mustRead(t testing.TB) *template.Template {
	t.Helper()
	tmpl, err := template.Read(templateFile, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestEveryFolderOfAFunctionHasItsHandler(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(repository, "functions"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	hs := handlers(newHouse(t).services)
	for _, f := range folders {
		if hs[f.Name()] == nil {
			t.Errorf("handlers has none for functions/%s: add its line", f.Name())
		}
	}
	if len(hs) != len(folders) {
		t.Errorf("there are %d handlers for %d folders", len(hs), len(folders))
	}
}

func TestTheAPIAnswersByTheTemplate(t *testing.T) {
	tmpl := mustRead(t)
	fs, err := newInProcess(tmpl, handlers(newHouse(t).services))
	if err != nil {
		t.Fatal(err)
	}
	handler := gateway.New(tmpl, fs.invoke, gateway.Options{})
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v1/openapi.json", 200},
		{"GET", "/api/v1/workspaces", 401},
		{"PUT", "/api/v1/assets", 405},
		{"GET", "/nothing", 404},
		{"GET", "/l/forged", 404},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, http.NoBody))
		if w.Code != tt.status {
			t.Errorf("%s %s = %d %s, want %d", tt.method, tt.path, w.Code, w.Body, tt.status)
		}
	}
}

func TestATemplateOfAnotherProgramIsRefused(t *testing.T) {
	tmpl := &template.Template{Functions: []template.Function{{Name: "AssetsGuessFunction", Folder: "assets-guess"}}}
	if _, err := newInProcess(tmpl, handlers(newHouse(t).services)); err == nil || !strings.Contains(err.Error(), "AssetsGuessFunction") {
		t.Errorf("newInProcess = %v, want an error that names the function", err)
	}
}

// inHere runs one handler as the stack does.
func inHere(t testing.TB, handler any, timeout time.Duration) inProcess {
	t.Helper()
	fs, err := newInProcess(&template.Template{Functions: []template.Function{{Name: "FFunction", Folder: "f", Timeout: timeout}}}, map[string]any{"f": handler})
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestAHandlerSeesOnlyWhatTravels(t *testing.T) {
	var got events.S3Event
	fs := inHere(t, func(_ context.Context, e events.S3Event) error { got = e; return errors.New("from the handler") }, time.Minute)
	payload, err := json.Marshal(events.S3Event{Records: []events.S3EventRecord{{S3: events.S3Entity{Object: events.S3Object{Key: "a+b%2Fc", URLDecodedKey: "not sent"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.invoke(t.Context(), "f", payload); err == nil || err.Error() != "from the handler" {
		t.Errorf("the handler's error became %v", err)
	}
	if k := got.Records[0].S3.Object.URLDecodedKey; k != "a b/c" {
		t.Errorf("the handler saw the key %q, want the decoded one", k)
	}
}

func TestAFunctionRunsAsItsRuntimeWouldRunIt(t *testing.T) {
	fs := inHere(t, func(ctx context.Context, in map[string]string) (map[string]string, error) {
		lc, ok := lambdacontext.FromContext(ctx)
		end, bounded := ctx.Deadline()
		switch {
		case in["do"] == "panic":
			panic("out of paper")
		case !ok || lc.AwsRequestID == "" || !bounded || time.Until(end) > time.Minute:
			return nil, errors.New("no request id, or no end in time")
		}
		return in, nil
	}, time.Minute)
	if b, err := fs.invoke(t.Context(), "f", []byte(`{"a": "<&>"}`)); err != nil || string(b) != `{"a":"<&>"}` {
		t.Errorf("invoke = %s, %v", b, err)
	}
	for what, payload := range map[string]string{"a panic": `{"do": "panic"}`, "a payload that is none": `[`} {
		if _, err := fs.invoke(t.Context(), "f", []byte(payload)); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := fs.invoke(t.Context(), "g", nil); err == nil || !strings.Contains(err.Error(), "g") {
		t.Errorf("a function that there is not: %v", err)
	}
}
