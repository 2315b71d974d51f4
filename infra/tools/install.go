package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/infra/flock"
)

// tool is one thing to install below .tools.
type tool struct {
	name  string
	why   string
	pins  []string // files, from the repository's top, that decide what is installed; a changed one installs anew
	needs []need
	make  func(ctx context.Context, root, dir string) error // fills the empty folder dir; nil: the needs are all there is to it
	named bool                                              // is installed only where somebody names it: tests do without
}

// tools lists what can be installed, in an order in which each finds what it builds on.
var tools = []tool{
	{
		name:  "dynamodb",
		why:   "AWS's DynamoDB Local 3.1.0, which the tests of the DynamoDB driver run on. It is AWS's software under AWS's licence, fetched to this machine only",
		pins:  []string{"infra/tools/dynamodb/pom.xml"},
		needs: []need{needJava, needMaven},
		make:  makeDynamoDB,
	},
	{
		name:  "venv",
		why:   "Python packages: encoders for sample pictures and films, and schemathesis, which fuzzes the API",
		pins:  []string{"infra/tools/requirements.txt"},
		needs: []need{needPython},
		make:  makeVenv("requirements.txt"),
	},
	{
		name:  "sam",
		why:   "AWS SAM and cfn-lint, which check template.yaml and deploy it",
		pins:  []string{"infra/tools/requirements-sam.txt"},
		needs: []need{needPython},
		make:  makeVenv("requirements-sam.txt"),
	},
	{
		name:  "peers",
		why:   "Python packages: numpy and pandas, which the benchmark's reading of point clouds is compared with",
		pins:  []string{"infra/tools/requirements-peers.txt"},
		needs: []need{needPython},
		make:  makeVenv("requirements-peers.txt"),
		named: true,
	},
	{
		name:  "node",
		why:   "Node packages: the published SDK and the GraphQL clients that the APIs are tested with, and the driver of the browser",
		pins:  []string{"infra/acceptance/node/package.json", "infra/acceptance/node/package-lock.json", "infra/acceptance/node/.npmrc"},
		needs: []need{needNode, needNpm},
		make:  makeNode,
	},
	{
		name:  "commands",
		why:   "a C compiler, which Go's race detector is linked with, and curl, which the first upload is tried with",
		needs: []need{needCC, needCurl},
	},
	{
		name:  "docker",
		why:   "a Docker engine, in which SAM runs functions, and BusyBox, of which its image is made",
		needs: []need{needDocker, needShell},
	},
	{
		name:  "chromium",
		why:   "Chromium, for the tests of a web page on another origin",
		needs: []need{needChrome},
	},
	{
		name: "media",
		why:  "sample pictures, films and sound, encoded on this machine",
		pins: []string{"infra/tools/media.py", "infra/tools/large.py", "infra/tools/requirements.txt"},
		make: makeMedia,
	},
}

// install installs the named tools that are absent or whose pins changed; no names means all that tests need.
func install(ctx context.Context, root string, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(tools, func(t tool) bool { return t.name == name }) {
			return fmt.Errorf("no tool is called %q", name)
		}
	}
	stamps := filepath.Join(root, ".tools", "stamps")
	if err := os.MkdirAll(stamps, 0o755); err != nil {
		return err
	}
	unlock, err := flock.Wait(ctx, filepath.Join(stamps, "lock"), func() { say("waiting for another process that installs into .tools") })
	if err != nil {
		return err
	}
	defer unlock()
	for _, t := range tools {
		if t.named && len(names) == 0 || len(names) > 0 && !slices.Contains(names, t.name) {
			continue
		}
		if err := t.install(ctx, root); err != nil {
			return fmt.Errorf("install %s: %w", t.name, err)
		}
	}
	return nil
}

func (t tool) install(ctx context.Context, root string) error {
	if err := meet(ctx, t.needs); err != nil {
		return err
	}
	if t.make == nil {
		return nil
	}
	place, err := filepath.EvalSymlinks(filepath.Join(root, ".tools"))
	if err != nil {
		return err
	}
	want, err := t.stamp(root, place)
	if err != nil {
		return err
	}
	dir := filepath.Join(place, t.name)
	stampFile := filepath.Join(place, "stamps", t.name)
	have, err := os.ReadFile(stampFile)
	if err == nil && string(have) == want {
		if _, err := os.Stat(dir); err == nil {
			return nil
		}
	}
	say("%s: %s", t.name, t.why)
	began := time.Now()
	if err := errors.Join(os.RemoveAll(dir), remove(stampFile), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	if err := t.make(ctx, root, dir); err != nil {
		return err
	}
	say("%s: installed in .tools/%s in %s", t.name, t.name, time.Since(began).Round(time.Second))
	return os.WriteFile(stampFile, []byte(want), 0o644)
}

// stamp is a hash over everything that decides what is installed, the place included: virtual environments cannot be moved. The place is where
// .tools really is, which several checkouts may share by a link.
func (t tool) stamp(root, place string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, place)
	for _, pin := range t.pins {
		b, err := os.ReadFile(filepath.Join(root, pin))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, pin, len(b))
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func makeDynamoDB(ctx context.Context, root, dir string) error {
	return quiet(exec.CommandContext(ctx, needMaven.path(), "-q", "-B", "-C", "-Dstyle.color=never",
		"-f", filepath.Join(root, "infra", "tools", "dynamodb", "pom.xml"),
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "lib")))
}

func makeVenv(requirements string) func(ctx context.Context, root, dir string) error {
	return func(ctx context.Context, root, dir string) error {
		if err := quiet(exec.CommandContext(ctx, needPython.path(), "-m", "venv", dir)); err != nil {
			return err
		}
		return quiet(exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "--no-deps",
			"-r", filepath.Join(root, "infra", "tools", requirements)))
	}
}

func makeNode(ctx context.Context, root, dir string) error {
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		b, err := os.ReadFile(filepath.Join(root, "infra", "acceptance", "node", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, needNpm.path(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	return quiet(cmd)
}

func makeMedia(ctx context.Context, root, dir string) error {
	python := filepath.Join(root, ".tools", "venv", "bin", "python")
	for _, script := range []string{"media.py", "large.py"} {
		if err := quiet(exec.CommandContext(ctx, python, filepath.Join(root, "infra", "tools", script), dir)); err != nil {
			return err
		}
	}
	return nil
}

// quiet runs the command and shows its output only when it fails.
func quiet(cmd *exec.Cmd) error {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("tools: "+format+"\n", args...) }
