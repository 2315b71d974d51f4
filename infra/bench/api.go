package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// maxReadyMS is the bar from the bucket's answer until the asset is ready: DESIGN.md, "Numbers to hold".
const maxReadyMS = 250

// inFlight is how many clients there are where there is more than one.
const inFlight = 8

// Bounds of one operation of one round.
const (
	roundBudget = 2 * time.Second
	readyLimit  = 30 * time.Second     // until an upload must be ready
	lookEvery   = 2 * time.Millisecond // between two looks at an upload
)

// operation is one kind of request and how often each client sends it in a round.
type operation struct {
	name  string
	times int
	bar   float64 // of p50 in milliseconds, for one client; 0 is none
	send  func(context.Context, *client) (time.Duration, error)
}

// operations measures only what its name says: what has to be there first is made outside of the time.
func operations(known string, picture []byte) []operation {
	return []operation{
		{"create (presigned)", 100, 0, func(ctx context.Context, c *client) (time.Duration, error) {
			return timed(func() error { _, err := c.create(ctx); return err })
		}},
		{"retrieve", 200, 0, func(ctx context.Context, c *client) (time.Duration, error) {
			return timed(func() error { _, err := c.retrieve(ctx, known); return err })
		}},
		{fmt.Sprintf("list page of %d", listPage), 50, 0, func(ctx context.Context, c *client) (time.Duration, error) {
			return timed(func() error { return c.list(ctx, listPage) })
		}},
		{fmt.Sprintf("direct upload of %d bytes", len(picture)), 30, 0, func(ctx context.Context, c *client) (time.Duration, error) {
			return timed(func() error { return c.direct(ctx, picture) })
		}},
		{"bytes uploaded to ready", 30, maxReadyMS, func(ctx context.Context, c *client) (time.Duration, error) {
			return c.untilReady(ctx, picture)
		}},
	}
}

func timed(f func() error) (time.Duration, error) {
	began := time.Now()
	err := f()
	return time.Since(began), err
}

// untilReady uploads by a signed form and measures from the bucket's answer until the asset shows as ready.
func (c *client) untilReady(ctx context.Context, picture []byte) (time.Duration, error) {
	a, err := c.create(ctx)
	if err != nil {
		return 0, err
	}
	if err := c.upload(ctx, a, picture); err != nil {
		return 0, err
	}
	uploaded := time.Now()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for time.Since(uploaded) < readyLimit {
		got, err := c.retrieve(ctx, a.ID)
		if err != nil {
			return 0, err
		}
		switch got.Status {
		case "ready":
			return time.Since(uploaded), nil
		case "failed":
			return 0, fmt.Errorf("the upload of asset %s failed", a.ID)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return 0, fmt.Errorf("asset %s was not ready %v after its upload", a.ID, readyLimit)
}

// api measures requests over HTTP through the local gateway, by one client and by several.
func (b *bench) api(ctx context.Context) (result, error) {
	s, err := b.startStack(ctx, b.dir)
	if err != nil {
		return result{}, err
	}
	defer s.stop()
	c := newClient(s.place, inFlight)
	defer c.http.CloseIdleConnections()
	var known created
	for range listPage + 1 { // a full page, and one more behind it
		if known, err = c.create(ctx); err != nil {
			return result{}, err
		}
	}
	ops := operations(known.ID, pngOf(64, 64))
	rounds := b.pick(5, 2)
	one, many := make([][]spread, len(ops)), make([][]spread, len(ops))
	for round := range rounds + 1 {
		b.progress("requests, round %d of %d", round, rounds)
		for i, op := range ops {
			alone, err := volley(ctx, c, op, 1)
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", op.name, err)
			}
			together, err := volley(ctx, c, op, inFlight)
			if err != nil {
				return result{}, fmt.Errorf("%s, %d in flight: %w", op.name, inFlight, err)
			}
			if round > 0 { // the first is to warm up
				one[i], many[i] = append(one[i], spreadOf(alone)), append(many[i], spreadOf(together))
			}
		}
	}
	return apiResult(ops, one, many, rounds), nil
}

// volley lets clients send an operation again and again, each one request at a time, and gives all times. It ends early, but not
// without a time from each, when the budget of a round is used up.
func volley(ctx context.Context, c *client, op operation, clients int) ([]time.Duration, error) {
	times, errs := make([][]time.Duration, clients), make([]error, clients)
	end := time.Now().Add(roundBudget)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for n := 0; n < op.times && (n == 0 || time.Now().Before(end)); n++ {
				took, err := op.send(ctx, c)
				if err != nil {
					errs[i] = err
					return
				}
				times[i] = append(times[i], took)
			}
		})
	}
	wg.Wait()
	var all []time.Duration
	for i := range clients {
		if errs[i] != nil {
			return nil, errs[i]
		}
		all = append(all, times[i]...)
	}
	return all, nil
}

func apiResult(ops []operation, one, many [][]spread, rounds int) result {
	manyP50, manyP99 := fmt.Sprintf("p50, %d in flight", inFlight), fmt.Sprintf("p99, %d in flight", inFlight)
	res := result{
		Title: "Requests through the local gateway",
		Notes: []string{
			"HTTP over loopback with connections kept; client, stack and bucket share this machine.",
			fmt.Sprintf("Medians over %d rounds. Ready is seen by a client that looks every %v.", rounds, lookEvery),
		},
		Columns: []string{"p50", "p99", manyP50, manyP99},
	}
	for i, op := range ops {
		a, m := middle(one[i]), middle(many[i])
		r := row{Name: op.name, Cells: map[string]quantity{
			"p50": {a.p50, unitMS}, "p99": {a.p99, unitMS}, manyP50: {m.p50, unitMS}, manyP99: {m.p99, unitMS},
		}}
		if op.bar > 0 {
			r.hold("p50", op.bar)
		}
		res.Rows = append(res.Rows, r)
	}
	return res
}
