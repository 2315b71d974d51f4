package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// buildFlags are those with which package programs builds functions, for what functions are compared with.
var buildFlags = []string{"-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"}

// buildFor is the rest of the Makefile's: as there, but for this machine.
var buildFor = []string{"CGO_ENABLED=0", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}

// fewFunctions are enough for a quick run: the busiest routes, an event and the smallest.
var fewFunctions = []string{"assets-create", "assets-list", "assets-retrieve", "on-object-created", "fallback"}

// moduleRoot is the top folder of the module of the working directory.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module, run this in a folder of the repository: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// functions gives the names of the functions to measure.
func (b *bench) functions() ([]string, error) {
	mains, err := filepath.Glob(filepath.Join(b.root, "functions", "*", "main.go"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, m := range mains {
		name := filepath.Base(filepath.Dir(m))
		if !b.quick || slices.Contains(fewFunctions, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// buildNews is how often a build says how far it is.
const buildNews = 10 * time.Second

// build builds packages of the module into a folder, each under the name of its folder. More are variables of the environment.
func (b *bench) build(ctx context.Context, into string, flags, more []string, packages ...string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- b.goBuild(ctx, into, flags, more, packages) }()
	news := time.NewTicker(buildNews)
	defer news.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-news.C:
			built, err := os.ReadDir(into)
			if err == nil {
				b.progress("built %d of %d", len(built), len(packages))
			}
		}
	}
}

func (b *bench) goBuild(ctx context.Context, into string, flags, more, packages []string) error {
	args := append([]string{"build"}, flags...)
	args = append(args, "-o", into+string(filepath.Separator))
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), more...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", strings.Join(packages, " "), err, out)
	}
	return nil
}
