package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/assetry/assetry/infra/docker"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/enginetest"
)

// world is what all tests that run containers share: the engine, the built functions, a bucket's server, a bus and a secret.
type world struct {
	engine *docker.Engine
	*project
	s3    *versity.Server
	cloud *cloud
	dir   string
}

// shared is the world, started by the first test that asks for it, or why there is none.
var shared = sync.OnceValues(startWorld)

var started *world

func TestMain(m *testing.M) {
	versity.MainIfChild()
	code := m.Run()
	if started != nil {
		started.close()
	}
	os.Exit(code)
}

func startWorld() (_ *world, err error) {
	ctx, root := context.Background(), enginetest.Root()
	w := &world{}
	started = w
	if w.engine, err = docker.Open(ctx, docker.Options{Dir: filepath.Join(root, ".tools", "docker"), Tell: tell}); err != nil {
		return nil, err
	}
	if w.dir, err = os.MkdirTemp("", "assetry-sam-"); err != nil {
		return nil, err
	}
	w.s3, err = versity.Start(ctx, versity.Config{
		Dir: w.dir, Addr: w.engine.Gateway() + ":0", AccessKey: accessKey, SecretKey: secretKey, Bucket: "unused", Stderr: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	if w.cloud, err = newCloud(w.engine.Gateway(), samples.Root); err != nil {
		return nil, err
	}
	if w.project, err = newProject(ctx, root, w.engine); err != nil {
		return nil, err
	}
	var said strings.Builder
	if err := w.build(ctx, &said); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, &said)
	}
	return w, nil
}

func tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (w *world) close() {
	if w.cloud != nil {
		w.cloud.close()
	}
	if w.s3 != nil {
		w.s3.Close()
	}
	if w.engine != nil {
		w.engine.Close()
	}
	if w.dir != "" {
		_ = os.RemoveAll(w.dir)
	}
}

// containers gives the world. Where no container can run the test is skipped, and under `make test` it fails.
func containers(t *testing.T) *world {
	t.Helper()
	enginetest.Tool(t, "sam", "bin", "sam")
	enginetest.DynamoDB(t)
	w, err := shared()
	if errors.Is(err, docker.ErrAbsent) {
		t.Log(err)
		enginetest.Missing(t, "a Docker engine")
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// variables writes the file of the variables that functions get: everything leads to this machine, and what is given comes on top.
func (w *world) variables(t *testing.T, more map[string]string) string {
	t.Helper()
	all := endpoints{
		dynamodb: seenFrom(w.engine, enginetest.DynamoDB(t)), s3: w.s3.URL(), cloud: w.cloud.url(),
	}.variables()
	for name, value := range more {
		all[name] = value
	}
	path := filepath.Join(t.TempDir(), "variables.json")
	if err := writeVariables(path, all); err != nil {
		t.Fatal(err)
	}
	return path
}
