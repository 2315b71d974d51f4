package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/shared/enginetest"
)

// scriptLimit is how long the script may take. Most of its time a container is waited for: ten functions, a second or two each.
const scriptLimit = 5 * time.Minute

// The program of `make sam`, and the published SDK in Node against it.
func TestPublishedSDKThroughStartAPI(t *testing.T) {
	w := containers(t)
	enginetest.Tool(t, "node", "node_modules", "flora-0.11")
	enginetest.Tool(t, "media")
	t.Setenv("DOCKER_HOST", w.engine.Host())
	var said, announced output
	o := options{
		port: freePort(t), lambdaPort: freePort(t), data: filepath.Join(t.TempDir(), "data"), readyFile: filepath.Join(t.TempDir(), "ready.json"),
		root: enginetest.Root(), built: true, out: &said,
	}
	s, err := start(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	t.Cleanup(func() {
		s.close()
		if t.Failed() {
			t.Logf("SAM and the functions wrote:\n%s", &said)
		}
	})
	if err := s.announce(&announced); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{s.ready().API + "/api/v1", s.settings.APIKey, s.settings.Workspace, "curl -sS "} {
		if !strings.Contains(announced.String(), part) {
			t.Errorf("the announcement lacks %q:\n%s", part, &announced)
		}
	}
	runScript(t, o.readyFile, "sam.test.mjs")
	select {
	case err := <-s.failed:
		t.Error(err)
	default:
	}
}

var nodeTotals = regexp.MustCompile(`(?m)^. (pass|fail|cancelled|skipped|todo) (\d+)$`)

// runScript runs a script of node:test against the stack of a ready file, and fails unless every test of it passed.
func runScript(t *testing.T, readyFile, script string) {
	t.Helper()
	b, err := os.ReadFile(readyFile)
	if err != nil {
		t.Fatal(err)
	}
	var at state.Ready
	if err := json.Unmarshal(b, &at); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", filepath.Join(enginetest.Root(), "infra", "acceptance", "node", script))
	cmd.Env = append(os.Environ(), "ASSETRY_API="+at.API, "ASSETRY_KEY="+at.APIKey, "ASSETRY_WORKSPACE="+at.Workspace,
		"ASSETRY_SDK=flora-0.11", "ASSETRY_TOOLS="+filepath.Join(enginetest.Root(), ".tools"), "FORCE_COLOR=0")
	out, err := cmd.CombinedOutput()
	t.Logf("node --test %s:\n%s", script, out)
	if err != nil {
		t.Fatalf("node --test %s: %v", script, err)
	}
	totals := map[string]int{}
	for _, m := range nodeTotals.FindAllStringSubmatch(string(out), -1) {
		totals[m[1]], _ = strconv.Atoi(m[2])
	}
	if totals["pass"] == 0 || totals["skipped"]+totals["todo"]+totals["cancelled"] > 0 {
		t.Errorf("node --test %s: %v: want every test to run", script, totals)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// output is what programs wrote so far; safe to read while they write.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write takes what a program wrote.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String is all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
