package programs_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/programs"
)

// repository makes one with functions of the given sources.
func repository(t testing.TB, functions map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.com/m\n\ngo 1.26\n")
	for name, source := range functions {
		write(t, filepath.Join(root, "functions", name, "main.go"), source)
	}
	return root
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const (
	idle  = "package main\n\nfunc main() {}\n"
	eager = "package main\n\nfunc main() { println() }\n"
)

func TestOnlyWhatChangedIsBuiltAgain(t *testing.T) {
	root := repository(t, map[string]string{"a": idle, "b": idle})
	for _, step := range []struct {
		name, change, says string
	}{
		{"the first time", "", "built 2 of 2 functions in "},
		{"nothing changed", "", ""},
		{"one changed", "a", "built 1 of 2 functions in "},
	} {
		if step.change != "" {
			write(t, filepath.Join(root, "functions", step.change, "main.go"), eager)
		}
		var said bytes.Buffer
		dir, err := programs.Build(t.Context(), programs.Options{Root: root, Names: []string{"b", "a"}, Progress: &said})
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if want := filepath.Join(root, "dist", "local", runtime.GOOS+"-"+runtime.GOARCH); dir != want {
			t.Errorf("%s: built into %s, want %s", step.name, dir, want)
		}
		for _, name := range []string{"a", "b"} {
			if i, err := os.Stat(filepath.Join(dir, name)); err != nil || i.Mode()&0o100 == 0 {
				t.Errorf("%s: %s is no program: %v", step.name, name, err)
			}
		}
		if !strings.HasPrefix(said.String(), step.says) || step.says == "" && said.Len() > 0 {
			t.Errorf("%s: it says %q, want %q", step.name, said.String(), step.says)
		}
	}
}

func TestLocalSourcesAreBuiltApartUnderTheirTag(t *testing.T) {
	root := repository(t, map[string]string{"a": idle})
	write(t, filepath.Join(root, "functions", "a", "tagged.go"), "//go:build assetry_local_sources\n\npackage main\n\nfunc init() { println(\"tagged\") }\n")
	plain, err := programs.Build(t.Context(), programs.Options{Root: root, Names: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	tagged, err := programs.Build(t.Context(), programs.Options{Root: root, Names: []string{"a"}, LocalSources: true})
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for name, dir := range map[string]string{"plain": plain, "tagged": tagged} {
		b, err := os.ReadFile(filepath.Join(dir, "a"))
		if err != nil {
			t.Fatal(err)
		}
		has[name] = bytes.Contains(b, []byte("tagged\n"))
	}
	if diff := cmp.Diff(map[string]bool{"plain": false, "tagged": true}, has); diff != "" {
		t.Errorf("what is under the tag (-want +got):\n%s", diff)
	}
}

func TestABuildThatCannotBeSaysWhy(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	good := repository(t, map[string]string{"a": idle})
	for _, tt := range []struct {
		name string
		ctx  context.Context
		o    programs.Options
		says string
	}{
		{"no repository", t.Context(), programs.Options{Root: t.TempDir(), Names: []string{"a"}}, "top folder of the repository"},
		{"a function that there is not", t.Context(), programs.Options{Root: good, Names: []string{"b"}}, "functions/b"},
		{"a function that does not compile", t.Context(), programs.Options{Root: repository(t, map[string]string{"a": "package main\n\nfunc main() { nope() }\n"}), Names: []string{"a"}}, "undefined: nope"},
		{"an interruption", cancelled, programs.Options{Root: good, Names: []string{"a"}}, "context canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := programs.Build(tt.ctx, tt.o); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Build = %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

// announced takes progress and says when there was some.
type announced chan string

// Write takes a line.
func (a announced) Write(p []byte) (int, error) {
	a <- string(p)
	return len(p), nil
}

func TestBuildsIntoOneFolderGoOneAfterAnother(t *testing.T) {
	root := repository(t, map[string]string{"a": idle})
	o := programs.Options{Root: root, Names: []string{"a"}}
	dir, err := programs.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(filepath.Join(dir, ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	said, done := make(announced, 1), make(chan error, 1)
	o.Progress = said
	go func() {
		_, err := programs.Build(t.Context(), o)
		done <- err
	}()
	if line := <-said; !strings.Contains(line, "waiting for another build") {
		t.Errorf("it says %q", line)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the second build: %v", err)
	}
}
