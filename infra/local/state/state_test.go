package state_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/state"
)

func mustOpen(t testing.TB, path string) *state.Folder {
	t.Helper()
	f, err := state.Open(path)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestAFolderIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	first := mustOpen(t, path)
	second, err := state.Open(path)
	if err == nil {
		second.Close()
		t.Fatal("a second stack may use the folder")
	}
	for _, part := range []string{path, "-data", "another local stack"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the refusal %q does not say %q", err, part)
		}
	}
	mustOpen(t, filepath.Join(filepath.Dir(path), "c"))
	first.Close()
	mustOpen(t, path)
}

func TestToolsShareAFolderWithItsStackOrKeepItOut(t *testing.T) {
	path := t.TempDir()
	stack := mustOpen(t, path)
	if f, err := state.Look(path); err == nil {
		f.Close()
		t.Fatal("Look takes a folder that no stack has used")
	} else if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "make run") {
		t.Errorf("the refusal %q names no folder, or no remedy", err)
	}
	use(t, stack)
	look := func() *state.Folder {
		f, err := state.Look(path)
		if err != nil {
			t.Fatalf("Look: %v", err)
		}
		t.Cleanup(f.Close)
		return f
	}
	beside := look()
	if !beside.Running() || beside.Path() != path {
		t.Errorf("beside a stack: Running is %v, Path is %s", beside.Running(), beside.Path())
	}
	beside.Close()
	stack.Close()
	first, second := look(), look()
	if first.Running() || second.Running() {
		t.Error("Running says that a stack runs, which ended")
	}
	if f, err := state.Open(path); err == nil {
		f.Close()
		t.Error("a stack starts where tools are at work")
	}
	first.Close()
	second.Close()
	mustOpen(t, path)
}

func TestToolsMakeNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent")
	if f, err := state.Look(path); err == nil {
		f.Close()
		t.Error("Look finds a folder that is not there")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Look made something: %v", err)
	}
}

// use does what the first start of a stack does to a folder.
func use(t *testing.T, f *state.Folder) {
	t.Helper()
	s, err := f.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Root(); err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(s); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderThatCannotBeOneIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if f, err := state.Open(path); err == nil {
			f.Close()
			t.Errorf("state.Open(%s): no error, though a file is there", path)
		}
	}
}

func TestOnlyItsOwnerReadsTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	f := mustOpen(t, path)
	s, err := f.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Root(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also when it is written over
		if err := f.Keep(s); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "settings.json": 0o600, "root.key": 0o600, "lock": 0o600} {
		i, err := os.Stat(f.File(name))
		if err != nil || i.Mode().Perm() != want {
			t.Errorf("%s/%s has mode %v, %v, want %v", path, name, i.Mode().Perm(), err, want)
		}
	}
	left, err := filepath.Glob(f.File(".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("unfinished files are left: %v, %v", left, err)
	}
}

func TestSettingsAndRootKeySurviveARestart(t *testing.T) {
	path := t.TempDir()
	f := mustOpen(t, path)
	s, err := f.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if s.S3AccessKey == "" || len(s.S3SecretKey) < 20 || s.APIKey != "" || s.Workspace != "" {
		t.Errorf("a new folder has the settings %+v", s)
	}
	s.Addr, s.S3Addr, s.Workspace, s.APIKey = "127.0.0.1:1", "127.0.0.1:2", "ws_1", "sk_live_1"
	if err := f.Keep(s); err != nil {
		t.Fatal(err)
	}
	root, err := f.Root()
	if err != nil {
		t.Fatal(err)
	}
	f.Close()

	f = mustOpen(t, path)
	again, err := f.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("settings after the restart (-kept +read):\n%s", diff)
	}
	if r, err := f.Root(); err != nil || r.Encode() != root.Encode() {
		t.Errorf("the root key is another one after the restart: %v", err)
	}
	other := mustOpen(t, t.TempDir())
	if r, err := other.Root(); err != nil || r.Encode() == root.Encode() {
		t.Errorf("another folder has the same root key, or none: %v", err)
	}
	if o, err := other.Settings(); err != nil || o.S3SecretKey == s.S3SecretKey {
		t.Errorf("another folder has the same secret for its bucket: %v", err)
	}
}

func TestBrokenFilesAreNamed(t *testing.T) {
	const secret = "sk_live_never_shown"
	for _, tt := range []struct{ name, file, content string }{
		{"settings that are cut", "settings.json", `{"api_key": "` + secret},
		{"settings that are empty", "settings.json", ""},
		{"settings that are something else", "settings.json", `["` + secret + `"]`},
		{"settings without the bucket's keys", "settings.json", `{"api_key": "` + secret + `"}`},
		{"settings that say nothing", "settings.json", "null"},
		{"a root key that is cut", "root.key", "AAAA"},
		{"a root key that is empty", "root.key", ""},
		{"a root key that is something else", "root.key", secret},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := mustOpen(t, t.TempDir())
			if err := os.WriteFile(f.File(tt.file), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := f.Settings()
			if tt.file == "root.key" {
				_, err = f.Root()
			}
			if err == nil || !strings.Contains(err.Error(), f.File(tt.file)) || strings.Contains(err.Error(), secret) {
				t.Errorf("the error is %v, want one that names %s and shows no key", err, tt.file)
			}
			if b, _ := os.ReadFile(f.File(tt.file)); string(b) != tt.content {
				t.Errorf("the broken file was changed to %q", b)
			}
		})
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := state.WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := state.WriteFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "new" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if err := state.WriteFile(filepath.Join(dir, "no", "folder"), nil); err == nil {
		t.Error("a file in a folder that is not there: no error")
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := state.WriteFile(taken, []byte("x")); err == nil {
		t.Error("a file in the place of a folder: no error")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d entries are left, %v, want the file and the folder", len(left), err)
	}
}
