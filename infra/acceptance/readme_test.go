package acceptance_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/enginetest"
)

// blocks are the code blocks of a language in a section of README.md, in order.
func blocks(t *testing.T, heading, language string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(enginetest.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(b), "\n"+heading+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", heading)
	}
	if end := regexp.MustCompile(`(?m)^#{2,3} `).FindStringIndex(section); end != nil {
		section = section[:end[0]]
	}
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(section, -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("the section %q of README.md has no %s", heading, language)
	}
	return out
}

// readmeStack starts a stack in the folder that README tells people to be in, and gives that folder.
func readmeStack(t *testing.T) (*stack, string) {
	t.Helper()
	dir := t.TempDir()
	return start(t, filepath.Join(dir, ".assetry")), dir
}

// run runs a program in a folder, and gives what it wrote to stdout.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	t.Logf("%s wrote:\n%s%s", name, out, stderr.String())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

// TestReadmeUploadsWithCurl pastes what README says into one bash, in order: a direct upload, one by form, one by parts.
func TestReadmeUploadsWithCurl(t *testing.T) {
	_, dir := readmeStack(t)
	pasted := slices.Concat(blocks(t, "### A first upload with curl", "bash"), blocks(t, "### In parts", "bash"))
	out := run(t, dir, nil, "bash", "-euo", "pipefail", "-c", strings.Join(pasted, "\n"))
	if n := strings.Count(out, `"status":"ready"`); n != 3 {
		t.Errorf("%d of the 3 uploads ended as ready", n)
	}
	for _, want := range []string{"bucket: 204", "part 1: 200", "part 2: 200", "part 3: 200", `"part_number":3,"size_bytes":15`} {
		if !strings.Contains(out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
}

// TestReadmeUploadsInJavaScript runs README's function in Node: once from the beginning, and once for an upload of which a part is there.
func TestReadmeUploadsInJavaScript(t *testing.T) {
	enginetest.Tool(t, "node", "node_modules")
	s, dir := readmeStack(t)
	js := blocks(t, "### In parts", "js")
	large := append(picture(1), make([]byte, 12_000_000)...)
	resume := `
import { openAsBlob } from 'node:fs';
import { upload } from './parts.mjs';
const { API, KEY, WORKSPACE } = process.env;
const headers = { authorization: 'Bearer ' + KEY, 'content-type': 'application/json' };
const file = new File([await openAsBlob('.assetry/large.png')], 'large.png', { type: 'image/png' });
const body = JSON.stringify({ source: 'multipart', workspace_id: WORKSPACE, content_type: file.type, size_bytes: file.size, part_size: 5242880 });
const begun = await (await fetch(API + '/assets', { method: 'POST', headers, body })).json();
const put = await fetch(begun.upload.parts[1].url, { method: 'PUT', body: file.slice(5242880, 10485760) });
if (!put.ok) throw new Error(await put.text());
console.log(await upload({ api: API, key: KEY, file, asset: begun.asset_id }));
`
	for name, content := range map[string][]byte{"parts.mjs": []byte(js[0]), "call.mjs": []byte(js[1]), "resume.mjs": []byte(resume), "large.png": large} {
		if err := os.WriteFile(filepath.Join(dir, ".assetry", name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"API=" + s.API + "/api/v1", "KEY=" + s.Key, "WORKSPACE=" + s.Workspace}
	for _, script := range []string{"call.mjs", "resume.mjs"} {
		if out := run(t, dir, env, "node", filepath.Join(".assetry", script)); !strings.Contains(out, "status: 'ready'") {
			t.Errorf("%s ended without a ready asset", script)
		}
	}
}

// readmeScript is how many lines README's script of an order may have.
const readmeScript = 40

// TestReadmeOrders pastes README's order into one bash, and then runs its script in Node on the scan that the first made.
func TestReadmeOrders(t *testing.T) {
	enginetest.Tool(t, "node", "node_modules")
	s, dir := readmeStack(t)
	pasted := slices.Concat(blocks(t, "### A first upload with curl", "bash")[:1], blocks(t, "### An order with curl", "bash"))
	out := run(t, dir, nil, "bash", "-euo", "pipefail", "-c", strings.Join(pasted, "\n"))
	for _, want := range []string{"bucket: 200", `"upload_status":"ready"`, `"order_status":"COMPLETED"`} {
		if !strings.Contains(out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
	if n := strings.Count(out, "saved: "); n != perScan {
		t.Errorf("%d files were saved, want %d", n, perScan)
	}

	js := blocks(t, "### An order in JavaScript", "js")[0]
	if n := strings.Count(js, "\n"); n > readmeScript {
		t.Errorf("the script has %d lines, want at most %d", n, readmeScript)
	}
	if err := os.WriteFile(filepath.Join(dir, ".assetry", "order.mjs"), []byte(js), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"ORDERS=" + s.API + "/v1", "CLIENT=" + s.Orders.Client, "SECRET=" + s.Orders.Secret}
	out = run(t, dir, env, "node", filepath.Join(".assetry", "order.mjs"), filepath.Join(".assetry", "room.xyz"))
	if !strings.Contains(out, "COMPLETED") || strings.Count(out, "saved ") != perScan {
		t.Errorf("the script wrote %q, want a completed order and %d files", out, perScan)
	}
}

// TestReadmeReceivesWebhooks makes the webhook of README by curl, and another one that leads to README's receiver in Node.
func TestReadmeReceivesWebhooks(t *testing.T) {
	modules := enginetest.Tool(t, "node", "node_modules")
	enginetest.Tool(t, "node", "node_modules", "standardwebhooks")
	dir := t.TempDir()
	s := start(t, filepath.Join(dir, ".assetry"), "-allow-local-sources")
	env := []string{"API=" + s.API + "/api/v1", "KEY=" + s.Key, "WORKSPACE=" + s.Workspace}
	if out := run(t, dir, env, "bash", "-euo", "pipefail", "-c", blocks(t, "## Webhooks", "bash")[0]); !strings.Contains(out, `"secret":"whsec_`) {
		t.Error("the webhook was made without a secret")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	c := newClient(s)
	hook := c.webhook(t, "POST", "", map[string]string{"url": "http://" + address})
	if err := os.WriteFile(filepath.Join(dir, "receiver.mjs"), []byte(blocks(t, "## Webhooks", "js")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	receiver := exec.CommandContext(t.Context(), "node", "receiver.mjs")
	_, port, _ := net.SplitHostPort(address)
	heard := new(output)
	receiver.Dir, receiver.Env, receiver.Stdout, receiver.Stderr = dir, append(os.Environ(), "SECRET="+hook.Secret, "PORT="+port), heard, heard
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = receiver.Process.Kill()
		_ = receiver.Wait()
	}()
	s.await(t, startLimit, "the receiver takes a test", func() bool {
		return c.webhook(t, "POST", "/"+hook.ID+"/test", nil).Status == "delivered"
	})
	s.await(t, startLimit, "the receiver says what it took", func() bool { return strings.Contains(heard.String(), "webhook.test") })
}

// webhookAnswer holds the fields that the tests read of any answer about a webhook or a delivery.
type webhookAnswer struct {
	ID       string `json:"webhook_id"`
	Secret   string `json:"secret"`
	Delivery string `json:"delivery_id"`
	Status   string `json:"status"`
}

func (c *client) webhook(t *testing.T, method, path string, body any) (got webhookAnswer) {
	t.Helper()
	a, err := c.call(t.Context(), method, "/workspaces/"+c.Workspace+"/webhooks"+path, body)
	if err != nil || a.status >= 300 {
		t.Fatalf("%s %s = %d %s, %v", method, path, a.status, a.body, err)
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatal(err)
	}
	return got
}
