package invocation_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/invocation"
)

// child makes this test binary a small function.
const child = "INVOCATION_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case "function":
		invocation.Start(small(nil))
	case "broken":
		invocation.Fail(errors.New("said by the test"))
	default:
		os.Exit(m.Run())
	}
}

// small is a function that does what its payload says.
type small func()

func (small) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return invocation.Run(ctx, "queue", func(_ context.Context, r *invocation.Report) (any, error) {
		r.Records = 1
		switch string(payload) {
		case `"fail"`:
			return nil, errors.New("said by the test")
		case `"panic"`:
			panic("loud")
		case `"print"`:
			log.Print("a line of a library")
		}
		return "done", nil
	})
}

// runtimeAPI is Lambda's, as far as a function needs it: it hands out payloads, and then nothing more.
type runtimeAPI struct {
	mu       sync.Mutex
	payloads []string
	answers  []string
	over     chan struct{} // closed when the function asks for one more
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !strings.HasSuffix(r.URL.Path, "/invocation/next") {
		body, _ := io.ReadAll(r.Body)
		a.answers = append(a.answers, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]+" "+string(body))
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if len(a.payloads) == 0 {
		close(a.over)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "id-of-lambda")
	w.Header().Set("Lambda-Runtime-Deadline-Ms", "4102444800000")
	_, _ = io.WriteString(w, a.payloads[0])
	a.payloads = a.payloads[1:]
}

// TestEveryInvocationIsOneLine runs a real function: what it prints is one line of JSON for each invocation, whatever becomes of it, and the process
// goes on after a panic.
func TestEveryInvocationIsOneLine(t *testing.T) {
	api := &runtimeAPI{payloads: []string{`"good"`, `"fail"`, `"panic"`, `"print"`}, over: make(chan struct{})}
	server := httptest.NewServer(api)
	defer server.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), exe)
	c.Env = []string{child + "=function", "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(server.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=small"}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	_ = c.Run() // it ends when Lambda does
	<-api.over
	var got []string
	for _, line := range lines(t, out.String()) {
		outcome, _ := line["outcome"].(string)
		got = append(got, line["level"].(string)+" "+strings.SplitN(line["message"].(string), ":", 2)[0]+" "+outcome)
		if line["function"] != "small" || line["timestamp"] == nil || outcome != "" && line["lambda_request_id"] != "id-of-lambda" {
			t.Errorf("the line %v names no function, no time or no invocation", line)
		}
	}
	want := []string{"INFO event ok", "ERROR event failed", "ERROR event failed", "ERROR a line of a library ", "INFO event ok"}
	if diff := cmp.Diff(want, got[:min(len(got), 5)]); diff != "" || len(got) > 6 { // the sixth may say why the process ended
		t.Errorf("lines (-want +got):\n%s\n%s", diff, &out)
	}
	if len(api.answers) != 4 || api.answers[0] != `response "done"` || !strings.HasPrefix(api.answers[1], "error ") || !strings.HasPrefix(api.answers[2], "error ") {
		t.Errorf("answers %v", api.answers)
	}
}

func TestAFunctionThatCannotStartSaysWhyAndEnds(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), exe)
	c.Env = []string{child + "=broken", "AWS_LAMBDA_LOG_LEVEL=FATAL"}
	out, _ := c.CombinedOutput()
	got := lines(t, string(out))
	if c.ProcessState.ExitCode() != 1 || len(got) != 1 || got[0]["message"] != "the function does not start: said by the test" || got[0]["level"] != "ERROR" {
		t.Errorf("exit code %d with %s", c.ProcessState.ExitCode(), out)
	}
}
