// Package programs builds the functions of the repository for this machine, with the flags that they are deployed with, so that a host can run
// what AWS would run. One call of the go command builds them all: what did not change is neither compiled nor linked again.
package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/infra/flock"
)

// LocalSources is the build tag under which functions reach sources and receivers on this machine, also over plain http (see shared/boot).
const LocalSources = "assetry_local_sources"

// Options say what is built. Root and Names are required.
type Options struct {
	Root         string // top folder of the repository
	Names        []string
	LocalSources bool      // build with the tag LocalSources, in a folder of its own
	Progress     io.Writer // takes lines for people; nil: nobody
}

// progressEvery is how often it is said how far a build is: seldom enough to be read.
const progressEvery = 5 * time.Second

// Build builds the functions and gives the folder that holds a program of each name. An interrupted or failed build leaves older programs.
func Build(ctx context.Context, o Options) (dir string, err error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if _, err := os.Stat(filepath.Join(o.Root, "go.mod")); err != nil {
		return "", fmt.Errorf("the functions are built from their sources, and %s is not the top folder of the repository: %w", o.Root, err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", fmt.Errorf("the functions are built from their sources: %w; install Go", err)
	}
	dir = filepath.Join(o.Root, "dist", "local", o.place())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := flock.Wait(ctx, filepath.Join(dir, ".lock"), func() { fmt.Fprintf(o.Progress, "waiting for another build into %s\n", dir) })
	if err != nil {
		return "", err
	}
	defer unlock()
	return dir, o.build(ctx, dir)
}

// place is the folder of one kind of build.
func (o Options) place() string {
	place := runtime.GOOS + "-" + runtime.GOARCH
	if o.LocalSources {
		place += "-local-sources"
	}
	return place
}

func (o Options) build(ctx context.Context, dir string) error {
	before := files(dir, o.Names)
	began := time.Now()
	cmd := exec.CommandContext(ctx, "go", o.arguments(dir, o.stamp(ctx))...)
	cmd.Dir, cmd.Env = o.Root, append(os.Environ(), "CGO_ENABLED=0")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build the functions: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(o.Progress, "building the functions for %s/%s: %d of %d are ready\n", runtime.GOOS, runtime.GOARCH, built(before, files(dir, o.Names)), len(o.Names))
		case err := <-done:
			if err != nil {
				return fmt.Errorf("build the functions: %w\n%s", errors.Join(err, ctx.Err()), bytes.TrimSpace(said.Bytes()))
			}
			if n := built(before, files(dir, o.Names)); n > 0 {
				fmt.Fprintf(o.Progress, "built %d of %d functions in %s\n", n, len(o.Names), time.Since(began).Round(100*time.Millisecond))
			}
			return nil
		}
	}
}

// health is the package of what GET /health answers, and of its variables that the linker sets.
const health = "github.com/assetry/assetry/shared/api/health"

// stamp sets what GET /health says of the build, as the Makefile does; "" where there is no repository.
func (o Options) stamp(ctx context.Context) (flags string) {
	for _, told := range [][]string{{"version", "describe", "--tags", "--always", "--dirty"}, {"commit", "rev-parse", "HEAD"}} {
		git := exec.CommandContext(ctx, "git", told[1:]...)
		git.Dir = o.Root
		if out, err := git.Output(); err == nil {
			flags += fmt.Sprintf(" -X %s.%s=%s", health, told[0], bytes.TrimSpace(out))
		}
	}
	return flags
}

// arguments are the Makefile's: of the functions only health is told the version, or else each commit would link them all anew.
func (o Options) arguments(dir, stamp string) []string {
	tags := []string{"lambda.norpc"}
	if o.LocalSources {
		tags = append(tags, LocalSources)
	}
	args := []string{"build", "-tags", strings.Join(tags, ","), "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-ldflags", "./functions/health=-s -w" + stamp,
		"-o", dir + string(filepath.Separator)}
	for _, n := range slices.Sorted(slices.Values(o.Names)) {
		args = append(args, "./functions/"+n)
	}
	return args
}

// files are the programs that there are. The go command writes a program anew by putting another file in its place, and touches one that is as
// it was.
func files(dir string, names []string) map[string]os.FileInfo {
	is := map[string]os.FileInfo{}
	for _, n := range names {
		if i, err := os.Stat(filepath.Join(dir, n)); err == nil {
			is[n] = i
		}
	}
	return is
}

// built counts the programs that were written since.
func built(before, now map[string]os.FileInfo) (n int) {
	for name, i := range now {
		if old, ok := before[name]; !ok || !os.SameFile(old, i) {
			n++
		}
	}
	return n
}
