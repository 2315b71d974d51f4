package heartbeat_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assetry/assetry/shared/heartbeat"
)

var (
	errTaken = errors.New("taken")
	errCut   = errors.New("cut")
	errOwn   = errors.New("the work's own")
)

// until waits for the end of a context, and gives its error.
func until(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestWorkStopsWhenTheLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var beats atomic.Int64
		h := heartbeat.Heart{Every: time.Second, Beat: func(context.Context) error {
			if beats.Add(1) == 3 {
				return errTaken
			}
			return nil
		}}
		began := time.Now()
		if err := heartbeat.Run(t.Context(), h, until); !errors.Is(err, errTaken) {
			t.Errorf("Run = %v, want the cause of the stop", err)
		}
		if took := time.Since(began); took != 3*time.Second || beats.Load() != 3 {
			t.Errorf("it took %s and %d beats, want 3 of a second each", took, beats.Load())
		}
	})
}

func TestWorkIsCutBeforeTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		began := time.Now()
		h := heartbeat.Heart{Every: time.Hour, Beat: func(context.Context) error { return nil }, Ending: 10 * time.Second, Cut: errCut}
		if err := heartbeat.Run(ctx, h, until); !errors.Is(err, errCut) {
			t.Errorf("Run = %v, want the cause of the cut", err)
		}
		if took := time.Since(began); took != 50*time.Second {
			t.Errorf("the work was cut after %s, want 10 s before the end of the minute", took)
		}
	})
}

func TestTheAnswerIsTheWorksOwn(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		name string
		ctx  context.Context
		work func(context.Context) error
		want error
	}{
		{"when it succeeds", t.Context(), func(context.Context) error { return nil }, nil},
		{"when it fails by itself", t.Context(), func(context.Context) error { return errOwn }, errOwn},
		{"when whoever called it gave up", ended, until, context.Canceled},
		{"when it succeeds although it was stopped", ended, func(context.Context) error { return nil }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := heartbeat.Heart{Every: time.Hour, Beat: func(context.Context) error { return errTaken }, Cut: errCut}
			if err := heartbeat.Run(c.ctx, h, c.work); !errors.Is(err, c.want) {
				t.Errorf("Run = %v, want %v", err, c.want)
			}
		})
	}
}
