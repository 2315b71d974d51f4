package main

import (
	"flag"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/versity"
)

var (
	testSeed  = flag.Uint64("soak.seed", 1, "seed of the short soak")
	testLives = flag.Int("soak.lives", 200, "lives of the short soak")
)

func TestMain(m *testing.M) {
	versity.MainIfChild()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	m.Run()
}

// TestShortSoak is `make soak` with few lives.
func TestShortSoak(t *testing.T) {
	var b strings.Builder
	v, err := run(t.Context(), *testSeed, *testLives, t.TempDir(), func(int) {}, &b)
	t.Log("\n" + b.String())
	if err != nil {
		t.Fatalf("seed %d: %v", *testSeed, err)
	}
	if !v.clean() {
		t.Errorf("seed %d left something behind; go test ./infra/soak -soak.seed %d repeats it", *testSeed, *testSeed)
	}
}

// TestManyParts is the second half of `make soak`, with few parts.
func TestManyParts(t *testing.T) {
	last := 0
	if err := manyParts(t.Context(), t.TempDir(), 8, func(n int) { last = max(last, n) }); err != nil {
		t.Fatal(err)
	}
	if last != 8 {
		t.Errorf("progress ended at %d of 8 parts", last)
	}
}

func TestADiskThatIsTooSmallIsSaidBefore(t *testing.T) {
	if err := roomFor(t.TempDir(), 1<<50); err == nil || !strings.Contains(err.Error(), "-no-parts") {
		t.Errorf("room for a petabyte: %v, want an error that names -no-parts", err)
	}
	if err := roomFor(t.TempDir(), 0); err != nil {
		t.Errorf("room for nothing: %v", err)
	}
}

// TestASeedTellsTheStory holds that a failure can be seen again.
func TestASeedTellsTheStory(t *testing.T) {
	story := func() (map[string]int, []string) {
		v, err := run(t.Context(), 5, 25, t.TempDir(), func(int) {}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return v.states, v.stories
	}
	states, stories := story()
	statesAgain, storiesAgain := story()
	if diff := cmp.Diff(states, statesAgain); diff != "" {
		t.Errorf("the same seed ended in two ways (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(stories, storiesAgain); diff != "" {
		t.Errorf("the same seed told two stories (-first +second):\n%s", diff)
	}
}
