package versity_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/blob"
)

// olderFile finds the file of a version that is not the newest.
func olderFile(t *testing.T, dir, version string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "versions", "assets", "*", "*", "*", "*", version))
	if err != nil || len(found) != 1 {
		t.Fatalf("files of version %s = %v, %v; want one", version, found, err)
	}
	return found[0]
}

// hasAttributes says whether metadata travels with the files of a folder. Where the file system has no extended attributes it does
// not, and the engine removes in its own steps.
func hasAttributes(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "sidecar"))
	return err != nil
}

func TestTheNewestVersionIsRemovedInOneStep(t *testing.T) {
	dir := t.TempDir()
	b := driver(start(t, config(dir)), "assets")
	old, newest := put(t, b, key, "old"), put(t, b, key, "newest")
	before, err := os.Stat(olderFile(t, dir, old.Version))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteVersion(context.Background(), key, newest.Version); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(dir, "objects", "assets", key))
	if err != nil || hasAttributes(dir) && !os.SameFile(before, after) {
		t.Errorf("the current file is not the older version's own, %v: it was copied, not moved", err)
	}
	body, o, err := b.Read(context.Background(), key, "", 0, 10)
	if err != nil || string(body) != "old" || o.Version != old.Version || o.Meta["a"] != "ü" || o.Type != "image/png" {
		t.Errorf("Read = %q, %+v, %v; want the older version as it was", body, o, err)
	}
}

func TestAVersionLeftTwiceByACrashIsRemovedWhole(t *testing.T) {
	dir := t.TempDir()
	b := driver(start(t, config(dir)), "assets")
	ctx := context.Background()
	old, newest := put(t, b, key, "old"), put(t, b, key, "newest")
	if hasAttributes(dir) {
		twin := filepath.Join(filepath.Dir(olderFile(t, dir, old.Version)), newest.Version)
		if err := os.Link(filepath.Join(dir, "objects", "assets", key), twin); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.DeleteVersion(ctx, key, newest.Version); err != nil {
		t.Fatal(err)
	}
	want := []blob.Version{{Key: key, Version: old.Version, Size: 3, Latest: true}}
	got, err := b.Versions(ctx, key, 0)
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("Versions, %v (-want +got):\n%s", err, d)
	}
	if _, err := b.Head(ctx, key, newest.Version); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Head of the removed version = %v, want ErrNotFound", err)
	}
}
