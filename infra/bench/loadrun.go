package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/assetry/assetry/infra/dynamolocal"
)

// What the load run wants of the deployed shape: nothing fails, nothing is lost, and memory has an end. DESIGN.md, "Numbers to hold".
const (
	maxGatewayMB = 256  // the process that has gateway, event sources and the host of the functions
	maxTotalMB   = 4096 // everything together: at most 32 processes of each function that is busy, the bucket, and a heap of 512 MB with what is around it
)

// Bounds of the load run.
const (
	mostRetries = 2                // what the published client does by itself
	longestWait = 30 * time.Second // of a Retry-After
	checkers    = 16               // clients that look at the end whether everything is there
)

// acknowledged is an asset whose bytes the bucket has taken.
type acknowledged struct {
	id, link string
	content  []byte
}

// tally is what one client saw.
type tally struct {
	create, upload, complete, whole []time.Duration
	told                            int // answers that said when to come again
	failed                          []error
	stored                          []acknowledged
}

// load sends uploads from many clients at once through the deployed functions, for a time, and then looks at every asset.
func (b *bench) load(ctx context.Context) (_ result, err error) {
	clients, length := b.pick(200, 20), time.Duration(b.pick(60, 5))*time.Second
	if tables, err := dynamolocal.Start(ctx, dynamolocal.Options{Root: b.root}); err == nil {
		tables.Stop() // the stack starts its own
	} else if errors.Is(err, dynamolocal.ErrAbsent) {
		return result{Title: loadTitle, Notes: []string{"Not measured: " + err.Error()}}, nil
	}
	dir, where := b.memoryFolder()
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := b.startStack(ctx, dir, "-lambda")
	if err != nil {
		return result{}, err
	}
	defer s.stop()
	c := newClient(s.place, clients)
	defer c.http.CloseIdleConnections()
	watch := watchMemory(s.cmd.Process.Pid)
	began := time.Now()
	all := b.crowd(ctx, c, clients, length)
	took := time.Since(began)
	b.progress("looking at %d assets", len(all.stored))
	lost := missing(ctx, c, all.stored)
	peak := watch.stop()
	b.tell(s, append(all.failed, lost...))
	if ctx.Err() != nil {
		return result{}, ctx.Err()
	}
	return loadResult(all, lost, peak, fmt.Sprintf("%d clients on this machine, with the state of the stack %s", clients, where), took), nil
}

// sharedMemory is where Linux keeps files in memory.
const sharedMemory = "/dev/shm"

// memoryFolder is a folder for the state of the stack, in memory where the system has such a place, and says where it is. DynamoDB Local waits
// for the disk at every write, one write at a time, and stands here for a service that does not.
func (b *bench) memoryFolder() (dir, where string) {
	dir, err := os.MkdirTemp(sharedMemory, "assetry-bench-")
	if err == nil {
		return dir, "in memory"
	}
	dir = filepath.Join(b.dir, "load")
	_ = os.Mkdir(dir, 0o700) // a folder that cannot be made is found at once
	return dir, "on disk"
}

// mostTold is how many failures are told, and how many of the last lines of the stack's log.
const mostTold = 10

// tell says what failed, and what the stack said last about it.
func (b *bench) tell(s *stack, failed []error) {
	if len(failed) == 0 {
		return
	}
	for _, err := range failed[:min(mostTold, len(failed))] {
		b.progress("failed: %v", err)
	}
	wrote, _ := os.ReadFile(s.log) // what there is helps
	lines := strings.Split(strings.TrimSpace(string(wrote)), "\n")
	for _, line := range lines[max(0, len(lines)-mostTold):] {
		b.progress("stack: %.300s", line)
	}
}

// crowd lets clients upload one file after the other for a time, each at least one. What is under way then is brought to its end.
func (b *bench) crowd(ctx context.Context, c *client, clients int, length time.Duration) tally {
	b.progress("%d clients for %v", clients, length)
	picture := pngOf(64, 64)
	seen := make([]tally, clients)
	var done sync.WaitGroup
	end := time.Now().Add(length)
	for i := range clients {
		done.Go(func() {
			for n := 0; (n == 0 || time.Now().Before(end)) && ctx.Err() == nil; n++ {
				seen[i].one(ctx, c, append(slices.Clone(picture), fmt.Sprintf("client %d, file %d", i, n)...))
			}
		})
	}
	finished := make(chan struct{})
	go func() { done.Wait(); close(finished) }()
	news := time.NewTicker(buildNews)
	defer news.Stop()
	for waiting := true; waiting; {
		select {
		case <-finished:
			waiting = false
		case <-news.C:
			b.progress("%v to go", max(time.Until(end), 0).Round(time.Second))
		}
	}
	var all tally
	for _, t := range seen {
		all.create, all.upload = append(all.create, t.create...), append(all.upload, t.upload...)
		all.complete, all.whole = append(all.complete, t.complete...), append(all.whole, t.whole...)
		all.told, all.failed, all.stored = all.told+t.told, append(all.failed, t.failed...), append(all.stored, t.stored...)
	}
	return all
}

// one announces a file, sends it and completes it. What fails is noted.
func (t *tally) one(ctx context.Context, c *client, content []byte) {
	began := time.Now()
	body, err := json.Marshal(draftOf(c.Workspace))
	if err != nil {
		t.failed = append(t.failed, err)
		return
	}
	var a created
	if err := t.ask(ctx, c, &t.create, c.API+"/api/v1/assets", "application/json", body, http.StatusCreated, &a); err != nil {
		t.failed = append(t.failed, fmt.Errorf("create: %w", err))
		return
	}
	contentType, file := form(a.Upload.Fields, content)
	if err := t.ask(ctx, c, &t.upload, a.Upload.URL, contentType, file, http.StatusNoContent, nil); err != nil {
		t.failed = append(t.failed, fmt.Errorf("upload: %w", err))
		return
	}
	t.stored = append(t.stored, acknowledged{a.ID, a.URL, content})
	var now created
	if err := t.ask(ctx, c, &t.complete, c.API+"/api/v1/assets/"+a.ID+"/complete", "application/json", nil, http.StatusOK, &now); err != nil {
		t.failed = append(t.failed, fmt.Errorf("complete: %w", err))
		return
	}
	if now.Status != "ready" {
		t.failed = append(t.failed, fmt.Errorf("asset %s is %s after its completion", a.ID, now.Status))
		return
	}
	t.whole = append(t.whole, time.Since(began))
}

// ask sends a POST and wants a status. An answer that says when to come again is believed, as often as a client does that by itself; the time
// is that of everything together.
func (t *tally) ask(ctx context.Context, c *client, times *[]time.Duration, address, contentType string, body []byte, want int, answer any) error {
	began := time.Now()
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return err
		}
		if strings.HasPrefix(address, c.API+"/api/") { // the bucket knows no key
			req.Header.Set("Authorization", "Bearer "+c.Key)
		}
		req.Header.Set("Content-Type", contentType)
		got, again, err := c.try(req, want)
		switch {
		case err == nil:
			*times = append(*times, time.Since(began))
			if answer == nil {
				return nil
			}
			return json.Unmarshal(got, answer)
		case again == nil || try == mostRetries:
			return err
		}
		t.told++
		select {
		case <-time.After(min(*again, longestWait)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try sends a request once. Of an answer of 429 or 503 with Retry-After it also says after how long the client may come again; nil is never.
func (c *client) try(req *http.Request, want int) (body []byte, again *time.Duration, err error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if body, err = io.ReadAll(res.Body); err != nil {
		return nil, nil, err
	}
	if res.StatusCode == want {
		return body, nil, nil
	}
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
		if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			again = new(time.Duration(seconds) * time.Second)
		}
	}
	return nil, again, fmt.Errorf("%s answered %d %.300s, want %d", req.URL.Path, res.StatusCode, body, want)
}

// missing looks at every asset: it has to be ready, and its link has to lead to its bytes. It gives what is not so.
func missing(ctx context.Context, c *client, all []acknowledged) []error {
	work, lost := make(chan acknowledged), make(chan error)
	var done sync.WaitGroup
	for range checkers {
		done.Go(func() {
			for a := range work {
				if err := c.check(ctx, a); err != nil {
					lost <- fmt.Errorf("asset %s: %w", a.id, err)
				}
			}
		})
	}
	go func() {
		for _, a := range all {
			work <- a
		}
		close(work)
		done.Wait()
		close(lost)
	}()
	var errs []error
	for err := range lost {
		errs = append(errs, err)
	}
	return errs
}

func (c *client) check(ctx context.Context, a acknowledged) error {
	now, err := c.retrieve(ctx, a.id)
	if err != nil {
		return err
	}
	if now.Status != "ready" {
		return fmt.Errorf("it is %s", now.Status)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.link, nil)
	if err != nil {
		return err
	}
	got, err := c.do(req, http.StatusOK)
	if err == nil && !bytes.Equal(got, a.content) {
		err = fmt.Errorf("its link leads to %d bytes that are not its own", len(got))
	}
	return err
}

const loadTitle = "Many clients at once, through the deployed functions"

func loadResult(all tally, lost []error, peak map[string]int64, who string, took time.Duration) result {
	res := result{
		Title: loadTitle,
		Notes: []string{
			fmt.Sprintf("%s, each creating, sending and completing one small picture after the other for %v, through the gateway and the programs that are deployed, on DynamoDB Local and the local bucket.", who, took.Round(time.Second)),
			fmt.Sprintf("%d answers said when to come again (429 or 503 with Retry-After), which clients do up to %d times; that time is in the numbers. Any other answer is an error.", all.told, mostRetries),
			"Lost is an asset that is not ready in the end, or whose link does not lead to its bytes, though the bucket had acknowledged them.",
		},
		Columns: []string{"number", "p50", "p99", "a second", "memory"},
	}
	for _, x := range []struct {
		name  string
		times []time.Duration
	}{{"create (presigned)", all.create}, {"upload of the form", all.upload}, {"complete", all.complete}, {"all three", all.whole}} {
		p := spreadOf(x.times)
		res.Rows = append(res.Rows, row{Name: x.name, Cells: map[string]quantity{
			"number": {float64(len(x.times)), unitCount}, "p50": {p.p50, unitMS}, "p99": {p.p99, unitMS}, "a second": {float64(len(x.times)) / took.Seconds(), unitEach},
		}})
	}
	for _, x := range []struct {
		name string
		errs []error
	}{{"errors", all.failed}, {"lost", lost}} {
		r := row{Name: x.name, Cells: map[string]quantity{"number": {float64(len(x.errs)), unitCount}}}
		r.hold("number", 0)
		res.Rows = append(res.Rows, r)
	}
	for _, m := range memoryRows {
		r := row{Name: m.name, Cells: map[string]quantity{"memory": {float64(peak[m.name]) / 1e6, unitMB}}}
		if m.most > 0 {
			r.hold("memory", m.most)
		}
		res.Rows = append(res.Rows, r)
	}
	return res
}
