package cost

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Between these lines of README.md stands what follows from the document.
const (
	readmeFrom  = "<!-- written by go test ./infra/cost -update -->\n"
	readmeUntil = "<!-- until here -->\n"
)

// shownFlow is the flow whose arithmetic README.md shows; of the others it has the sum.
const shownFlow = "SDK, the event first"

func TestTheReadmeSaysWhatTheDocumentSays(t *testing.T) {
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := summary(t, string(b))
	path := filepath.Join(root, "README.md")
	b, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	readme := string(b)
	before, rest, found := strings.Cut(readme, readmeFrom)
	got, after, closed := strings.Cut(rest, readmeUntil)
	if !found || !closed {
		t.Fatalf("README.md has no lines %q and %q around its costs", readmeFrom, readmeUntil)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+readmeFrom+want+readmeUntil+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("costs (-%s +README.md); `go test ./infra/cost -update` writes them:\n%s", document, d)
	}
}

// flowSection finds the flows of the document: name, table and sum.
var flowSection = regexp.MustCompile(`(?s)### ([^\n]+)\n\n(\| of \|.*?\| \*\*together\*\* \|[^$]*\*\*(\$[0-9.]+)\*\* \|\n)`)

// monthlySum finds the sum of what runs by the clock.
var monthlySum = regexp.MustCompile(`(?m)^\| together \|[^$]*(\$[0-9.]+) \|$`)

// summary is what README.md says of the document.
func summary(t *testing.T, doc string) string {
	t.Helper()
	month := monthlySum.FindStringSubmatch(doc)
	flows := flowSection.FindAllStringSubmatch(doc, -1)
	if month == nil || len(flows) < 2 {
		t.Fatalf("%s has %d flows and the sum of a month %q", document, len(flows), month)
	}
	var shown, others strings.Builder
	for _, f := range flows {
		if strings.HasPrefix(f[1], shownFlow) {
			fmt.Fprintf(&shown, "A million uploads (%s):\n\n%s", f[1], f[2])
		} else {
			fmt.Fprintf(&others, "- %s: **%s** a million\n", f[1], f[3])
		}
	}
	if shown.Len() == 0 {
		t.Fatalf("%s has no flow %q", document, shownFlow)
	}
	return fmt.Sprintf("%s\nOther ways:\n\n%s\nIn a month in which nobody does anything: **%s**.\n", shown.String(), others.String(), month[1])
}
