package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/enginetest"
)

const (
	fuzzSeed     = 20 // any number: the same requests on every run
	fuzzExamples = 40 // per operation; about 30 s on two cores
	fuzzLimit    = 4 * time.Minute
)

// TestFuzzedRequestsAreNeverServerErrors runs schemathesis over the document that the API serves: requests that fit the document, requests
// that almost do, and sequences in which answers feed the next request.
func TestFuzzedRequestsAreNeverServerErrors(t *testing.T) {
	schemathesis := enginetest.Tool(t, "venv", "bin", "schemathesis")
	s := start(t, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), fuzzLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, schemathesis, "run", s.API+"/api/v1/openapi.json",
		"--header", "Authorization: Bearer "+s.Key,
		"--checks", "not_a_server_error,content_type_conformance,response_schema_conformance",
		"--phases", "examples,coverage,fuzzing,stateful", "--max-examples", fmt.Sprint(fuzzExamples), "--seed", fmt.Sprint(fuzzSeed),
		"--generation-deterministic", "--generation-database", "none", "--suppress-health-check", "all", "--no-shrink",
		"--continue-on-failure", "--request-timeout", "20", "--warnings", "off", "--no-color")
	cmd.Dir = t.TempDir() // it leaves files behind
	cmd.Env = append(os.Environ(), "HYPOTHESIS_STORAGE_DIRECTORY="+filepath.Join(cmd.Dir, "hypothesis"))
	out, err := cmd.CombinedOutput()
	t.Logf("schemathesis:\n%s", tail(string(out)))
	if err != nil {
		t.Fatalf("schemathesis: %v", err)
	}
	logs := s.stdout.String() + s.stderr.String()
	if strings.Contains(logs, "goroutine ") {
		t.Error("a handler panicked")
	}
	if strings.Contains(s.stderr.String(), s.Key) {
		t.Error("the logs contain the key")
	}
}
