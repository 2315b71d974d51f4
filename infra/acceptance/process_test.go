package acceptance_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestReadyFileAppearsWholeAndTellsTheTruth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ready.json")
	s := launch(t, t.TempDir(), "-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0", "-ready", file)
	s.awaitReady(t, file) // fails when the file is seen half-written
	if !strings.HasPrefix(s.Workspace, "ws_") || !strings.HasPrefix(s.Key, "sk_live_") {
		t.Errorf("workspace_id %q and api_key %q: want ws_... and sk_live_...", s.Workspace, s.Key)
	}
	if !strings.HasPrefix(s.Orders.Client, "cl_") || !strings.HasPrefix(s.Orders.Secret, "cs_live_") {
		t.Errorf("client_id %q and client_secret %q: want cl_... and cs_live_...", s.Orders.Client, s.Orders.Secret)
	}
	c := newClient(s)
	got, err := c.call(t.Context(), "GET", "/assets", nil)
	if err != nil || got.status != http.StatusOK {
		t.Errorf("the API answered %d %s, %v right after ready", got.status, got.body, err)
	}
	if _, err := c.do(t.Context(), "GET", s.S3+"/", nil, nil); err != nil {
		t.Errorf("the bucket did not answer right after ready: %v", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the ready file, which holds the key, has mode %v: others can read it", info.Mode())
	}
}

func TestEverythingListensOnLoopbackOnly(t *testing.T) {
	s := anyStack(t)
	for _, address := range []string{s.API, s.S3} {
		if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+$`).MatchString(address) {
			t.Errorf("the stack listens on %s, want http://127.0.0.1:PORT", address)
		}
	}
}

func TestRestartKeepsPortsWorkspaceKeyAndAssets(t *testing.T) {
	data := t.TempDir()
	first := start(t, data)
	c := newClient(first)
	a, err := c.create(t.Context(), "kept.png")
	if err != nil {
		t.Fatal(err)
	}
	content := picture(1)
	if got, err := c.sendForm(t.Context(), a, content); err != nil || got.status/100 != 2 {
		t.Fatalf("the bucket answered %d %s, %v", got.status, got.body, err)
	}
	if _, err := c.asset(t.Context(), "POST", "/assets/"+a.ID+"/complete", nil, http.StatusOK); err != nil {
		t.Fatal(err)
	}
	first.stop(t, syscall.SIGTERM)

	second := start(t, data)
	if second.ready != first.ready {
		t.Errorf("after a restart the ready file says %+v, before it %+v", second.ready, first.ready)
	}
	c = newClient(second)
	got, err := c.get(t.Context(), a.ID)
	if err != nil || got.Status != "ready" || got.URL != a.URL {
		t.Fatalf("after a restart the asset is %+v, %v", got, err)
	}
	link, err := c.do(t.Context(), "GET", a.URL, nil, nil)
	if err != nil || string(link.body) != string(content) {
		t.Errorf("after a restart the link gives %d and %d bytes, %v; want the %d bytes uploaded", link.status, len(link.body), err, len(content))
	}
	second.stop(t, syscall.SIGINT)
}

func TestSignalsStopTheStackWhileClientsAreConnected(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			s := start(t, t.TempDir())
			c := newClient(s)
			if _, err := c.create(t.Context(), "waiting.png"); err != nil { // leaves an idle connection
				t.Fatal(err)
			}
			slow, err := net.Dial("tcp", strings.TrimPrefix(s.API, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer slow.Close()
			if _, err := slow.Write([]byte("POST /api/v1/assets HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")); err != nil {
				t.Fatal(err)
			}
			s.stop(t, sig)
			for _, address := range []string{s.API, s.S3} {
				if conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://")); err == nil {
					conn.Close()
					t.Errorf("something still listens on %s", address)
				}
			}
		})
	}
}

func TestSecondStartOnTheSameFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	first := start(t, data)
	second := launch(t, data, "-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0")
	if code := second.exitCode(t, startLimit); code == 0 {
		t.Errorf("the second start ended with exit code 0")
	}
	said := second.stderr.String()
	if !strings.Contains(said, data) || strings.Contains(said, "goroutine ") {
		t.Errorf("the second start said %q: want a sentence that names the folder %s", said, data)
	}
	if got, err := newClient(first).call(t.Context(), "GET", "/assets", nil); err != nil || got.status != http.StatusOK {
		t.Errorf("after the second start the first answers %d, %v", got.status, err)
	}
}

func TestPortInUseIsRefused(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for name, flags := range map[string][]string{
		"the API's":    {"-addr", address, "-s3-addr", "127.0.0.1:0"},
		"the bucket's": {"-addr", "127.0.0.1:0", "-s3-addr", address},
	} {
		t.Run(name, func(t *testing.T) {
			s := launch(t, t.TempDir(), flags...)
			if code := s.exitCode(t, startLimit); code == 0 {
				t.Errorf("the start ended with exit code 0")
			}
			if said := s.stderr.String(); !strings.Contains(said, address) || strings.Contains(said, "goroutine ") {
				t.Errorf("the start said %q: want a sentence that names %s", said, address)
			}
		})
	}
}

func TestWrongFlagsAreRefusedAndWriteNothing(t *testing.T) {
	for name, flags := range map[string][]string{
		"a flag that does not exist": {"-nope"},
		"an address that is none":    {"-addr", "nonsense"},
		"an address for the world":   {"-addr", "0.0.0.0:0"},
		"a word that is no flag":     {"-addr", "127.0.0.1:0", "word"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			s := launch(t, data, flags...)
			if code := s.exitCode(t, startLimit); code == 0 {
				t.Errorf("the start ended with exit code 0")
			}
			if said := s.stderr.String(); said == "" || strings.Contains(said, "goroutine ") {
				t.Errorf("the start said %q, want a sentence", said)
			}
			if _, err := os.Stat(data); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the folder %s was made for a start that was refused: %v", data, err)
			}
		})
	}
}

func TestTemplateThatIsNotThereIsRefused(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "template.yaml")
	s := launch(t, t.TempDir(), "-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0", "-template", missing)
	if code := s.exitCode(t, startLimit); code == 0 {
		t.Errorf("the start ended with exit code 0")
	}
	if said := s.stderr.String(); !strings.Contains(said, missing) || strings.Contains(said, "goroutine ") {
		t.Errorf("the start said %q: want a sentence that names %s", said, missing)
	}
}

// curlLines finds the commands that the stack prints for people: from "curl" to the end of the line, lines continued by a backslash.
func curlLines(stdout string) []string {
	return regexp.MustCompile(`(?m)^[ \t$]*(curl (?:[^\n\\]|\\\n|\\.)*)$`).FindAllString(stdout, -1)
}

func TestPrintedCurlLineWorksWhenPasted(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is not in PATH")
	}
	s := anyStack(t)
	s.await(t, startLimit, "it prints a curl line", func() bool { return len(curlLines(s.stdout.String())) > 0 })
	for _, line := range curlLines(s.stdout.String()) {
		line = strings.TrimLeft(line, " \t$")
		ctx, cancel := context.WithTimeout(t.Context(), startLimit)
		cmd := exec.CommandContext(ctx, "bash", "-c", line)
		cmd.Dir = t.TempDir()
		for _, file := range regexp.MustCompile(`@([\w.-]+)`).FindAllStringSubmatch(line, -1) { // what the person has at hand
			if err := os.WriteFile(filepath.Join(cmd.Dir, file[1]), picture(1), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := cmd.Output()
		cancel()
		if err != nil {
			t.Errorf("%s\nended with %v: %s", line, err, out)
			continue
		}
		var body map[string]any
		if err := json.Unmarshal(out, &body); err != nil {
			t.Errorf("%s\nprinted %q, want JSON: %v", line, out, err)
		} else if e, ok := body["error"]; ok {
			t.Errorf("%s\nanswered the error %v", line, e)
		}
	}
	for what, value := range map[string]string{"API": s.API, "bucket": s.S3, "workspace": s.Workspace, "key": s.Key} {
		if !strings.Contains(s.stdout.String(), value) {
			t.Errorf("the %s %s is not printed:\n%s", what, value, s.stdout.String())
		}
	}
}
