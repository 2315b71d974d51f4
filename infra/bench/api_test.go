package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestVolleySendsFromEveryClientAndGivesEveryTime(t *testing.T) {
	var sent atomic.Int64
	op := operation{times: 5, send: func(context.Context, *client) (time.Duration, error) {
		sent.Add(1)
		return time.Millisecond, nil
	}}
	times, err := volley(t.Context(), nil, op, 3)
	if err != nil || len(times) != 15 || sent.Load() != 15 {
		t.Errorf("volley gives %d times of %d requests, %v; want 15 of 15", len(times), sent.Load(), err)
	}
	broken := errors.New("refused")
	op.send = func(context.Context, *client) (time.Duration, error) { return 0, broken }
	if _, err := volley(t.Context(), nil, op, 3); !errors.Is(err, broken) {
		t.Errorf("volley of requests that fail = %v, want %v", err, broken)
	}
}
