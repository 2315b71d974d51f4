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

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/template"
)

const (
	repository   = "../.."
	templateFile = repository + "/template.yaml"
)

// logical is the logical id of a function by the rule of the Makefile: every word of the folder with a capital, and Function.
func logical(folder string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(folder, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String() + "Function"
}

func TestEveryFunctionIsFoundByItsLogicalID(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(repository, "functions"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	tmpl, err := template.Read(templateFile, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, f := range tmpl.Functions {
		declared[f.Name] = true
	}
	for _, f := range folders {
		id := logical(f.Name())
		if got := template.FolderOf(id); got != f.Name() {
			t.Errorf("FolderOf(%s) = %s, want %s", id, got, f.Name())
		}
		if !declared[id] {
			t.Errorf("the template has no %s", id)
		}
	}
}

func TestTheAPIAnswersByTheTemplate(t *testing.T) {
	h := newHouse(t)
	handler, err := api(templateFile, h.services)
	if err != nil {
		t.Fatal(err)
	}
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
	h := newHouse(t)
	b, err := os.ReadFile(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, content, says string }{
		{"a function this program does not have", strings.ReplaceAll(string(b), "AssetsListFunction", "AssetsGuessFunction"), "AssetsGuessFunction"},
		{"no YAML", "{", "template"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "template.yaml")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := api(path, h.services); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("api = %v, want an error that names %s", err, tt.says)
			}
		})
	}
	if _, err := api(filepath.Join(t.TempDir(), "none.yaml"), h.services); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("api without a template = %v", err)
	}
}

func TestAHandlerSeesOnlyWhatTravels(t *testing.T) {
	var got events.S3Event
	handle := overWire(func(_ context.Context, e events.S3Event) error { got = e; return errors.New("from the handler") })
	in := events.S3Event{Records: []events.S3EventRecord{{S3: events.S3Entity{Object: events.S3Object{Key: "a+b%2Fc", URLDecodedKey: "not sent"}}}}}
	if err := handle(t.Context(), in); err == nil || err.Error() != "from the handler" {
		t.Errorf("the handler's error became %v", err)
	}
	if k := got.Records[0].S3.Object.URLDecodedKey; k != "a b/c" {
		t.Errorf("the handler saw the key %q, want the decoded one", k)
	}
	bad := events.CloudWatchEvent{Detail: json.RawMessage("{")}
	called := false
	err := overWire(func(context.Context, events.CloudWatchEvent) error { called = true; return nil })(t.Context(), bad)
	if err == nil || called {
		t.Errorf("an event that cannot travel: error %v, handler called %t", err, called)
	}
}
