package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/assetry/assetry/infra/bars"
	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/local/programs"
)

// helloName is the least function there is.
const helloName = "hello"

// What bounds the measuring of functions on a busy machine, for all of them together.
const (
	startBudget  = 2 * time.Minute
	minRounds    = 5
	invokeBudget = 10 * time.Second // for one function's warm invocations
)

// subjects are the functions with their stages, and the host that runs them.
type subjects struct {
	names  []string
	events map[string][]byte
	bin    string // where their programs are
	hello  string // the program of hello
	host   *lambdahost.Host
	said   *lastLines
}

// taken is what was measured of one function, in milliseconds and bytes. Hello was started in turns with it.
type taken struct {
	starts, hello []float64
	first         float64
	warm          []float64
	resident      int64
}

// starts measures how long each function takes from exec to its first poll of the Runtime API, for its first event and for further ones, and how
// big it is, on disk and in memory.
func (b *bench) starts(ctx context.Context) (_ result, err error) {
	names, err := b.functions()
	if err != nil {
		return result{}, err
	}
	bin, err := b.buildFunctions(ctx, names)
	if err != nil {
		return result{}, err
	}
	b.progress("starting DynamoDB Local and the bucket")
	in, err := b.install(ctx)
	if errors.Is(err, dynamolocal.ErrAbsent) {
		return result{Title: startTitle, Notes: []string{"Not measured: " + err.Error()}}, nil
	}
	if err != nil {
		return result{}, err
	}
	defer in.close()
	s, err := b.stages(ctx, in, names, bin)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, s.host.Close()) }()
	all, err := b.takeAll(ctx, s)
	if err != nil {
		return result{}, fmt.Errorf("%w; the last that functions logged:\n%s", err, s.said)
	}
	return startResult(s, all)
}

// buildFunctions builds functions and hello for this machine, the functions as they are deployed.
func (b *bench) buildFunctions(ctx context.Context, names []string) (bin string, err error) {
	b.progress("building %d functions for this machine; the first time this takes minutes", len(names))
	bin, err = programs.Build(ctx, programs.Options{Root: b.root, Names: names, Progress: b.out})
	if err != nil {
		return "", err
	}
	return bin, b.build(ctx, b.dir, buildFlags, buildFor, "./infra/bench/"+helloName)
}

// stages prepares what the functions need, and a host for them and for hello.
func (b *bench) stages(ctx context.Context, in *installation, names []string, bin string) (*subjects, error) {
	s := &subjects{names: names, events: map[string][]byte{}, bin: bin, hello: filepath.Join(b.dir, helloName), said: &lastLines{}}
	hosted := []lambdahost.Function{{Name: helloName, Program: s.hello}}
	for _, f := range in.functions {
		if !slices.Contains(names, f.Folder) {
			continue
		}
		one, err := in.stage(ctx, f, filepath.Join(bin, f.Folder))
		if err != nil {
			return nil, err
		}
		hosted = append(hosted, one.function)
		s.events[f.Folder] = one.event
		if len(hosted)%10 == 0 {
			b.progress("prepared %d of %d functions", len(hosted), len(names)+1)
		}
	}
	var err error
	s.host, err = lambdahost.Start(lambdahost.Options{Region: "us-east-1", Account: accountID, Output: s.said}, hosted)
	return s, err
}

// takeAll measures every function in turns with hello, round by round, within a limit of time, and then their events. The first round only
// warms the file cache.
func (b *bench) takeAll(ctx context.Context, s *subjects) (map[string]*taken, error) {
	all := map[string]*taken{}
	for _, n := range s.names {
		all[n] = &taken{}
	}
	rounds, end := b.pick(21, 11), time.Now().Add(startBudget)
	for round := range rounds {
		if round > minRounds && time.Now().After(end) {
			b.progress("stopping after %d of %d rounds: this machine is busy", round-1, rounds-1)
			break
		}
		if round%5 == 1 {
			b.progress("starts, round %d of %d", round, rounds-1)
		}
		for _, n := range s.names {
			hello, err := s.start(ctx, helloName)
			if err != nil {
				return nil, err
			}
			function, err := s.start(ctx, n)
			if err != nil {
				return nil, err
			}
			if t := all[n]; round > 0 {
				t.hello, t.starts = append(t.hello, hello), append(t.starts, function)
			}
		}
	}
	for i, n := range s.names {
		if i%10 == 0 {
			b.progress("events, function %d of %d", i+1, len(s.names))
		}
		if err := s.invoke(ctx, n, all[n], b.pick(50, 20)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// start starts a function and ends it, and gives the milliseconds until it asked for an event.
func (s *subjects) start(ctx context.Context, name string) (float64, error) {
	took, err := s.host.Init(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", name, err)
	}
	return milliseconds(took), s.host.Recycle(name)
}

// invoke gives a function that has just started its event, and again and again.
func (s *subjects) invoke(ctx context.Context, name string, t *taken, times int) error {
	if _, err := s.host.Init(ctx, name); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	end := time.Now().Add(invokeBudget)
	for i := 0; i <= times && (i < minRounds || time.Now().Before(end)); i++ {
		began := time.Now()
		if _, err := s.host.Invoke(ctx, name, s.events[name]); err != nil {
			return fmt.Errorf("event %d of %s: %w", i+1, name, err)
		}
		if took := milliseconds(time.Since(began)); i == 0 {
			t.first = took
		} else {
			t.warm = append(t.warm, took)
		}
	}
	t.resident = s.host.Stats(name).PeakResident
	return s.host.Recycle(name)
}

const startTitle = "Functions: start, size, first events, memory"

func startResult(s *subjects, all map[string]*taken) (result, error) {
	res := result{
		Title: startTitle,
		Notes: []string{
			"Start is from exec to the first poll of the Runtime API, with the warm-up that begins meanwhile; the ratio of medians is to a function that says hello, started in turns with it.",
			"First and warm are a function's sample event through the Runtime API, on DynamoDB Local and the local bucket: the event with which it comes out of init, and the median of those that follow it, which repeat it. Memory is the most that was resident then.",
			"What would go to sources and receivers of others is refused here, and so costs no time.",
		},
		Columns: []string{"start, least", "start", "ratio", "size", "first", "warm", "memory"},
	}
	var hello []float64
	for _, n := range s.names {
		hello = append(hello, all[n].hello...)
	}
	size, err := sizeOf(s.hello)
	if err != nil {
		return res, err
	}
	res.Rows = append(res.Rows, row{Name: helloName, Cells: map[string]quantity{
		"start, least": {slices.Min(hello), unitMS}, "start": {median(hello), unitMS}, "size": size,
	}})
	for _, n := range s.names {
		size, err := sizeOf(filepath.Join(s.bin, n))
		if err != nil {
			return res, err
		}
		t := all[n]
		r := row{Name: n, Cells: map[string]quantity{
			"start, least": {slices.Min(t.starts), unitMS}, "start": {median(t.starts), unitMS}, "ratio": {median(t.starts) / median(t.hello), unitRatio},
			"size": size, "first": {t.first, unitMS}, "warm": {median(t.warm), unitMS}, "memory": {float64(t.resident) / 1e6, unitMB},
		}}
		most := bars.Of(n)
		r.hold("ratio", most.Start)
		r.hold("size", float64(most.Size)/(1<<20))
		r.hold("memory", float64(most.Memory)/1e6)
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
