package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`; `go doc test2json` describes the fields.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// summary reads test events, shows what a person wants to read as it goes (one line a package; the whole output of what failed or was
// skipped) and counts.
type summary struct {
	out                     io.Writer
	output                  map[string][]string // package, or package and test, to its lines so far
	passed, failed, skipped int
	broken                  []string // packages that failed outside their tests: not built, timed out, crashed
	skips                   []string
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[string][]string{}}
}

// read takes events until the stream ends. Lines that are no event are shown as they are.
func (s *summary) read(events io.Reader) error {
	r := bufio.NewReader(events)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				fmt.Fprint(s.out, line)
			} else {
				s.add(e)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) add(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e)
		}
		delete(s.output, key)
	}
}

func (s *summary) endTest(e event) {
	lines := s.output[e.Package+" "+e.Test]
	switch e.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		fmt.Fprintf(s.out, "FAIL %s %s\n%s", e.Package, e.Test, indent(lines))
	case "skip":
		s.skipped++
		s.skips = append(s.skips, e.Package+" "+e.Test)
		fmt.Fprintf(s.out, "SKIP %s %s\n%s", e.Package, e.Test, indent(lines))
	}
}

// endPackage is told of a whole package. "skip" there means that it has no tests.
func (s *summary) endPackage(e event) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(s.out, "ok   %s %.1fs\n", e.Package, e.Elapsed)
	case "fail":
		fmt.Fprintf(s.out, "FAIL %s %.1fs\n", e.Package, e.Elapsed)
		s.broken = append(s.broken, e.Package)
		for key, lines := range s.output { // tests that never ended: a crash or the time limit
			if strings.HasPrefix(key, e.Package+" ") {
				fmt.Fprintf(s.out, "%s:\n%s", strings.TrimSpace(key), indent(lines))
				delete(s.output, key)
			}
		}
	}
}

// print ends the report with the totals.
func (s *summary) print() {
	slices.Sort(s.broken)
	for _, p := range s.broken {
		fmt.Fprintln(s.out, "failed package:", p)
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}

// err is nil when everything passed and nothing was skipped: every engine was installed, so a skipped test means a broken set-up.
func (s *summary) err() error {
	switch {
	case s.failed > 0 || len(s.broken) > 0:
		return fmt.Errorf("%d tests and %d packages failed", s.failed, len(s.broken))
	case len(s.skips) > 0:
		return fmt.Errorf("under make test a skipped test is a failure: %s", strings.Join(s.skips, ", "))
	case s.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}

func indent(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("    " + l)
	}
	return b.String()
}
