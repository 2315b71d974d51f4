package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	stackStart = 10 * time.Minute // until the local stack answers; usually under a second, but with -lambda it builds the functions first
	stackStop  = 5 * time.Second  // until it is killed; it promises to stop within two
)

// place is where the local stack is: what it writes to its ready file.
type place struct {
	API       string `json:"api"`
	Workspace string `json:"workspace_id"`
	Key       string `json:"api_key"`
}

// stack is the local stack as a process of its own.
type stack struct {
	place
	cmd    *exec.Cmd
	exited chan struct{}
	log    string
}

// startStack builds the local stack and starts it on free ports and an empty folder below another, with more arguments.
func (b *bench) startStack(ctx context.Context, below string, more ...string) (*stack, error) {
	b.progress("building the local stack")
	bin := filepath.Join(b.dir, "stack")
	// In the environment as it is, so that what was compiled for `make run` is used again.
	if err := b.build(ctx, bin, nil, nil, "./infra/local"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(below, "stack-")
	if err != nil {
		return nil, err
	}
	s := &stack{exited: make(chan struct{}), log: filepath.Join(dir, "stack.log")}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	ready := filepath.Join(dir, "ready.json")
	s.cmd = exec.Command(filepath.Join(bin, "local"), append([]string{
		"-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0", "-data", filepath.Join(dir, "data"),
		"-template", filepath.Join(b.root, "template.yaml"), "-ready", ready,
	}, more...)...)
	s.cmd.Dir = b.root
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait() // its log says why it ended
		close(s.exited)
	}()
	if err := b.await(ctx, s, ready); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// await waits for the ready file.
func (b *bench) await(ctx context.Context, s *stack, ready string) error {
	limit, news := time.After(stackStart), time.NewTicker(buildNews)
	defer news.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		place, err := os.ReadFile(ready)
		if err == nil {
			return json.Unmarshal(place, &s.place)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case <-look.C:
		case <-news.C:
			b.progress("the local stack is getting ready")
		case <-s.exited:
			wrote, _ := os.ReadFile(s.log) // what there is helps
			return fmt.Errorf("the local stack ended: %s", strings.TrimSpace(string(wrote)))
		case <-limit:
			return fmt.Errorf("the local stack was not ready within %v", stackStart)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *stack) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // fails only for a process that has ended
	select {
	case <-s.exited:
	case <-time.After(stackStop):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}
