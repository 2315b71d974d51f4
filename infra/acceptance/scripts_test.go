package acceptance_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/enginetest"
)

// scriptLimit is how long one script may take; the slowest takes about 20 s.
const scriptLimit = 3 * time.Minute

// environment tells a script where the stack is.
func environment(t *testing.T, s *stack, sdk string) []string {
	return append(os.Environ(), "ASSETRY_API="+s.API, "ASSETRY_KEY="+s.Key, "ASSETRY_WORKSPACE="+s.Workspace,
		"ASSETRY_SDK="+sdk, "ASSETRY_TOOLS="+filepath.Dir(enginetest.Tool(t, "node")), "FORCE_COLOR=0")
}

var nodeTotals = regexp.MustCompile(`(?m)^. (pass|fail|cancelled|skipped|todo) (\d+)$`)

// runNode runs a script of node:test and fails unless every test of it passed.
func runNode(t *testing.T, env []string, script string) {
	t.Helper()
	enginetest.Tool(t, "node", "node_modules")
	enginetest.Tool(t, "media")
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", filepath.Join("node", script))
	cmd.Env = env
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

// TestPublishedSDK runs the scripts with the vendor's package as it is on npm, in the newest version and in one from before it had a
// class for folders and an upload helper.
func TestPublishedSDK(t *testing.T) {
	both := []string{"assets.test.mjs", "lists.test.mjs", "projects.test.mjs", "errors.test.mjs"}
	for sdk, scripts := range map[string][]string{
		"flora-0.11": append([]string{"upload.test.mjs", "folders.test.mjs"}, both...),
		"flora-0.7":  both,
	} {
		t.Run(sdk, func(t *testing.T) {
			enginetest.Tool(t, "node", "node_modules", sdk)
			env := environment(t, anyStack(t), sdk)
			for _, script := range scripts {
				t.Run(script, func(t *testing.T) { runNode(t, env, script) })
			}
		})
	}
}

// TestWebhooks lets a server of a user's own, on loopback, take events with the library that Standard Webhooks publishes for Node.
func TestWebhooks(t *testing.T) {
	enginetest.Tool(t, "node", "node_modules", "standardwebhooks")
	runNode(t, environment(t, start(t, t.TempDir(), "-allow-local-sources"), "flora-0.11"), "webhooks.test.mjs")
}

// TestPublishedSDKUploadsByLink lets the SDK name links, to a stack that may copy from this machine.
func TestPublishedSDKUploadsByLink(t *testing.T) {
	enginetest.Tool(t, "node", "node_modules", "flora-0.11")
	source := mediaServer(t)
	env := append(environment(t, start(t, t.TempDir(), "-allow-local-sources"), "flora-0.11"), "ASSETRY_SOURCE="+source)
	runNode(t, env, "import.test.mjs")
}

// mediaServer serves the sample files over TLS, for imports by link. The stack that is started after it trusts its certificate.
func mediaServer(t *testing.T) (address string) {
	t.Helper()
	s := httptest.NewTLSServer(http.FileServer(http.Dir(enginetest.Tool(t, "media"))))
	t.Cleanup(s.Close)
	file := filepath.Join(t.TempDir(), "roots.pem")
	pemBytes := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, pemBytes, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	return s.URL
}

// TestPageOnAnotherOrigin serves a page from another port, which is another origin, and lets Chromium use the API and the bucket from it.
func TestPageOnAnotherOrigin(t *testing.T) {
	browser := os.Getenv("ASSETRY_TEST_CHROMIUM")
	if browser == "" {
		browser, _ = exec.LookPath("chromium")
	}
	if browser == "" {
		enginetest.Missing(t, "Chromium")
	}
	enginetest.Tool(t, "node", "node_modules", "playwright-core")
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, "page.html")
	}))
	defer page.Close()
	env := append(environment(t, anyStack(t), "flora-0.11"), "ASSETRY_PAGE="+page.URL+"/", "ASSETRY_CHROMIUM="+browser)
	runNode(t, env, "browser.mjs")
}
