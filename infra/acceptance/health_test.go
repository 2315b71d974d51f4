package acceptance_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/enginetest"
)

// TestEverybodyMayAskWhatRuns asks as a page of another origin does, without a key.
func TestEverybodyMayAskWhatRuns(t *testing.T) {
	c := newClient(anyStack(t))
	got, err := c.do(t.Context(), http.MethodGet, c.API+"/health", http.Header{"Origin": {"https://status.example.com"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Origin") == "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("GET /health = %d %v, want 200 that a page may read and nobody keeps", got.status, got.header)
	}
	var build struct{ Version, Commit, Region string }
	if err := json.Unmarshal(got.body, &build); err != nil || build.Version == "" || build.Region != "us-east-1" {
		t.Errorf("GET /health answered %s (%v), want version, commit and the stack's region", got.body, err)
	}
	git := exec.Command("git", "rev-parse", "HEAD")
	git.Dir = enginetest.Root()
	if commit, err := git.Output(); err == nil && deployed() && build.Commit != strings.TrimSpace(string(commit)) {
		t.Errorf("GET /health answered the commit %s, want %s", build.Commit, commit)
	}
}
