package main

import (
	"context"
	"testing"

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
