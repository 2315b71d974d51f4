// Command function is what the tests of the host run: a real function on AWS's own runtime client, which does what its event says, or, as
// FUNCTION_MODE says, a client of the Runtime API that does what it must not.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// order is an event.
type order struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	Size int    `json:"size"`
	File string `json:"file"` // of wait: exists once it may go on; its sibling File.seen says that it began
}

// ticks counts what a goroutine does beside the invocations.
var ticks atomic.Int64

func main() {
	switch mode := os.Getenv("FUNCTION_MODE"); mode {
	case "":
		fmt.Println("init")
		lambda.Start(handle)
	case "panic":
		panic("no good")
	case "exit":
		fmt.Fprintln(os.Stderr, "ASSETRY_TABLE is not set")
		os.Exit(1)
	case "leave":
		os.Exit(0)
	case "hang":
		<-time.After(time.Hour)
	case "vanish":
		vanish()
	case "report":
		say(http.MethodPost, "init/error", `{"errorType": "Function.NoConfig", "errorMessage": "no table"}`)
		os.Exit(1)
	default:
		if err := misbehave(mode); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
	}
}

func handle(ctx context.Context, o order) (any, error) {
	switch o.Do {
	case "echo":
		return o.Text, nil
	case "environment":
		return os.Environ(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		wd, err := os.Getwd()
		return map[string]any{
			"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "trace": os.Getenv("_X_AMZN_TRACE_ID"), "left": time.Until(deadline).Milliseconds(), "dir": wd,
		}, err
	case "pid":
		return os.Getpid(), nil
	case "large":
		return strings.Repeat("a", o.Size), nil
	case "read":
		return len(o.Text), nil
	case "fail":
		return nil, failure{o.Text}
	case "panic":
		panic(o.Text)
	case "exit":
		fmt.Print("last words")
		os.Exit(o.Size)
	case "stream":
		return &broken{left: o.Size}, nil
	case "hang":
		select {}
	case "wait":
		return wait(ctx, o)
	case "write":
		fmt.Print(o.Text)
		return nil, nil
	case "tick":
		go func() {
			for range time.Tick(100 * time.Microsecond) {
				ticks.Add(1)
			}
		}()
		return ticks.Load(), nil
	case "ticks":
		return ticks.Load(), nil
	}
	return nil, fmt.Errorf("no such order: %q", o.Do)
}

// failure is an error with a type of its own.
type failure struct{ text string }

func (f failure) Error() string { return f.text }

// broken is an answer that fails after some bytes.
type broken struct{ left int }

func (b *broken) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, failure{"the source dried up"}
	}
	n := min(b.left, len(p))
	b.left -= n
	return copy(p[:n], strings.Repeat("a", n)), nil
}

// wait says that it began, in a file, and goes on when another exists.
func wait(ctx context.Context, o order) (any, error) {
	if err := os.WriteFile(o.File+"."+o.Text, nil, 0o600); err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(o.File); err == nil {
			return filepath.Base(o.File), nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// vanish asks for an event and ends at once.
func vanish() {
	c, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		os.Exit(4)
	}
	_, _ = io.WriteString(c, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n") // whether or not somebody reads it
	os.Exit(6)
}

// misbehave takes one event and answers by the book only in part; what the Runtime API says to that is its output.
func misbehave(mode string) error {
	id, event := say(http.MethodGet, "invocation/next", "")
	defer func() { say(http.MethodGet, "invocation/next", "") }() // to wait there
	switch mode {
	case "answer twice":
		say(http.MethodPost, "invocation/"+id+"/response", "1")
		say(http.MethodPost, "invocation/"+id+"/response", "2")
		say(http.MethodPost, "invocation/"+id+"/error", "{}")
	case "answer another":
		say(http.MethodPost, "invocation/00000000-0000-4000-8000-000000000000/response", "1")
		say(http.MethodPost, "invocation/"+id+"/response", "2")
	case "ask before the answer":
		say(http.MethodGet, "invocation/next", "")
		say(http.MethodPost, "invocation/"+id+"/response", "1")
	case "fail in init too late":
		say(http.MethodPost, "init/error", "{}")
		say(http.MethodPost, "invocation/"+id+"/response", "1")
	case "fail without JSON":
		say(http.MethodPost, "invocation/"+id+"/error", "it broke")
	case "fail without a word":
		say(http.MethodPost, "invocation/"+id+"/error", "")
	case "linger":
		say(http.MethodPost, "invocation/"+id+"/response", "1")
		select {}
	case "call elsewhere":
		say(http.MethodPost, "restore/next", "")
		say(http.MethodPost, "invocation/"+id+"/response", "1")
	default:
		return fmt.Errorf("no such mode: %q %s", mode, event)
	}
	return nil
}

// say calls the Runtime API and writes what it answers.
func say(method, path, body string) (id, answer string) {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/"+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		os.Exit(4)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		os.Exit(5)
	}
	var said struct{ ErrorType string }
	if json.Unmarshal(b, &said) == nil && said.ErrorType != "" {
		fmt.Println(resp.StatusCode, said.ErrorType)
	} else if method == http.MethodPost {
		fmt.Println(resp.StatusCode)
	}
	return resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), string(b)
}
