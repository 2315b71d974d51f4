package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// startLimit is how long DynamoDB Local may take to answer; 2 s is usual, 5 s was seen on a busy machine.
const startLimit = 60 * time.Second

// dynamoDB is a running DynamoDB Local with an empty database in memory.
type dynamoDB struct {
	endpoint string // for example http://127.0.0.1:38123
	cmd      *exec.Cmd
	output   bytes.Buffer
	exited   chan struct{}
}

// serveDynamoDB runs DynamoDB Local until the context ends.
func serveDynamoDB(ctx context.Context, root string) error {
	if err := install(ctx, root, []string{"dynamodb"}); err != nil {
		return err
	}
	db, err := startDynamoDB(ctx, root)
	if err != nil {
		return err
	}
	defer db.stop()
	say("DynamoDB Local answers until interrupted. It listens on every network interface: it has no option against that.")
	fmt.Printf("export ASSETRY_TEST_DYNAMODB=%s\n", db.endpoint)
	select {
	case <-ctx.Done():
		return nil
	case <-db.exited:
		return fmt.Errorf("DynamoDB Local stopped by itself: %s", db.output.Bytes())
	}
}

// startDynamoDB starts the server on a free port and returns once it answers.
func startDynamoDB(ctx context.Context, root string) (*dynamoDB, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	lib := filepath.Join(root, ".tools", "dynamodb", "lib")
	db := &dynamoDB{
		endpoint: "http://127.0.0.1:" + strconv.Itoa(port),
		exited:   make(chan struct{}),
		cmd: exec.Command(needJava.path(), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.library.path="+lib,
			"-cp", filepath.Join(lib, "*"), "software.amazon.dynamodb.services.local.main.ServerRunner",
			"-inMemory", "-sharedDb", "-disableTelemetry", "-port", strconv.Itoa(port)),
	}
	db.cmd.Stdout, db.cmd.Stderr = &db.output, &db.output
	// A group of its own, so that an interrupt typed at the terminal reaches the tests first and the server is stopped after them.
	db.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := db.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = db.cmd.Wait()
		close(db.exited)
	}()
	if err := db.ready(ctx); err != nil {
		db.stop()
		return nil, err
	}
	return db, nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// ready waits until the server answers anything at all: a request without a signature gets a 400.
func (db *dynamoDB) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("DynamoDB Local did not answer: %w", ctx.Err())
		case <-db.exited:
			return fmt.Errorf("DynamoDB Local did not start: %s", db.output.Bytes())
		case <-tick.C:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, db.endpoint, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
	}
}

// stop ends the server and waits for it. It may be called once.
func (db *dynamoDB) stop() {
	if err := db.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		say("DynamoDB Local (process %d) could not be stopped: %v", db.cmd.Process.Pid, err)
		return
	}
	<-db.exited
}
