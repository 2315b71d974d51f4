package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/upload"
)

// readyLife is a soak of one life: a picture that came with its request and is ready, of which everybody has heard.
func readyLife(t *testing.T) (*soak, *life) {
	t.Helper()
	w, err := newWorld(t.Context(), 1, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	s := &soak{world: w, seed: 1, tell: func(int) {}}
	l := newLife(w, 1, 0, s.complain)
	l.way, l.id = asset.ViaDirect, l.luck.asset(w.ws, w.clock.now())
	l.promise(picture(0))
	a, err := w.uploads.Direct(t.Context(), w.who, upload.Draft{Workspace: w.ws, Name: "life " + l.word(), ID: l.id}, picture(0))
	if err != nil {
		t.Fatal(err)
	}
	l.saw(a)
	s.lives = []*life{l}
	for range 60 { // until what comes late is there
		if err := s.drain(); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(time.Minute)
	}
	return s, l
}

// TestAuditFinds does by hand what must never happen: an audit that finds nothing would prove nothing.
func TestAuditFinds(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name   string
		do     func(s *soak, l *life) error
		counts func(v verdict) int // of the kind that has to be found
	}{
		{"bytes that nobody names", func(s *soak, l *life) error {
			_, err := s.real.Put(ctx, l.last.Source().Key(), bytes.NewReader(picture(9)), int64(len(picture(9))), blob.PutOptions{})
			return err
		}, func(v verdict) int { return len(v.orphans) }},
		{"an open upload", func(s *soak, l *life) error {
			_, err := s.real.StartParts(ctx, l.last.Source().Key(), blob.PutOptions{})
			return err
		}, func(v verdict) int { return len(v.orphans) }},
		{"bytes that are gone", func(s *soak, l *life) error {
			return s.real.DeleteVersion(ctx, l.last.Source().Key(), l.last.Object)
		}, func(v verdict) int { return len(v.lost) }},
		{"bytes that nobody sent", func(_ *soak, l *life) error {
			clear(l.sums)
			return nil
		}, func(v verdict) int { return len(v.lost) }},
		{"an asset that is gone", func(s *soak, l *life) error {
			return s.assets.Delete(ctx, s.who, l.id)
		}, func(v verdict) int { return len(v.lost) }},
		{"an asset that waits for ever", func(s *soak, l *life) error {
			l.id = l.luck.asset(s.ws, s.clock.now())
			_, _, err := s.uploads.Begin(ctx, s.who, upload.Draft{Workspace: s.ws, ID: l.id})
			l.ready = ""
			return err
		}, func(v verdict) int { return len(v.stuck) }},
		{"a message that nobody took", func(s *soak, _ *life) error {
			s.imports.put(bus.Event{})
			return nil
		}, func(v verdict) int { return len(v.stuck) }},
		{"news that is told twice", func(s *soak, l *life) error {
			d := bus.Detail{ID: "x", Asset: l.id.String(), Version: 90, State: asset.Ready, Generation: 1}
			return s.consumer.hear(bus.Event{Type: bus.AssetReady, Detail: d})
		}, func(v verdict) int { return len(v.doubles) }},
		{"one event with two contents", func(s *soak, l *life) error {
			d := s.consumer.known[l.id.String()]
			d.Size++
			return s.consumer.hear(bus.Event{Type: bus.AssetReady, Detail: d})
		}, func(v verdict) int { return len(v.doubles) }},
		{"news that nobody heard", func(s *soak, l *life) error {
			delete(s.receiver.known, l.id.String())
			return nil
		}, func(v verdict) int { return len(v.lost) }},
		{"an answer that takes ready back", func(_ *soak, l *life) error {
			a := l.last
			a.State = asset.Failed
			l.saw(a)
			return nil
		}, func(v verdict) int { return len(v.wrong) }},
		{"a word that the search forgot", func(s *soak, l *life) error {
			l.n = 999_999
			return nil
		}, func(v verdict) int { return len(v.lost) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, l := readyLife(t)
			if v, err := s.audit(ctx); err != nil || !v.clean() {
				t.Fatalf("before: %+v, %v", v, err)
			}
			if err := tt.do(s, l); err != nil {
				t.Fatal(err)
			}
			v, err := s.audit(ctx)
			if err != nil || tt.counts(v) == 0 {
				t.Errorf("found %s, %v", fmt.Sprintf("%+v", v), err)
			}
		})
	}
}
