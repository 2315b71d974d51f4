package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/media"
)

func TestSamplesAreOfTheTypesTheyAreMeasuredAs(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			read := func(_ context.Context, off, n int64) ([]byte, error) {
				return s.content[off:min(off+n, int64(len(s.content)))], nil
			}
			got, err := media.Inspect(t.Context(), media.Source{Size: int64(len(s.content)), Head: s.content[:min(media.HeadSize, len(s.content))], ReadAt: read})
			if err != nil || got.Type != s.want {
				t.Errorf("Inspect = %+v, %v, want %s", got, err, s.want)
			}
		})
	}
}

func TestFunctionsAreBuiltAsTheyAreDeployed(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(enginetest.Root(), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	makefile := strings.ReplaceAll(string(b), `"`, "")
	if flags := strings.Join(buildFlags, " "); !strings.Contains(makefile, "go build "+flags+"\n") {
		t.Errorf("the Makefile does not build with %s", flags)
	}
}
