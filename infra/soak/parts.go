package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/upload"
)

const (
	realParts = 5000
	realPart  = upload.MinPartSize // bytes
	senders   = 4                  // parts that are sent at once
	// joinTime is how long the bucket may take to join the parts: it copies them all.
	joinTime = 30 * time.Minute
)

// roomFor says whether the disk can hold an upload of some bytes: its parts and, while they are joined, the whole beside them.
func roomFor(dir string, size int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	const reserve = 2 << 30 // for everybody else
	free, need := int64(fs.Bavail)*int64(fs.Bsize), 2*size+reserve
	if free < need {
		return fmt.Errorf("the disk of %s has %d GiB free, and %d parts need %d GiB: free some, set TMPDIR to another disk, or say -no-parts",
			filepath.Dir(dir), free>>30, realParts, need>>30)
	}
	return nil
}

// manyParts uploads a picture by many real parts, and removes it again.
func manyParts(ctx context.Context, dir string, count int, done func(int)) error {
	w, err := newWorld(ctx, 1, dir)
	if err != nil {
		return err
	}
	defer w.close()
	w.objects.leaky = false
	size := int64(count) * realPart
	d := upload.Draft{Workspace: w.ws, Name: "parts", Declared: "image/png"}
	a, g, err := w.uploads.BeginParts(ctx, w.who, d, size, realPart)
	if err != nil {
		return err
	}
	if err := w.sendAll(ctx, a, g, done); err != nil {
		return err
	}
	if a, err = w.whole(ctx, a); err != nil {
		return err
	}
	if want := fmt.Sprintf("-%d", count); a.State != asset.Ready || a.Size != size || !strings.HasSuffix(a.ETag, want) {
		return fmt.Errorf("%d parts of %d bytes became %s, %d bytes, ETag %s; want ready, %d bytes, ETag ...%s", count, realPart, a.State, a.Size, a.ETag, size, want)
	}
	if err := w.assets.Delete(ctx, w.who, a.ID); err != nil {
		return err
	}
	s := &soak{world: w}
	if err := s.settle(ctx); err != nil {
		return err
	}
	vs, err := w.real.Versions(ctx, "w/", 0)
	if err != nil || len(vs) > 0 || len(s.wrongs) > 0 {
		return fmt.Errorf("after its delete the bucket holds %v (%v); %v", vs, err, s.wrongs)
	}
	return nil
}

// sendAll asks for the parts page by page and sends them, several at once.
func (w *world) sendAll(ctx context.Context, a asset.Asset, g upload.PartsGrant, done func(int)) error {
	var mu sync.Mutex
	sent := 0
	one := func() {
		mu.Lock()
		defer mu.Unlock()
		sent++
		done(sent)
	}
	for {
		if err := w.sendPage(ctx, g, one); err != nil {
			return err
		}
		if g.Next == 0 {
			return nil
		}
		var err error
		if _, g, err = w.uploads.SignParts(ctx, w.who, a.ID, upload.PartsQuery{From: g.Next}); err != nil {
			return err
		}
	}
}

func (w *world) sendPage(ctx context.Context, g upload.PartsGrant, one func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan upload.SignedPart)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for p := range parts {
				if err := w.sendPart(ctx, p); err != nil {
					cancel(err)
				}
				one()
			}
		})
	}
	for _, p := range g.Parts {
		if ctx.Err() == nil {
			parts <- p
		}
	}
	close(parts)
	wg.Wait()
	return context.Cause(ctx)
}

// sendPart puts one part: the first begins with a picture, and every one is another.
func (w *world) sendPart(ctx context.Context, p upload.SignedPart) error {
	body := bytes.Repeat([]byte{byte(p.Number), byte(p.Number >> 8)}, realPart/2)
	if p.Number == 1 {
		copy(body, picture(1))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, p.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := w.client().Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("the bucket answered %d to part %d, %v", res.StatusCode, p.Number, err)
	}
	return nil
}

// whole completes an upload. What outlasts the request is pending, and its event settles it.
func (w *world) whole(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	ctx, cancel := context.WithTimeout(ctx, joinTime)
	defer cancel()
	for {
		got, err := w.uploads.CompleteParts(ctx, w.who, a.ID, []blob.Part(nil))
		if err != nil || got.State != asset.Pending {
			return got, err
		}
		for w.objects.waiting() == 0 && ctx.Err() == nil {
			pause(ctx)
		}
		w.arrive()
		w.clock.advance(time.Minute)
	}
}

// pause waits for a moment of real time: the bucket is at work.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}
