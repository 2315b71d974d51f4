package lambdahost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/polltest"
)

// waiter is an invocation that waits in its function until it may go on.
type waiter struct {
	name string
	gate string
	done chan error
}

// gates are the files by which a test lets invocations go on.
type gates struct {
	t testing.TB
	w *world
	n string // folder
}

func newGates(t testing.TB, w *world) *gates { return &gates{t, w, t.TempDir()} }

// begin starts an invocation and returns at once.
func (g *gates) begin(ctx context.Context, name string) *waiter {
	v := &waiter{name, filepath.Join(g.n, name), make(chan error, 1)}
	go func() {
		_, err := g.w.Invoke(ctx, "f", fmt.Appendf(nil, `{"do": "wait", "file": %q, "text": "seen"}`, v.gate))
		v.done <- err
	}()
	return v
}

// seen says whether an invocation has begun in its function.
func (v *waiter) seen() bool {
	_, err := os.Stat(v.gate + ".seen")
	return err == nil
}

// open lets an invocation go on.
func (g *gates) open(v *waiter) {
	g.t.Helper()
	if err := os.WriteFile(v.gate, nil, 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func TestNothingRunsBetweenInvocations(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 1})
	idle := func() bool { return w.Stats("f").Idle == 1 }
	do[int](t, w, `{"do": "tick"}`)
	polltest.Eventually(t, "it is idle", idle)
	pid := w.Stats("f").PIDs[0]
	polltest.Eventually(t, "it is stopped", func() bool { return state(t, pid) == "T" })
	cpu := cpuTime(t, pid)
	// A neighbour on the same processors does a hundred invocations meanwhile.
	other := newWorld(t, Options{}, Function{})
	for range 100 {
		do[int](t, other, `{"do": "pid"}`)
	}
	if now := cpuTime(t, pid); now != cpu {
		t.Errorf("a frozen process computed: %d clock ticks, before %d", now, cpu)
	}
	before := do[int](t, w, `{"do": "ticks"}`)
	polltest.Eventually(t, "the goroutine goes on during invocations", func() bool { return do[int](t, w, `{"do": "ticks"}`) > before })
}

func TestAThawedHostFreezesNothing(t *testing.T) {
	w := newWorld(t, Options{Thawed: true}, Function{})
	do[int](t, w, `{"do": "tick"}`)
	polltest.Eventually(t, "it is idle", func() bool { return w.Stats("f").Idle == 1 })
	pid := w.Stats("f").PIDs[0]
	cpu := cpuTime(t, pid)
	polltest.Eventually(t, "it computes", func() bool { return cpuTime(t, pid) > cpu })
}

// stat is a field of /proc/PID/stat by its number there, from 3 on.
func stat(t *testing.T, pid, field int) string {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("it takes /proc to look into a process")
	}
	if err != nil {
		t.Fatal(err)
	}
	after := string(b[strings.LastIndexByte(string(b), ')')+2:])
	return strings.Fields(after)[field-3]
}

func state(t *testing.T, pid int) string { return stat(t, pid, 3) }

// cpuTime is what a process computed, in clock ticks of the kernel.
func cpuTime(t *testing.T, pid int) int {
	t.Helper()
	user, err := strconv.Atoi(stat(t, pid, 14))
	if err != nil {
		t.Fatal(err)
	}
	system, err := strconv.Atoi(stat(t, pid, 15))
	if err != nil {
		t.Fatal(err)
	}
	return user + system
}

func TestMoreAtOnceAreMoreProcesses(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 3})
	g := newGates(t, w)
	var vs []*waiter
	for i := range 3 {
		vs = append(vs, g.begin(t.Context(), strconv.Itoa(i)))
	}
	for _, v := range vs {
		polltest.Eventually(t, "all run", v.seen)
	}
	late := g.begin(t.Context(), "late")
	polltest.Eventually(t, "the fourth waits", func() bool { return w.Stats("f").Queued == 1 })
	if s := w.Stats("f"); s.Processes != 3 || len(s.PIDs) != 3 || s.Resident <= 0 {
		t.Errorf("Stats = %+v, want three processes with memory", s)
	}
	if late.seen() {
		t.Error("the fourth runs")
	}
	for _, v := range append(vs, late) {
		g.open(v)
		if err := <-v.done; err != nil {
			t.Error(err)
		}
	}
	s := w.Stats("f")
	if s.ColdStarts != 3 || s.PeakProcesses != 3 || s.Invocations != 4 || s.PeakResident < 1<<20 || s.PeakResident > 1<<28 {
		t.Errorf("Stats = %+v, want three starts for four invocations, and megabytes", s)
	}
}

func TestWhoWaitsIsServedInOrder(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 1})
	rapid.Check(t, func(rt *rapid.T) {
		g := &gates{t, w, must(os.MkdirTemp(t.TempDir(), "order"))}
		n := rapid.IntRange(1, 6).Draw(rt, "waiting")
		leaves := rapid.SliceOfN(rapid.Bool(), n, n).Draw(rt, "leaves")
		first := g.begin(t.Context(), "first")
		polltest.Eventually(t, "it runs", first.seen)
		var stay []*waiter
		for i := range n {
			ctx, leave := context.WithCancel(t.Context())
			v := g.begin(ctx, strconv.Itoa(i))
			polltest.Eventually(t, "it waits", func() bool { return w.Stats("f").Queued == len(stay)+1 })
			if !leaves[i] {
				stay = append(stay, v)
				defer leave()
				continue
			}
			leave()
			if err := <-v.done; !errors.Is(err, context.Canceled) {
				rt.Fatalf("who leaves has %v", err)
			}
		}
		g.open(first)
		for i, v := range stay {
			polltest.Eventually(t, "the next runs", v.seen)
			for _, later := range stay[i+1:] {
				if later.seen() {
					rt.Fatalf("%s runs before %s has ended", later.name, v.name)
				}
			}
			g.open(v)
		}
		for _, v := range append(stay, first) {
			if err := <-v.done; err != nil {
				rt.Fatal(err)
			}
		}
	})
	if s := w.Stats("f"); s.PeakProcesses != 1 || s.Queued != 0 {
		t.Errorf("Stats = %+v, want never more than one process, and nobody waiting", s)
	}
}

func must[A any](a A, err error) A {
	if err != nil {
		panic(err)
	}
	return a
}

func TestACrashHandsItsPlaceToWhoWaits(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 1})
	g := newGates(t, w)
	first := g.begin(t.Context(), "first")
	polltest.Eventually(t, "it runs", first.seen)
	second := g.begin(t.Context(), "second")
	polltest.Eventually(t, "the second waits", func() bool { return w.Stats("f").Queued == 1 })
	kill(t, w.Stats("f").PIDs[0])
	if err := <-first.done; err == nil {
		t.Error("who was killed has an answer")
	}
	g.open(second)
	if err := <-second.done; err != nil {
		t.Error(err)
	}
}

func TestAnInvocationGoesOnWhenItsClientLeaves(t *testing.T) {
	w := newWorld(t, Options{}, Function{})
	g := newGates(t, w)
	ctx, leave := context.WithCancel(t.Context())
	v := g.begin(ctx, "left")
	polltest.Eventually(t, "it runs", v.seen)
	leave()
	if err := <-v.done; !errors.Is(err, context.Canceled) {
		t.Errorf("the client has %v", err)
	}
	g.open(v)
	polltest.Eventually(t, "it ends well", func() bool { s := w.Stats("f"); return s.Invocations == 1 && s.Errors == 0 && s.Idle == 1 })
	if _, err := w.Invoke(ctx, "f", []byte(`{"do": "pid"}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("an invocation whose client has left before = %v", err)
	}
}

func TestAStartThatNobodyWaitsForAnyMoreServesTheNext(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 1})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := w.Invoke(ctx, "f", []byte(`{"do": "pid"}`))
		done <- err
	}()
	polltest.Eventually(t, "it starts", func() bool { return w.Stats("f").ColdStarts == 1 })
	leave()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	do[int](t, w, `{"do": "pid"}`)
	if s := w.Stats("f"); s.ColdStarts != 1 {
		t.Errorf("Stats = %+v, want one start", s)
	}
}

func TestIdleProcessesEndAfterAWhile(t *testing.T) {
	w := newWorld(t, Options{IdleAfter: 20 * time.Millisecond}, Function{})
	for range 3 {
		do[int](t, w, `{"do": "pid"}`)
		polltest.Eventually(t, "there is no process", func() bool { return w.Stats("f").Processes == 0 })
	}
	if s := w.Stats("f"); s.Invocations != 3 || s.Errors != 0 || s.ColdStarts < 3 || s.PeakResident < 1<<20 {
		t.Errorf("Stats = %+v, want three invocations, each with a start, and megabytes", s)
	}
	if l := w.journal.find("platform."); l != "" {
		t.Errorf("the platform complains: %s", l)
	}
}

func TestInitStartsAheadAndRecycleEnds(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 2})
	for range 2 {
		took, err := w.Init(t.Context(), "f")
		if err != nil || took <= 0 || took > time.Minute || w.Stats("f").LastInit != took {
			t.Errorf("Init = %s, %v; LastInit = %s", took, err, w.Stats("f").LastInit)
		}
	}
	if _, err := w.Init(t.Context(), "f"); err == nil || !strings.Contains(err.Error(), "all of its 2 processes") {
		t.Errorf("a third Init = %v", err)
	}
	do[int](t, w, `{"do": "pid"}`)
	if s := w.Stats("f"); s.ColdStarts != 2 || s.Processes != 2 {
		t.Errorf("Stats = %+v, want two processes and no more starts", s)
	}
	polltest.Eventually(t, "both are idle", func() bool { return w.Stats("f").Idle == 2 })
	if err := w.Recycle("f"); err != nil || w.Stats("f").Processes != 0 {
		t.Errorf("Recycle = %v, and leaves %+v", err, w.Stats("f"))
	}
	if _, err := w.Init(t.Context(), "g"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Init of an unknown function = %v", err)
	}
	if err := w.Recycle("g"); !errors.Is(err, ErrUnknown) {
		t.Errorf("Recycle of an unknown function = %v", err)
	}
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 2})
	g := newGates(t, w)
	one, two := g.begin(t.Context(), "one"), g.begin(t.Context(), "two")
	polltest.Eventually(t, "both run", func() bool { return one.seen() && two.seen() })
	waits := g.begin(t.Context(), "waits")
	polltest.Eventually(t, "the third waits", func() bool { return w.Stats("f").Queued == 1 })
	pids := w.Stats("f").PIDs
	began := time.Now()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second { // a second, on a machine that does something else too
		t.Errorf("Close took %s", took)
	}
	for _, v := range []*waiter{one, two, waits} {
		if err := <-v.done; !errors.Is(err, ErrClosed) {
			t.Errorf("an invocation under way has %v, want ErrClosed", err)
		}
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is alive", pid)
		}
	}
	if _, err := w.Invoke(t.Context(), "f", []byte(`{"do": "pid"}`)); !errors.Is(err, ErrClosed) {
		t.Errorf("Invoke after Close = %v", err)
	}
	if _, err := w.Init(t.Context(), "f"); err == nil {
		t.Error("Init after Close = nil")
	}
	if l := w.journal.find("platform."); l != "" {
		t.Errorf("the platform complains: %s", l)
	}
}

// alive says whether a process is there and has not ended.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// hostVariable makes the test's program a host of the function at a path.
const hostVariable = "ASSETRY_TEST_LAMBDAHOST"

// hostUntilKilled has one process that is frozen and one that is busy, and says so.
func hostUntilKilled(path string) {
	h := must(Start(Options{}, []Function{{Name: "f", Program: path, Timeout: time.Hour}}))
	go func() { _, _ = h.Invoke(context.Background(), "f", []byte(`{"do": "hang"}`)) }() // until the end
	for range time.Tick(time.Millisecond) {
		if len(h.Stats("f").PIDs) > 0 {
			break
		}
	}
	must(h.Init(context.Background(), "f"))
	fmt.Println(h.Stats("f").PIDs)
	select {}
}

func TestNoProcessOutlivesItsHost(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("it takes /proc to look into a process")
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), hostVariable+"="+program)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids [2]int
	if _, err := fmt.Sscanf(line, "[%d %d]", &pids[0], &pids[1]); err != nil {
		t.Fatalf("the host says %q: %v", line, err)
	}
	for _, pid := range pids {
		if !alive(pid) {
			t.Errorf("process %d has not begun", pid)
		}
	}
	kill(t, c.Process.Pid)
	_ = c.Wait() // it was killed
	for _, pid := range pids {
		polltest.Eventually(t, "its process is gone", func() bool { return !alive(pid) })
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	w := newWorld(t, Options{}, Function{Concurrency: 4})
	var all sync.WaitGroup
	errs := make(chan error, 64)
	for client := range 64 {
		all.Go(func() {
			for i := range 10 {
				event := fmt.Appendf(nil, `{"do": "echo", "text": "%d/%d"}`, client, i)
				b, err := w.Invoke(t.Context(), "f", event)
				if want := fmt.Sprintf(`"%d/%d"`, client, i); err != nil || string(b) != want {
					errs <- fmt.Errorf("%s, %w, want %s", b, err, want)
					return
				}
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	s := w.Stats("f")
	if s.Invocations != 640 || s.Errors != 0 || s.PeakProcesses > 4 || !slices.IsSorted(s.PIDs) {
		t.Errorf("Stats = %+v, want 640 invocations by at most 4 processes", s)
	}
}

// BenchmarkInvoke is what the host adds to a function that does nothing; frozen between invocations, and not.
func BenchmarkInvoke(b *testing.B) {
	for name, o := range map[string]Options{"frozen": {}, "thawed": {Thawed: true}} {
		for _, clients := range []int{1, 16} {
			b.Run(name+"/"+strconv.Itoa(clients), func(b *testing.B) {
				h := must(Start(o, []Function{{Name: "f", Program: program, Concurrency: 4}}))
				defer func() { _ = h.Close() }()
				must(h.Invoke(b.Context(), "f", []byte(`{"do": "echo"}`)))
				b.SetParallelism(clients)
				b.ResetTimer()
				if clients == 1 {
					for b.Loop() {
						must(h.Invoke(b.Context(), "f", []byte(`{"do": "echo"}`)))
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						must(h.Invoke(b.Context(), "f", []byte(`{"do": "echo"}`)))
					}
				})
			})
		}
	}
}
