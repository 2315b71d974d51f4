package acceptance_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/enginetest"
)

const (
	largeParts = 205             // of 5 MiB, the last one smaller: 1 GiB
	killAfter  = largeParts / 2  // parts that the first process has sent
	partsLimit = 3 * time.Minute // for each process, on a busy machine
	// What the processes of the stack may have in memory at most while a gibibyte passes through: the bucket's child streams it, the rest never
	// sees it. Both are a tenth of the file, and twice what was seen.
	stackPeak  = 96 << 20
	bucketPeak = 128 << 20
	// What a process of a deployed function may have, which sees no byte of a file either: it signs addresses, and reads a picture's first bytes.
	functionPeak = 64 << 20
)

// TestAGibibyteIsResumedByAnotherProcess kills a client in the middle of 205 parts, which it sends several at once. Another one, which knows the
// asset's id and nothing else, asks what has arrived, sends the rest, and reads the whole back.
func TestAGibibyteIsResumedByAnotherProcess(t *testing.T) {
	enginetest.Tool(t, "node", "node_modules")
	s := start(t, t.TempDir()) // of its own, because its memory is looked at
	picturePath := filepath.Join(t.TempDir(), "picture.png")
	if err := os.WriteFile(picturePath, picture(1), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(environment(t, s, "flora-0.11"), "ASSETRY_PICTURE="+picturePath)

	had, sentAgain, said := resumed(t, env, "parts.mjs", killAfter)
	if had < killAfter || had+sentAgain != largeParts {
		t.Errorf("the second process found %d parts and sent %d, want at least %d and %d in all", had, sentAgain, killAfter, largeParts)
	}
	if want := fmt.Sprintf("is ready\nread %d\n", 1<<30); said != want {
		t.Errorf("the second process said %q, want %q", said, want)
	}
	s.wantPeaks(t)
}

// resumed kills a script that begins an upload once it has sent parts of it, and lets another process of it go on. It gives how many parts the second one
// found and sent, and what else it said.
func resumed(t *testing.T, env []string, script string, parts int) (had, sentAgain int, said string) {
	t.Helper()
	note := filepath.Join(t.TempDir(), "saved")
	first := startScript(t, env, script, "begin", note)
	sent := 0
	for line := range first.lines {
		if strings.HasPrefix(line, "sent ") {
			sent++
		}
		if sent == parts {
			if err := first.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	for range first.lines { // what was on its way
	}
	if err := first.cmd.Wait(); err == nil || sent < parts {
		t.Fatalf("the first process ended by itself after %d parts: %v\n%s", sent, err, first.stderr)
	}

	second := startScript(t, env, script, "resume", note)
	for line := range second.lines {
		switch what, n, _ := strings.Cut(line, " "); what {
		case "had":
			had, _ = strconv.Atoi(n)
		case "sent":
			sentAgain++
		default:
			said += line + "\n"
		}
	}
	if err := second.cmd.Wait(); err != nil {
		t.Fatalf("the second process: %v\n%s%s", err, said, second.stderr)
	}
	return had, sentAgain, said
}

// process is a script under way.
type process struct {
	cmd    *exec.Cmd
	lines  chan string // of its standard output, closed at its end
	stderr *output
}

func startScript(t *testing.T, env []string, script string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), partsLimit)
	t.Cleanup(cancel)
	p := &process{cmd: exec.CommandContext(ctx, "node", append([]string{filepath.Join("node", script)}, args...)...), lines: make(chan string), stderr: new(output)}
	p.cmd.Env, p.cmd.Stderr = env, p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			p.lines <- in.Text()
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	return p
}

// wantPeaks holds what the stack's process and the bucket's child had in memory at most, as Linux counts it.
func (s *stack) wantPeaks(t *testing.T) {
	t.Helper()
	pid := s.cmd.Process.Pid
	own, ok := peak(t, pid)
	if !ok {
		t.Log("no /proc here: the memory of the stack was not looked at")
		return
	}
	child, function := 0, 0
	for _, c := range childrenOf(t, pid) {
		m, _ := peak(t, c)
		switch program := programOf(c); {
		case program == programOf(pid): // the bucket is the same program
			child = max(child, m)
		case filepath.Base(program) != "java": // DynamoDB Local is bounded by its own flags
			function = max(function, m)
		}
	}
	t.Logf("peaks: the stack %d MiB, the bucket's child %d MiB, a function %d MiB", own>>20, child>>20, function>>20)
	if own > stackPeak || child > bucketPeak || child == 0 {
		t.Errorf("the stack had %d MiB in memory, want at most %d; the bucket's child %d, want at most %d", own>>20, stackPeak>>20, child>>20, bucketPeak>>20)
	}
	if function > functionPeak || deployed() && function == 0 {
		t.Errorf("a process of a function had %d MiB in memory, want at most %d", function>>20, functionPeak>>20)
	}
}

// programOf is the file that a process runs; "" for one that ended.
func programOf(pid int) string {
	path, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	return path
}

// childrenOf are the processes that any thread of a process started.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range threads {
		b, _ := os.ReadFile(f) // a thread may have ended
		for _, c := range strings.Fields(string(b)) {
			n, err := strconv.Atoi(c)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, n)
		}
	}
	return children
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peak is the most memory that a process had, in bytes; not ok where the system does not tell.
func peak(t *testing.T, pid int) (bytes int, ok bool) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	m := highWater.FindSubmatch(b)
	if m == nil {
		return 0, false
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10, true
}
