package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// startLimit is how long a function may take until it asks for its first event: what Lambda gives it for init.
const startLimit = 10 * time.Second

// runtimeAPI is the path under which functions reach Lambda.
const runtimeAPI = "/2018-06-01/runtime/"

// host plays Lambda's part for one function at a time: the Runtime API on loopback.
type host struct {
	addr   string
	server *http.Server
	silent net.Listener // answers nothing; stands for the services that functions warm their connections to
	log    string       // file that takes what functions write

	polls   chan time.Time // when the function asked for an event
	events  chan []byte    // what it is given
	answers chan answer    // what it made of that
}

// answer is what a function answered to an event, and when that was read.
type answer struct {
	body   []byte
	at     time.Time
	failed bool
}

func newHost(dir string) (*host, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	h := &host{
		addr: listener.Addr().String(), silent: silent, log: filepath.Join(dir, "functions.log"),
		polls: make(chan time.Time), events: make(chan []byte), answers: make(chan answer),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtimeAPI+"invocation/next", h.next)
	mux.HandleFunc("POST "+runtimeAPI+"invocation/{id}/response", h.answered)
	mux.HandleFunc("POST "+runtimeAPI+"invocation/{id}/error", h.answered)
	h.server = &http.Server{Handler: mux, ReadHeaderTimeout: startLimit}
	go func() { _ = h.server.Serve(listener) }() // ends with close; before, a function that finds nobody says so
	go h.ignore()
	return h, nil
}

func (h *host) close() error { return errors.Join(h.server.Close(), h.silent.Close()) }

// ignore takes connections and reads from them without an answer until the other side leaves.
func (h *host) ignore() {
	for {
		conn, err := h.silent.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}()
	}
}

// next is the call in which a function waits for an event.
func (h *host) next(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	select {
	case h.polls <- at:
	case <-r.Context().Done():
		return
	}
	select {
	case e := <-h.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000000")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(startLimit).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
		_, _ = w.Write(e) // a function that left is found missing by invoke
	case <-r.Context().Done():
	}
}

// answered is the call that brings what a function made of an event.
func (h *host) answered(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a := answer{body, time.Now(), err != nil || strings.HasSuffix(r.URL.Path, "/error")}
	select {
	case h.answers <- a:
		w.WriteHeader(http.StatusAccepted)
	case <-r.Context().Done():
	}
}

// function is a process that has asked for its first event.
type function struct {
	host   *host
	cmd    *exec.Cmd
	exited chan struct{}
	took   time.Duration // from exec to the first call of the Runtime API
}

// start runs a program as Lambda would, with nothing but a function's environment.
func (h *host) start(ctx context.Context, program string, args ...string) (*function, error) {
	log, err := os.Create(h.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	f := &function{host: h, cmd: exec.CommandContext(ctx, program, args...), exited: make(chan struct{})}
	f.cmd.Env = h.environment()
	f.cmd.Stdout, f.cmd.Stderr = log, log
	began := time.Now()
	if err := f.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = f.cmd.Wait() // it is killed, or its log says why it ended
		close(f.exited)
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case at := <-h.polls:
		f.took = at.Sub(began)
		return f, nil
	case <-f.exited:
		return nil, h.complain(program, "ended before it asked for an event")
	case <-limit.C:
		f.stop()
		return nil, h.complain(program, fmt.Sprintf("did not ask for an event within %v", startLimit))
	}
}

func (h *host) complain(program, what string) error {
	wrote, _ := os.ReadFile(h.log) // what there is helps
	return fmt.Errorf("%s %s; it wrote: %s", filepath.Base(program), what, strings.TrimSpace(string(wrote)))
}

// environment is what Lambda and the template give every function; the services are at an address that never answers.
func (h *host) environment() []string {
	nowhere := "http://" + h.silent.Addr().String()
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + h.addr, "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "_HANDLER=bootstrap", "TZ=:UTC", "LANG=en_US.UTF-8",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + benchKeyID, "AWS_SECRET_ACCESS_KEY=" + benchSecret, "AWS_SESSION_TOKEN=" + benchToken(),
		"AWS_ENDPOINT_URL_DYNAMODB=" + nowhere, "AWS_ENDPOINT_URL_S3=" + nowhere,
		"AWS_ENDPOINT_URL_EVENTBRIDGE=" + nowhere, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + nowhere,
		"ASSETRY_TABLE=bench", "ASSETRY_BUCKET=bench", "ASSETRY_BUS=bench", "ASSETRY_ROOT_KEY_SECRET=bench",
	}
}

// invoke gives a waiting function an event and waits until it asks for the next one. The time is that between event and answer.
func (f *function) invoke(ctx context.Context, event []byte) ([]byte, time.Duration, error) {
	began := time.Now()
	select {
	case f.host.events <- event:
	case <-f.exited:
		return nil, 0, f.host.complain(f.cmd.Path, "ended")
	}
	var a answer
	select {
	case a = <-f.host.answers:
	case <-f.exited:
		return nil, 0, f.host.complain(f.cmd.Path, "ended without an answer")
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	if a.failed {
		return nil, 0, fmt.Errorf("the function failed: %s", a.body)
	}
	select {
	case <-f.host.polls:
	case <-f.exited:
		return nil, 0, f.host.complain(f.cmd.Path, "ended after its answer")
	}
	return a.body, a.at.Sub(began), nil
}

// stop ends the process and waits for it.
func (f *function) stop() {
	_ = f.cmd.Process.Kill() // fails only for a process that has ended
	<-f.exited
}
