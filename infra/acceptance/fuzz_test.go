package acceptance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/enginetest"
)

const (
	fuzzExamples = 40 // per operation; about 30 s on two cores
	slowExamples = 12 // where the table is DynamoDB Local, in about the same time; the code that judges requests is the same
	fuzzLimit    = 4 * time.Minute
)

// TestFuzzedRequestsAreNeverServerErrors runs schemathesis over the document that the API serves: requests that fit the document, requests
// that almost do, and sequences in which answers feed the next request. Half of the ids it sends are real ones. Every run sends the
// same.
func TestFuzzedRequestsAreNeverServerErrors(t *testing.T) {
	schemathesis := enginetest.Tool(t, "venv", "bin", "schemathesis")
	s := anyStack(t)
	dir := t.TempDir() // it reads its configuration here, and leaves files behind
	if err := os.WriteFile(filepath.Join(dir, "schemathesis.toml"), fuzzConfiguration(t, newClient(s)), 0o600); err != nil {
		t.Fatal(err)
	}
	examples := fuzzExamples
	if deployed() {
		examples = slowExamples
	}
	ctx, cancel := context.WithTimeout(t.Context(), fuzzLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, schemathesis, "run", s.API+"/api/v1/openapi.json",
		"--header", "Authorization: Bearer "+s.Key,
		"--checks", "not_a_server_error,content_type_conformance,response_schema_conformance",
		"--phases", "examples,coverage,fuzzing,stateful", "--max-examples", fmt.Sprint(examples),
		"--generation-deterministic", "--suppress-health-check", "all", "--no-shrink",
		"--continue-on-failure", "--request-timeout", "20", "--warnings", "off", "--no-color")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	t.Logf("schemathesis:\n%s", tail(string(out)))
	if err != nil {
		t.Fatalf("schemathesis: %v", err)
	}
	if strings.Contains(s.stdout.String()+s.stderr.String(), "goroutine ") {
		t.Error("a handler panicked")
	}
	if strings.Contains(s.stderr.String(), s.Key) {
		t.Error("the logs contain the key")
	}
}

// fuzzConfiguration makes things of every kind and lends their ids to the fuzzer.
func fuzzConfiguration(t *testing.T, c *client) []byte {
	t.Helper()
	var assets []string
	for n := range 3 {
		a, err := c.create(t.Context(), fmt.Sprintf("%d.png", n))
		if err != nil {
			t.Fatal(err)
		}
		assets = append(assets, a.ID)
	}
	var made struct {
		Project string `json:"project_id"`
		Folder  string `json:"folder_id"`
	}
	for path, body := range map[string]map[string]string{
		"/projects": {"name": "fuzzed", "workspace_id": c.Workspace},
		"/workspaces/" + c.Workspace + "/library/folders": {"name": "fuzzed"},
	} {
		got, err := c.call(t.Context(), "POST", path, body)
		if err != nil || got.status/100 != http.StatusOK/100 {
			t.Fatalf("POST %s = %d %s, %v", path, got.status, got.body, err)
		}
		if err := json.Unmarshal(got.body, &made); err != nil {
			t.Fatal(err)
		}
	}
	hook, delivery := c.deadEnd(t)
	kinds := []struct {
		name  string
		ids   []string
		where []string
	}{
		{"assets", assets, []string{"path.assetId"}},
		{"workspaces", []string{c.Workspace}, []string{"path.workspaceId", "query.workspace_id", "body.workspace_id"}},
		{"projects", []string{made.Project}, []string{"path.projectId", "query.project_id", "body.project_id"}},
		{"folders", []string{made.Folder}, []string{"path.folderId", "body.folder"}},
		{"webhooks", []string{hook}, []string{"path.webhookId"}},
		{"deliveries", []string{delivery}, []string{"path.deliveryId"}},
	}
	var dictionaries, parameters strings.Builder
	parameters.WriteString("[parameters]\n")
	for _, k := range kinds {
		ids, err := json.Marshal(k.ids) // a JSON list of strings is one of TOML too
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&dictionaries, "[dictionaries.%s]\nvalues = %s\n", k.name, ids)
		for _, w := range k.where {
			fmt.Fprintf(&parameters, "%q = { dictionary = %q, probability = 0.5 }\n", w, k.name)
		}
	}
	return []byte(dictionaries.String() + parameters.String())
}

// deadEnd makes a webhook that leads to a name that nobody has, and a delivery that failed there.
func (c *client) deadEnd(t *testing.T) (hook, delivery string) {
	t.Helper()
	hook = c.webhook(t, "POST", "", map[string]string{"url": "https://nobody.example.com/"}).ID
	got := c.webhook(t, "POST", "/"+hook+"/test", nil)
	if got.Status != "dead" {
		t.Fatalf("a test that nobody takes is %q, want it dead", got.Status)
	}
	return hook, got.Delivery
}
