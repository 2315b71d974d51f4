package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// SAM builds a function by the Makefile's rule, in the checkout. What it builds has to know its commit, which GET /health tells.
func TestBuiltFunctionsKnowTheirCommit(t *testing.T) {
	git := exec.Command("git", "rev-parse", "HEAD")
	git.Dir = root
	commit, err := git.Output()
	if err != nil {
		commit = nil // no repository: a build without a commit has to succeed
	}
	dir := t.TempDir()
	build := exec.Command("make", "build-HealthFunction", "ARCH="+runtime.GOARCH)
	build.Dir, build.Env = root, append(os.Environ(), "ARTIFACTS_DIR="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make build-HealthFunction: %v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(commit)); !bytes.Contains(program, []byte(want)) {
		t.Errorf("what `make build-HealthFunction` made does not hold the commit %s", want)
	}
}
