package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/enginetest"
	"github.com/assetry/assetry/shared/polltest"
)

const (
	uploaders = 4                // clients at once
	enough    = 8                // uploads that must end before a fault, and after it
	patience  = 90 * time.Second // for what the events alone make ready; usually it is ready at once
)

// siege is a stack of the deployed shape, and clients that upload to it whatever happens.
type siege struct {
	*stack
	t      *testing.T
	http   *http.Client
	log    string              // file of what functions and their platform write
	tables string              // folder of DynamoDB Local
	db     *dynamolocal.Server // that runs now
	s3     *versity.Server     // that runs now

	mu       sync.Mutex
	promises map[string]bool // assets whose bytes the bucket took
	refusals int             // answers that ask to come again, and connections that nobody took
}

func newSiege(t *testing.T) *siege {
	t.Helper()
	pauses := sources.AsyncPauses
	sources.AsyncPauses = sources.Pauses{5 * time.Second, 15 * time.Second} // where a user waits for a minute
	t.Cleanup(func() { sources.AsyncPauses = pauses })
	data := t.TempDir()
	st, err := start(t.Context(), options{addr: "127.0.0.1:0", s3Addr: "127.0.0.1:0", data: data, template: templateFile, lambda: true})
	if errors.Is(err, dynamolocal.ErrAbsent) {
		enginetest.Missing(t, "DynamoDB Local")
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &siege{
		stack: st, t: t, http: &http.Client{Timeout: time.Minute}, promises: map[string]bool{}, log: filepath.Join(data, "functions.log"),
		tables: filepath.Join(data, "dynamodb"), db: st.db, s3: st.s3,
	}
	t.Cleanup(func() {
		if t.Failed() {
			lines, _ := os.ReadFile(s.log) // what there is helps
			t.Logf("the functions wrote, in the end:\n%s", lines[max(0, len(lines)-8000):])
		}
		s.close()
	})
	return s
}

// reply is an answer of the API.
type reply struct {
	status int
	retry  string // Retry-After
	body   []byte
}

// call asks the API once.
func (s *siege) call(ctx context.Context, method, path string, body any) (reply, error) {
	var in io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		in = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.settings.Addr+"/api/v1"+path, in)
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Authorization", "Bearer "+s.settings.APIKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header.Get("Retry-After"), b}, err
}

// insist asks until the API answers with the status that is wanted. The only other answer that it takes is 503 with Retry-After, which it heeds.
func (s *siege) insist(ctx context.Context, method, path string, body any, want int) (got []byte, err error) {
	for ctx.Err() == nil {
		r, err := s.call(ctx, method, path, body)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		case r.status == want:
			return r.body, nil
		case r.status != http.StatusServiceUnavailable || r.retry == "":
			return nil, fmt.Errorf("%s %s = %d, Retry-After %q: %s", method, path, r.status, r.retry, r.body)
		}
		s.refused()
		pause(ctx, 50*time.Millisecond)
	}
	return nil, ctx.Err()
}

func (s *siege) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals++
}

// form is where the bytes of an asset go.
type form struct {
	ID     string `json:"asset_id"`
	Status string `json:"status"`
	Upload struct {
		URL    string            `json:"url"`
		Fields map[string]string `json:"form_fields"`
	} `json:"upload"`
}

// upload brings one file, however often it has to be tried. Every third client leaves without a word once the bucket has the bytes.
func (s *siege) upload(ctx context.Context, n int) error {
	created, err := s.insist(ctx, "POST", "/assets", map[string]string{
		"source": "signed-url", "workspace_id": s.settings.Workspace, "file_name": strconv.Itoa(n) + ".png", "content_type": "image/png",
	}, http.StatusCreated)
	if err != nil {
		return err
	}
	var a form
	if err := json.Unmarshal(created, &a); err != nil {
		return err
	}
	if err := s.send(ctx, a, n); err != nil {
		return err
	}
	s.mu.Lock()
	s.promises[a.ID] = true
	s.mu.Unlock()
	if n%3 == 0 {
		return nil
	}
	_, err = s.insist(ctx, "POST", "/assets/"+a.ID+"/complete", nil, http.StatusOK)
	return err
}

// send fills the form until the bucket takes it. While there is no bucket, nobody answers, or 5xx.
func (s *siege) send(ctx context.Context, a form, n int) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range a.Upload.Fields {
		if err := w.WriteField(name, value); err != nil {
			return err
		}
	}
	file, err := w.CreateFormFile("file", "picture.png")
	if err != nil {
		return err
	}
	if err := errors.Join(png.Encode(file, image.NewGray(image.Rect(0, 0, 1+n%50, 8))), w.Close()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Upload.URL, bytes.NewReader(body.Bytes()))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", w.FormDataContentType())
		if resp, err := s.http.Do(r); err == nil {
			said, _ := io.ReadAll(resp.Body) // for the message
			_ = resp.Body.Close()            // read to its end
			if resp.StatusCode/100 == 2 {
				return nil
			}
			if resp.StatusCode/100 != 5 {
				return fmt.Errorf("the bucket answered %d %s", resp.StatusCode, said)
			}
		}
		s.refused()
		pause(ctx, 50*time.Millisecond)
	}
	return ctx.Err()
}

// count is how many uploads the bucket took, and how often something was refused.
func (s *siege) count() (taken, refusals int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.promises), s.refusals
}

// survive has clients upload while a fault comes and goes. During it, what is told of the probe must be refused; after it, all goes on.
func (s *siege) survive(fault func(during func()), probe func(context.Context) (reply, error)) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	defer stop()
	var clients sync.WaitGroup
	var numbers sync.Mutex
	number := 0
	for range uploaders {
		clients.Go(func() {
			for ctx.Err() == nil {
				numbers.Lock()
				number++
				n := number
				numbers.Unlock()
				if err := s.upload(ctx, n); err != nil && ctx.Err() == nil {
					s.t.Errorf("upload %d: %v", n, err)
					return
				}
			}
		})
	}
	more := func(what string) {
		before, _ := s.count()
		polltest.Eventually(s.t, what, func() bool { taken, _ := s.count(); return taken >= before+enough || s.t.Failed() })
	}
	more("uploads before the fault")
	fault(func() {
		_, before := s.count()
		polltest.Eventually(s.t, "the fault is felt", func() bool {
			r, err := probe(ctx)
			if err != nil {
				s.t.Errorf("the API did not answer during the fault: %v", err)
			} else if r.status == http.StatusServiceUnavailable && r.retry == "" || r.status != http.StatusServiceUnavailable && r.status/100 != 2 {
				s.t.Errorf("the API answered %d %s during the fault, Retry-After %q", r.status, r.body, r.retry)
			}
			_, now := s.count()
			return s.t.Failed() || r.status == http.StatusServiceUnavailable && now > before
		})
	})
	more("uploads after the fault")
	stop()
	clients.Wait()
}

// verify waits until everything that the bucket took is ready.
func (s *siege) verify() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for id := range s.promises {
		for status := ""; status != "ready"; {
			body, err := s.insist(ctx, "GET", "/assets/"+id, nil, http.StatusOK)
			if err != nil {
				s.t.Fatalf("asset %s is lost: it is %q, %v", id, status, err)
			}
			var a form
			if err := json.Unmarshal(body, &a); err != nil {
				s.t.Fatal(err)
			}
			if status = a.Status; status == "failed" {
				s.t.Fatalf("asset %s, whose bytes were taken, failed: %s", id, body)
			}
			if status != "ready" {
				pause(ctx, 50*time.Millisecond)
			}
		}
	}
}

// alive complains when a process of a function crashed, or was killed because its time was over: the platform has a line for either.
func (s *siege) alive() {
	s.t.Helper()
	lines, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		if strings.Contains(line, `"Runtime.ExitError"`) || strings.Contains(line, `"Sandbox.Timedout"`) {
			s.t.Errorf("a process ended: %s", line)
		}
	}
	if !strings.Contains(string(lines), `"platform.report"`) {
		s.t.Errorf("the platform reports no failed invocation in %s, though engines were away", s.log)
	}
}

func must[A any](a A, err error) A {
	if err != nil {
		panic(err)
	}
	return a
}

// TestNothingIsLostWhileAnEngineIsAway takes the deployed functions' table and bucket away in the middle of uploads, and gives them back. Clients
// are told to come again and succeed then; what was taken becomes ready; and no function's process ends.
func TestNothingIsLostWhileAnEngineIsAway(t *testing.T) {
	s := newSiege(t)
	list := func(ctx context.Context) (reply, error) { return s.call(ctx, "GET", "/assets?limit=1", nil) }
	t.Run("the table is stopped and started", func(t *testing.T) {
		s.t = t
		s.survive(func(during func()) {
			s.db.Stop()
			during()
			s.restartTable()
		}, list)
	})
	t.Run("the table hangs", func(t *testing.T) {
		s.t = t
		s.survive(func(during func()) {
			s.signal(s.db.PID(), syscall.SIGSTOP)
			defer s.signal(s.db.PID(), syscall.SIGCONT)
			during()
		}, list)
	})
	t.Run("the bucket is killed and started", func(t *testing.T) {
		s.t = t
		film := s.film()
		parts := func(ctx context.Context) (reply, error) { return s.call(ctx, "GET", "/assets/"+film+"/parts", nil) }
		s.survive(func(during func()) {
			s.signal(s.s3.Pid(), syscall.SIGKILL)
			<-s.s3.Done()
			during()
			s.restartBucket()
		}, parts)
	})
	s.t = t
	s.verify()
	s.alive()
	taken, refusals := s.count()
	t.Logf("%d uploads, %d refusals", taken, refusals)
	t.Run("a function is killed while it works", func(t *testing.T) {
		s.t = t
		s.killAtWork(list)
	})
}

// killAtWork kills a function whose table hangs. Its client has what an HTTP API of AWS says then, and the next one an answer.
func (s *siege) killAtWork(list func(context.Context) (reply, error)) {
	s.t.Helper()
	s.signal(s.db.PID(), syscall.SIGSTOP)
	type outcome struct {
		reply
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := list(s.t.Context())
		done <- outcome{r, err}
	}()
	polltest.Eventually(s.t, "the function works", func() bool {
		st := s.lambda.Stats("assets-list")
		return st.Processes > st.Idle
	})
	for _, pid := range s.lambda.Stats("assets-list").PIDs {
		s.signal(pid, syscall.SIGKILL)
	}
	got := <-done
	s.signal(s.db.PID(), syscall.SIGCONT)
	if got.err != nil || got.status != http.StatusInternalServerError || string(got.body) != `{"message":"Internal Server Error"}` {
		s.t.Errorf("the client of a function that was killed has %d %s, %v", got.status, got.body, got.err)
	}
	if r, err := list(s.t.Context()); err != nil || r.status != http.StatusOK {
		s.t.Errorf("the next client has %d %s, %v", r.status, r.body, err)
	}
}

func (s *siege) signal(pid int, sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		s.t.Fatal(err)
	}
}

// restartTable starts DynamoDB Local again, over the same folder and at the same address.
func (s *siege) restartTable() {
	s.t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.db.Endpoint(), "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	db, err := dynamolocal.Start(s.t.Context(), dynamolocal.Options{Root: repository, Dir: s.tables, Port: must(strconv.Atoi(port))})
	if err != nil {
		s.t.Fatal(err)
	}
	s.db = db
	s.onClose(db.Stop)
}

// restartBucket starts the bucket again, over the same folder and at the same address.
func (s *siege) restartBucket() {
	s.t.Helper()
	s3, err := versity.Start(s.t.Context(), s.s3Config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.s3 = s3
	s.onClose(s3.Close)
}

// film is an asset that comes by parts, of which the bucket alone knows what has come.
func (s *siege) film() string {
	s.t.Helper()
	body, err := s.insist(s.t.Context(), "POST", "/assets", map[string]any{
		"source": "multipart", "workspace_id": s.settings.Workspace, "file_name": "film.mp4", "content_type": "video/mp4", "size_bytes": 11 << 20,
	}, http.StatusCreated)
	if err != nil {
		s.t.Fatal(err)
	}
	var a form
	if err := json.Unmarshal(body, &a); err != nil {
		s.t.Fatal(err)
	}
	return a.ID
}
