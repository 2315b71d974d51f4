package recorder_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/recorder"
)

// authorization is a header as a function's client signs it; the engines of these tests do not check it.
func authorization(service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + identity.AccessKey(function) + "/20260115/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
}

func TestARequestArrivesAsItWasSent(t *testing.T) {
	var got *http.Request
	var body string
	engine := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
	}))
	t.Cleanup(engine.Close)
	r, _ := watched(t, stack("assetry"))
	address := before(t, r, engine.URL)
	req, err := http.NewRequest("PUT", address+"/assetry/w/a%20b/%C3%A9%2F/source?a=1;b&partNumber=1&x=%zz", strings.NewReader("pixels"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "assets.example.com:81"
	req.Header = http.Header{"Authorization": {authorization("s3")}, "X-Amz-Date": {"20260115T120000Z"}, "User-Agent": {""}}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	if got.Host != req.Host || got.RequestURI != req.URL.RequestURI() || body != "pixels" || got.ContentLength != 6 {
		t.Errorf("arrived: %s %s, %d bytes %q; want %s %s and pixels", got.Host, got.RequestURI, got.ContentLength, body, req.Host, req.URL.RequestURI())
	}
	want := http.Header{"Authorization": {authorization("s3")}, "X-Amz-Date": {"20260115T120000Z"}, "Content-Length": {"6"}, "Accept-Encoding": {"gzip"}}
	if d := cmp.Diff(want, got.Header); d != "" { // the test's own client asks for gzip
		t.Errorf("headers (-sent +arrived):\n%s", d)
	}
}

func TestBodiesAreStreamed(t *testing.T) {
	arrived, answered := make(chan string), make(chan struct{})
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := bufio.NewReader(r.Body)
		line, _ := body.ReadString('\n')
		arrived <- line
		_, _ = io.Copy(io.Discard, body)
		fmt.Fprintln(w, "so far")
		_ = http.NewResponseController(w).Flush()
		<-answered
	}))
	t.Cleanup(engine.Close)
	r, _ := watched(t, stack("assetry"))
	address := before(t, r, engine.URL)
	body, w := io.Pipe()
	req, err := http.NewRequest("PUT", address+"/assetry/"+key, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization("s3"))
	done := make(chan error)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			line, readErr := bufio.NewReader(res.Body).ReadString('\n')
			if line != "so far\n" {
				err = fmt.Errorf("the beginning of the answer is %q, %v", line, readErr)
			}
			res.Body.Close()
		}
		done <- err
	}()
	if _, err := io.WriteString(w, "the first line\n"); err != nil {
		t.Fatal(err)
	}
	if line := <-arrived; line != "the first line\n" {
		t.Errorf("arrived %q before the end of the body", line)
	}
	w.Close()
	if err := <-done; err != nil { // before the end of the answer
		t.Error(err)
	}
	close(answered)
}

func TestAnAnswerWithALengthGoesOutInOnePiece(t *testing.T) {
	u := newUpstream(t)
	r, _ := watched(t, stack("assetry"))
	h, err := r.Proxy(u.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/assetry/"+key, nil))
	if w.Body.String() != "{}" || w.Flushed {
		t.Errorf("answered %q, the head before the body: %t; want both at once", w.Body, w.Flushed)
	}
}

func TestAnEngineThatIsAwayEndsTheConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r, out := watched(t, stack("assetry"))
	address := before(t, r, "http://"+l.Addr().String())
	req, err := http.NewRequest("GET", address+"/assetry/"+key, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization("s3"))
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
		t.Errorf("answered %d, want a broken connection", res.StatusCode)
	}
	if got := out.calls(t); len(got) != 0 {
		t.Errorf("noted %v of an engine that was not asked", got)
	}
}

func TestACallIsNotedBeforeItsAnswerGoesOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.jsonl")
	r, err := recorder.Open(path, stack("assetry"))
	if err != nil {
		t.Fatal(err)
	}
	h := r.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	seen := -1
	for range 3 {
		req := httptest.NewRequest("DELETE", "/assetry/"+key, nil)
		req.Header.Set("Authorization", authorization("s3"))
		h.ServeHTTP(look{httptest.NewRecorder(), func() {
			calls, err := recorder.Read(path)
			if err != nil {
				t.Error(err)
			}
			seen = len(calls)
		}}, req)
		if seen != 1 {
			t.Fatalf("%d records when the answer went out, want 1", seen)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// look calls a function when the head of an answer goes out.
type look struct {
	http.ResponseWriter
	at func()
}

func (l look) WriteHeader(status int) { l.at(); l.ResponseWriter.WriteHeader(status) }

func TestSeveralStacksAppendToOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.jsonl")
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, path2 := range []string{"/assetry/w/a/b/source", "/assetry/w/a/b/other", "/assetry/w/a/b/source"} {
		r, err := recorder.Open(path, stack("assetry"))
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest("PUT", path2, nil)
		req.Header.Set("Authorization", authorization("s3"))
		r.Wrap(ok).ServeHTTP(httptest.NewRecorder(), req)
	}
	got, err := recorder.Read(path)
	if d := cmp.Diff(used("s3:PutObject Bucket/w/*/source", "s3:PutObject Bucket/w/*/other"), got); d != "" || err != nil {
		t.Errorf("Read (-want +got), %v:\n%s", err, d)
	}
	if err := os.WriteFile(path, []byte(`{"function":"sweep"}`+"\n"+`{"functio`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := recorder.Read(path); err == nil || !strings.Contains(err.Error(), "record 2") {
		t.Errorf("Read of a file that is cut off = %v, %v; want an error that names the record", got, err)
	}
}

func TestFormsThatAreNoneArePassedOn(t *testing.T) {
	for name, sent := range map[string]struct{ kind, body string }{
		"no boundary":           {"multipart/form-data", "--x\r\n"},
		"no part":               {"multipart/form-data; boundary=x", "nothing of the kind"},
		"cut off within a name": {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; na"},
		"empty":                 {"multipart/form-data; boundary=x", ""},
		"endless fields":        {"multipart/form-data; boundary=x", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"+strings.Repeat("v", 1000)+"\r\n", 200) + "--x--"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			r, out := watched(t, stack("assetry"))
			address := before(t, r, u.URL)
			if status := send(t, "POST", address+"/assetry", map[string]string{"Content-Type": sent.kind}, strings.NewReader(sent.body)); status != 200 {
				t.Errorf("answered %d", status)
			}
			if len(u.bodies) != 1 || u.bodies[0] != sent.body {
				t.Errorf("%d bodies arrived, or not as sent", len(u.bodies))
			}
			if got := out.calls(t); len(got) != 0 {
				t.Errorf("noted %v", got)
			}
		})
	}
}

func TestAProxyCostsLittle(t *testing.T) {
	u := newUpstream(t)
	r, _ := watched(t, stack("assetry"))
	address := before(t, r, u.URL)
	const rounds = 200
	measure := func(to string) time.Duration {
		best := time.Hour
		for range rounds {
			began := time.Now()
			req, _ := http.NewRequest("GET", to+"/assetry/"+key, nil)
			req.Header.Set("Authorization", authorization("s3"))
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			best = min(best, time.Since(began))
		}
		return best
	}
	straight, through := measure(u.URL), measure(address)
	t.Logf("best of %d: %v straight, %v through the recorder", rounds, straight, through)
	if through > straight+10*time.Millisecond {
		t.Errorf("a request takes %v through the recorder, %v without it", through, straight)
	}
}

func TestFunctionsThatShareAKeyAreRefused(t *testing.T) {
	if _, err := recorder.New(&lines{}, recorder.Stack{Functions: []string{"open-link", "openlink"}}); err == nil {
		t.Error("two functions with one access key were taken")
	}
	if _, err := recorder.Open(filepath.Join(t.TempDir(), "no", "folder"), stack()); err == nil {
		t.Error("a file that cannot be made was taken")
	}
	r, _ := watched(t, stack())
	for _, wrong := range []string{"", "127.0.0.1:8000", "http://", "::"} {
		if _, err := r.Proxy(wrong); err == nil {
			t.Errorf("the address %q was taken", wrong)
		}
	}
}
