package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/polltest"
)

func TestTheVariablesOfEveryFunctionLeadSomewhere(t *testing.T) {
	tmpl, err := readTemplate(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := settled(tmpl); err != nil {
		t.Errorf("settled: %v", err)
	}
	f, _ := tmpl.Function("assets-create")
	for name, want := range map[string]string{
		boot.EnvTable: "assetry-Table", boot.EnvSearch: "assetry-SearchTable", boot.EnvBus: "assetry", boot.EnvBucket: "assetry-000000000000-us-east-1",
		boot.EnvRootKey: "arn:aws:secretsmanager:us-east-1:000000000000:secret:assetry-RootKey",
	} {
		if got := f.Environment[name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestAVariableThatLeadsNowhereIsRefused(t *testing.T) {
	tmpl := &template.Template{Functions: []template.Function{{Name: "SweepFunction", Environment: map[string]string{"A": "x", "B": "${Cluster}"}}}}
	if err := settled(tmpl); err == nil || !strings.Contains(err.Error(), "variable B of SweepFunction") {
		t.Errorf("settled = %v, want an error that names the variable", err)
	}
}

func TestAFunctionHasCredentialsOfItsOwnAndNoOtherSecret(t *testing.T) {
	tmpl, err := readTemplate(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", "/roots.pem")
	s := &stack{settings: state.Settings{S3AccessKey: "assetry", S3SecretKey: "the stack's own"}}
	d := &deployed{stack: s, tmpl: tmpl, secret: s.settings.S3SecretKey}
	secrets := map[string]string{}
	for _, f := range tmpl.Functions {
		env := d.environment(f, map[string]string{"S3": "http://127.0.0.1:1"})
		for _, want := range []string{"AWS_ENDPOINT_URL_S3=http://127.0.0.1:1", "SSL_CERT_FILE=/roots.pem", "AWS_LAMBDA_LOG_LEVEL=INFO"} {
			if !slices.Contains(env, want) {
				t.Errorf("%s lacks %s", f.Folder, want)
			}
		}
		i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, "AWS_SECRET_ACCESS_KEY=") })
		if other, taken := secrets[env[i]]; taken {
			t.Errorf("%s has the secret of %s", f.Folder, other)
		}
		secrets[env[i]] = f.Folder
		if strings.Contains(strings.Join(env, "\n"), "the stack's own") {
			t.Errorf("%s knows the stack's own secret", f.Folder)
		}
	}
}

func TestAFolderOfTheOtherShapeIsRefused(t *testing.T) {
	sqlite, dynamo := state.Settings{APIKey: "k"}, state.Settings{APIKey: "k", TableAddr: "http://127.0.0.1:1"}
	for _, tt := range []struct {
		name   string
		kept   state.Settings
		lambda bool
		says   string
	}{
		{"a new folder", state.Settings{}, true, ""},
		{"the same shape", sqlite, false, ""},
		{"the same deployed shape", dynamo, true, ""},
		{"one that was begun without", sqlite, true, "-data d/lambda"},
		{"one that was begun with", dynamo, false, "start it with -lambda"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := fits(tt.kept, options{data: "d", lambda: tt.lambda})
			if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("fits = %v, want %q", err, tt.says)
			}
		})
	}
}

func TestOnlyLinesAboutFailuresReachTheTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "functions.log")
	var loud bytes.Buffer
	l, err := openLogs(path, &loud)
	if err != nil {
		t.Fatal(err)
	}
	quiet := []string{
		`sweep: {"level":"INFO","message":"swept"}`, `sweep: {"level":"WARN","message":"slow"}`,
		`sweep: {"type":"platform.report","record":{"status":"success"}}`,
	}
	failures := []string{
		`sweep: {"level":"ERROR","message":"x"}`, `sweep: {"type":"platform.report","record":{"status":"timeout"}}`,
		`sweep: {"errorMessage":"out of paper","errorType":"string"}`, "sweep: fatal error: all goroutines are asleep",
	}
	all := append(slices.Clone(quiet), failures...)
	for _, line := range all {
		if _, err := l.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	l.close()
	if got, want := loud.String(), strings.Join(failures, "\n")+"\n"; got != want {
		t.Errorf("the terminal shows %q, want %q", got, want)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != strings.Join(all, "\n")+"\n" {
		t.Errorf("the file has %q, %v; want every line", b, err)
	}
}

func TestAPulseTellsEveryReaderOnceForMany(t *testing.T) {
	var p pulse
	a, b := p.listen(), p.listen()
	settle := func() {
		t.Helper()
		polltest.Eventually(t, "the end of the beats", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return !p.waiting
		})
	}
	for range 100 {
		p.beat()
	}
	settle()
	if len(a) != 1 || len(b) != 1 {
		t.Errorf("after many beats there are %d and %d tokens, want one each", len(a), len(b))
	}
	<-a
	p.beat()
	settle()
	if len(a) != 1 || len(b) != 1 {
		t.Errorf("after a further beat there are %d and %d tokens, want one each", len(a), len(b))
	}
}
