package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// The bars for a function: DESIGN.md, "Numbers to hold".
const (
	maxStartRatio = 2.5 // times the start of the least function there is
	maxSizeMiB    = 12
)

// helloName is the least function there is.
const helloName = "hello"

// startTimes are those of one function and of hello, measured in turns.
type startTimes struct{ function, hello []float64 }

// starts measures how long each function takes from exec to its first poll of the Runtime API, and how big it is.
func (b *bench) starts(ctx context.Context) (result, error) {
	names, err := b.functions()
	if err != nil {
		return result{}, err
	}
	bin := filepath.Join(b.dir, "bin")
	b.progress("building %d functions for this machine; the first time this takes minutes", len(names)+1)
	packages := []string{"./infra/bench/" + helloName}
	for _, n := range names {
		packages = append(packages, "./functions/"+n)
	}
	if err := b.build(ctx, bin, buildFlags, buildFor, packages...); err != nil {
		return result{}, err
	}
	h, err := newHost(b.dir)
	if err != nil {
		return result{}, err
	}
	times, err := b.startAll(ctx, h, bin, names)
	if closeErr := h.close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return result{}, err
	}
	return startResult(bin, names, times)
}

// startAll starts every function in turns with hello, round by round, within a limit of time. The first round only warms the file cache.
func (b *bench) startAll(ctx context.Context, h *host, bin string, names []string) (map[string]*startTimes, error) {
	times := make(map[string]*startTimes, len(names))
	for _, n := range names {
		times[n] = &startTimes{}
	}
	rounds, end := b.pick(31, 11), time.Now().Add(startBudget)
	for round := range rounds {
		if round > minRounds && time.Now().After(end) {
			b.progress("stopping after %d of %d rounds: this machine is busy", round, rounds)
			break
		}
		if round%10 == 1 {
			b.progress("starts, round %d of %d", round, rounds-1)
		}
		for _, n := range names {
			hello, err := startOnce(ctx, h, filepath.Join(bin, helloName))
			if err != nil {
				return nil, err
			}
			function, err := startOnce(ctx, h, filepath.Join(bin, n))
			if err != nil {
				return nil, err
			}
			if t := times[n]; round > 0 {
				t.hello, t.function = append(t.hello, hello), append(t.function, function)
			}
		}
	}
	return times, nil
}

// What bounds the rounds of starts on a busy machine.
const (
	startBudget = 40 * time.Second
	minRounds   = 5
)

// startOnce gives the milliseconds of one start.
func startOnce(ctx context.Context, h *host, program string) (float64, error) {
	f, err := h.start(ctx, program)
	if err != nil {
		return 0, err
	}
	f.stop()
	return milliseconds(f.took), nil
}

func startResult(bin string, names []string, times map[string]*startTimes) (result, error) {
	res := result{
		Title: "Functions: start and size",
		Notes: []string{
			"Start is from exec to the first poll of the Runtime API; the ratio is to a function that says hello, started in turns with it.",
			"Built as for Lambda, but for this machine; the services that functions warm their connections to do not answer.",
		},
		Columns: []string{"start", "ratio", "size"},
	}
	var hello []float64
	for _, n := range names {
		hello = append(hello, times[n].hello...)
	}
	size, err := sizeOf(filepath.Join(bin, helloName))
	if err != nil {
		return res, err
	}
	res.Rows = append(res.Rows, row{Name: helloName, Cells: map[string]quantity{"start": {median(hello), unitMS}, "size": size}})
	for _, n := range names {
		size, err := sizeOf(filepath.Join(bin, n))
		if err != nil {
			return res, err
		}
		t := times[n]
		r := row{Name: n, Cells: map[string]quantity{
			"start": {median(t.function), unitMS}, "ratio": {median(t.function) / median(t.hello), unitRatio}, "size": size,
		}}
		r.hold("ratio", maxStartRatio)
		r.hold("size", maxSizeMiB)
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

func sizeOf(path string) (quantity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return quantity{}, err
	}
	return quantity{float64(info.Size()) / (1 << 20), unitMiB}, nil
}
