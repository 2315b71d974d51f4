package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustOpen(t testing.TB, path string) *folder {
	t.Helper()
	f, err := openFolder(path)
	if err != nil {
		t.Fatalf("openFolder: %v", err)
	}
	t.Cleanup(f.close)
	return f
}

func TestAFolderIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	first := mustOpen(t, path)
	second, err := openFolder(path)
	if err == nil {
		second.close()
		t.Fatal("a second stack may use the folder")
	}
	for _, part := range []string{path, "-data", "another local stack"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the refusal %q does not say %q", err, part)
		}
	}
	mustOpen(t, filepath.Join(filepath.Dir(path), "c"))
	first.close()
	mustOpen(t, path)
}

func TestAFolderThatCannotBeOneIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if f, err := openFolder(path); err == nil {
			f.close()
			t.Errorf("openFolder(%s): no error, though a file is there", path)
		}
	}
}

func TestOnlyItsOwnerReadsTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	f := mustOpen(t, path)
	s, err := f.settings()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.root(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also when it is written over
		if err := f.keep(s); err != nil {
			t.Fatal(err)
		}
	}
	log, err := openEventBus(f.file("events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	log.close()
	for name, want := range map[string]os.FileMode{"": 0o700, "settings.json": 0o600, "root.key": 0o600, "lock": 0o600, "events.jsonl": 0o600} {
		i, err := os.Stat(f.file(name))
		if err != nil || i.Mode().Perm() != want {
			t.Errorf("%s/%s has mode %v, %v, want %v", path, name, i.Mode().Perm(), err, want)
		}
	}
	left, err := filepath.Glob(f.file(".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("unfinished files are left: %v, %v", left, err)
	}
}

func TestSettingsAndRootKeySurviveARestart(t *testing.T) {
	path := t.TempDir()
	f := mustOpen(t, path)
	s, err := f.settings()
	if err != nil {
		t.Fatal(err)
	}
	if s.S3AccessKey == "" || len(s.S3SecretKey) < 20 || s.APIKey != "" || s.Workspace != "" {
		t.Errorf("a new folder has the settings %+v", s)
	}
	s.Addr, s.S3Addr, s.Workspace, s.APIKey = "127.0.0.1:1", "127.0.0.1:2", "ws_1", "sk_live_1"
	if err := f.keep(s); err != nil {
		t.Fatal(err)
	}
	root, err := f.root()
	if err != nil {
		t.Fatal(err)
	}
	f.close()

	f = mustOpen(t, path)
	again, err := f.settings()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("settings after the restart (-kept +read):\n%s", diff)
	}
	if r, err := f.root(); err != nil || r.Encode() != root.Encode() {
		t.Errorf("the root key is another one after the restart: %v", err)
	}
	other := mustOpen(t, t.TempDir())
	if r, err := other.root(); err != nil || r.Encode() == root.Encode() {
		t.Errorf("another folder has the same root key, or none: %v", err)
	}
	if o, err := other.settings(); err != nil || o.S3SecretKey == s.S3SecretKey {
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
			if err := os.WriteFile(f.file(tt.file), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := f.settings()
			if tt.file == "root.key" {
				_, err = f.root()
			}
			if err == nil || !strings.Contains(err.Error(), f.file(tt.file)) || strings.Contains(err.Error(), secret) {
				t.Errorf("the error is %v, want one that names %s and shows no key", err, tt.file)
			}
			if b, _ := os.ReadFile(f.file(tt.file)); string(b) != tt.content {
				t.Errorf("the broken file was changed to %q", b)
			}
		})
	}
}

func TestAFileIsWrittenWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := writeFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "new" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if err := writeFile(filepath.Join(dir, "no", "folder"), nil); err == nil {
		t.Error("a file in a folder that is not there: no error")
	}
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(taken, []byte("x")); err == nil {
		t.Error("a file in the place of a folder: no error")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d entries are left, %v, want the file and the folder", len(left), err)
	}
}
