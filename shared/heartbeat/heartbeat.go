// Package heartbeat keeps a lease alive beside the work that it is for, and stops the work when it is lost.
package heartbeat

import (
	"context"
	"sync"
	"time"
)

// Heart is what beats beside a piece of work.
type Heart struct {
	Every time.Duration                   // between two beats
	Beat  func(ctx context.Context) error // renews the lease; an error stops the work, with it as the cause. What may pass by itself is nil

	// Ending is how much of the time that the context has is kept for what follows the work, and Cut the cause with which the work is stopped then.
	Ending time.Duration
	Cut    error
}

// Run does the work under a context that ends when the lease is lost, or the time is over. If it was stopped by either, and failed, the error is
// the cause of the stop, and not what the stop broke; where the given context itself ended, it is what the work says. When Run returns,
// nothing beats any more.
func Run(parent context.Context, h Heart, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	if end, ok := parent.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadlineCause(ctx, end.Add(-h.Ending), h.Cut)
		defer stop()
	}
	var beating sync.WaitGroup
	stopped := make(chan struct{})
	beating.Go(func() { h.beat(ctx, stopped, cancel) })
	err := work(ctx)
	close(stopped)
	beating.Wait()
	if ctx.Err() != nil && parent.Err() == nil && err != nil {
		return context.Cause(ctx)
	}
	return err
}

// beat beats until the work is over.
func (h Heart) beat(ctx context.Context, stopped <-chan struct{}, cancel context.CancelCauseFunc) {
	every := time.NewTicker(h.Every)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopped:
			return
		case <-every.C:
			if err := h.Beat(ctx); err != nil {
				cancel(err)
				return
			}
		}
	}
}
