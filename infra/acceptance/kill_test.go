package acceptance_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	kills       = 20
	slowKills   = 6 // in the shape that takes seconds to start
	uploaders   = 2
	settleLimit = 15 * time.Second // from a restart until everything accepted is ready
)

// promise is what the stack has answered about one asset: it was created, and perhaps its bytes were taken.
type promise struct {
	asset
	content  []byte
	accepted bool
}

// uploader creates, sends and completes assets until the stack is gone, and keeps what it was promised.
type uploader struct {
	mu       sync.Mutex
	promises []*promise
	numbers  atomic.Uint32
}

func (u *uploader) run(ctx context.Context, c *client) {
	for ctx.Err() == nil {
		n := u.numbers.Add(1)
		a, err := c.create(ctx, fmt.Sprintf("%d.png", n))
		if err != nil {
			return // the stack is gone; an answer that was lost promises nothing
		}
		p := &promise{asset: a, content: picture(n)}
		u.mu.Lock()
		u.promises = append(u.promises, p)
		u.mu.Unlock()
		got, err := c.sendForm(ctx, a, p.content)
		if err != nil || got.status/100 != 2 {
			return
		}
		u.mu.Lock()
		p.accepted = true
		u.mu.Unlock()
		if n%3 == 0 {
			continue // the bytes alone must do
		}
		if _, err := c.call(ctx, "POST", "/assets/"+a.ID+"/complete", nil); err != nil {
			return
		}
	}
}

// TestNothingIsLostWhenTheStackIsKilled kills the stack at random moments of a client's uploads, again and again over one folder. What
// was answered must hold after each restart: an asset answered 201 exists, and bytes that the bucket took become ready or can be
// sent again.
func TestNothingIsLostWhenTheStackIsKilled(t *testing.T) {
	t.Logf("repeat with: go test ./infra/acceptance -run %s -seed %d", t.Name(), *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	data := t.TempDir()
	u := new(uploader)
	rounds, checked := kills, 0
	if deployed() {
		rounds = slowKills
	}
	for round := range rounds {
		if round%5 == 4 { // while it starts, too
			s := launch(t, data, "-addr", "127.0.0.1:0", "-s3-addr", "127.0.0.1:0")
			<-time.After(time.Duration(random.IntN(300)) * time.Millisecond)
			s.kill()
		}
		s := start(t, data)
		c := newClient(s)
		u.verify(t, c, checked)
		checked = len(u.promises)
		u.until(t, c, s, deployed() && round%2 == 0, time.Duration(random.IntN(1200))*time.Millisecond)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	s := start(t, data)
	u.verify(t, newClient(s), 0)
	accepted := u.accepted()
	t.Logf("%d kills, %d assets created, the bytes of %d accepted", rounds, len(u.promises), accepted)
	if accepted < rounds/2 {
		t.Errorf("only %d uploads were accepted in %d rounds: the kills came before anything was at stake", accepted, rounds)
	}
}

// accepted is how many uploads the bucket took so far.
func (u *uploader) accepted() (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, p := range u.promises {
		if p.accepted {
			n++
		}
	}
	return n
}

// until uploads and kills the stack after some time, which may begin with the first upload that the bucket took: programs that are started by
// their first event take a while on a busy machine, and that moment is one of those that count too.
func (u *uploader) until(t *testing.T, c *client, s *stack, warm bool, after time.Duration) {
	before := u.accepted()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var running sync.WaitGroup
	for range uploaders {
		running.Go(func() { u.run(ctx, c) })
	}
	if warm {
		s.await(t, startLimit, "the bucket takes an upload", func() bool { return u.accepted() > before })
	}
	<-time.After(after)
	s.kill()
	cancel()
	running.Wait()
}

// verify checks every promise from the given one on.
func (u *uploader) verify(t *testing.T, c *client, from int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleLimit)
	defer cancel()
	for _, p := range u.promises[from:] {
		if err := p.verify(ctx, c); err != nil {
			t.Errorf("asset %s, accepted %t: %v", p.ID, p.accepted, err)
		}
	}
}

func (p *promise) verify(ctx context.Context, c *client) error {
	got, err := c.get(ctx, p.ID)
	if err != nil || !p.accepted {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for got.Status == "pending_upload" {
		select {
		case <-ctx.Done():
			return fmt.Errorf("still pending, though the bucket took its bytes: %w", ctx.Err())
		case <-tick.C:
		}
		if got, err = c.get(ctx, p.ID); err != nil {
			return err
		}
	}
	if got.Status == "failed" {
		if got, err = p.again(ctx, c); err != nil {
			return err
		}
	}
	read, err := c.do(ctx, "GET", got.URL, nil, nil)
	if err != nil || read.status != http.StatusOK || string(read.body) != string(p.content) {
		return fmt.Errorf("its link gives %d and %d bytes, %v; want the %d bytes that were sent", read.status, len(read.body), err, len(p.content))
	}
	return nil
}

// again sends the bytes of a failed upload once more.
func (p *promise) again(ctx context.Context, c *client) (asset, error) {
	granted, err := c.asset(ctx, "POST", "/assets/"+p.ID+"/retry", nil, http.StatusOK)
	if err != nil {
		return asset{}, err
	}
	if got, err := c.sendForm(ctx, granted, p.content); err != nil || got.status/100 != 2 {
		return asset{}, fmt.Errorf("the bucket answered the retry %d %s: %v", got.status, got.body, err)
	}
	done, err := c.asset(ctx, "POST", "/assets/"+p.ID+"/complete", nil, http.StatusOK)
	if err == nil && done.Status != "ready" {
		err = fmt.Errorf("%s after the retry: %s", done.Status, done.Failure)
	}
	return done, err
}
