package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/assetry/assetry/infra/docker"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/local/versity/versitytest"
	"github.com/assetry/assetry/shared/enginetest"
)

var built = flag.Bool("built", false, "take the functions as the last run built them")

// world is what all tests that run containers share: the engine, the built functions, and a bucket's server.
type world struct {
	engine *docker.Engine
	*project
	s3  *versity.Server
	dir string
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
		Dir: w.dir, Addr: w.engine.Gateway() + ":0", Bucket: "unused",
		AccessKey: versitytest.AccessKey, SecretKey: versitytest.SecretKey, Stderr: os.Stderr,
	})
	if err != nil {
		return nil, err
	}
	if w.project, err = newProject(ctx, root, w.engine); err != nil {
		return nil, err
	}
	w.accessKey, w.secretKey = versitytest.AccessKey, versitytest.SecretKey
	if *built {
		return w, nil
	}
	var said strings.Builder
	if err := w.build(ctx, &said); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, &said)
	}
	return w, nil
}

func tell(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (w *world) close() {
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
