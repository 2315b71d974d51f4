package deployed

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/enginetest"
)

// variables of each need that a main states to boot.AWS.
var variables = map[string]string{"Table": "ASSETRY_TABLE", "Bucket": "ASSETRY_BUCKET", "Bus": "ASSETRY_BUS", "RootKey": "ASSETRY_ROOT_KEY_SECRET"}

var stated = regexp.MustCompile(`boot\.AWS\(([^)]*)\)`)

// source is a function's main.
func source(t *testing.T, f template.Function) []byte {
	t.Helper()
	main, err := os.ReadFile(filepath.Join(enginetest.Root(), "functions", f.Folder, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	return main
}

// needed are the variables that a function cannot do without, as its main states them.
func needed(t *testing.T, f template.Function) []string {
	t.Helper()
	names := []string{}
	for _, call := range stated.FindAllSubmatch(source(t, f), -1) {
		for need := range strings.SplitSeq(string(call[1]), ",") {
			if need = strings.TrimPrefix(strings.TrimSpace(need), "boot."); need == "" {
				continue
			}
			if variables[need] == "" {
				t.Fatalf("functions/%s needs boot.%s; say in environment_test.go which variable that is", f.Folder, need)
			}
			names = append(names, variables[need])
		}
	}
	if len(names) > 0 {
		names = append(names, slices.Collect(maps.Keys(credentials))...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// whole is the environment of a function in which nothing is missing. Nobody is at its addresses: init waits for nobody.
func whole(f template.Function) map[string]string {
	env := maps.Clone(f.Environment)
	maps.Copy(env, credentials)
	for _, service := range []string{"DYNAMODB", "S3", "EVENTBRIDGE", "SECRETS_MANAGER"} {
		env["AWS_ENDPOINT_URL_"+service] = "http://127.0.0.1:1"
	}
	return env
}

// blames checks that a function ends in init, with one line, which names these variables and no others of ours.
func (r *run) blames(t *testing.T, names []string) {
	t.Helper()
	_, err := r.Invoke(t.Context(), r.name, []byte("{}"))
	var f *lambdahost.FunctionError
	if !errors.As(err, &f) || f.Type != "Runtime.ExitError" || !strings.HasSuffix(f.Message, "exit status 1") {
		t.Errorf("Invoke = %v, want an exit in init", err)
	}
	lines := r.own()
	if len(lines) != 1 {
		t.Fatalf("it wrote %d lines, want one: %q", len(lines), lines)
	}
	line := decode[struct{ Level, Message, Function string }](t, []byte(lines[0]))
	if line.Level != "ERROR" || line.Function != r.name {
		t.Errorf("the line is %s, want an error of %s", lines[0], r.name)
	}
	got := regexp.MustCompile(`\b(ASSETRY|AWS)_[A-Z0-9_]+\b`).FindAllString(line.Message, -1)
	slices.Sort(got)
	if d := cmp.Diff(names, slices.Compact(got)); d != "" {
		t.Errorf("the line names (-want +got):\n%s%s", d, line.Message)
	}
}

func TestAFunctionWithItsEnvironmentStarts(t *testing.T) {
	for _, f := range deployed(t) {
		t.Run(f.Folder, func(t *testing.T) {
			t.Parallel()
			r := host(t, f, whole(f))
			if _, err := r.Init(t.Context(), f.Folder); err != nil {
				t.Errorf("Init = %v, lines %q", err, r.own())
			}
		})
	}
}

func TestAFunctionWithoutAVariableFailsInInitByOneLineThatNamesIt(t *testing.T) {
	for _, f := range deployed(t) {
		names := needed(t, f)
		for _, name := range names {
			t.Run(f.Folder+" without "+name, func(t *testing.T) {
				t.Parallel()
				env := whole(f)
				delete(env, name)
				host(t, f, env).blames(t, []string{name})
			})
		}
		if len(names) == 0 {
			continue
		}
		t.Run(f.Folder+" without any", func(t *testing.T) {
			t.Parallel()
			host(t, f, nil).blames(t, names)
		})
	}
}

// A value that makes no sense is refused by every function that boot serves, whether or not it reads it: the template gives all of them the same.
func TestAFunctionWithAWrongVariableFailsInInitByOneLineThatNamesIt(t *testing.T) {
	const nonsense = "! secret !"
	for _, f := range deployed(t) {
		ours := slices.Sorted(maps.Keys(f.Environment))
		t.Run(f.Folder, func(t *testing.T) {
			t.Parallel()
			env := whole(f)
			for _, name := range ours {
				env[name] = nonsense
			}
			r := host(t, f, env)
			if !bytes.Contains(source(t, f), []byte("boot.")) {
				if _, err := r.Init(t.Context(), f.Folder); err != nil {
					t.Errorf("Init of a function without services = %v", err)
				}
				return
			}
			r.blames(t, ours)
			if line := r.own()[0]; strings.Contains(line, "ASSETRY_ROOT_KEY_SECRET is \"") {
				t.Errorf("the line repeats what stands for the root key: %s", line)
			}
		})
	}
}
