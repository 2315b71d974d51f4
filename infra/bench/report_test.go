package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuantitiesShowThreeDigitsThatCount(t *testing.T) {
	for want, q := range map[string]quantity{
		"0.012 ms":  {0.0123, unitMS},
		"1.25 ms":   {1.2499, unitMS},
		"12.3 ms":   {12.34, unitMS},
		"1235 ms":   {1234.6, unitMS},
		"1.00 x":    {1, unitRatio},
		"1000000":   {1e6, unitCount},
		"0.000 MiB": {0, unitMiB},
	} {
		if got := q.String(); got != want {
			t.Errorf("%v shows as %q, want %q", q.Value, got, want)
		}
	}
}

// everyShape is a report with every shape: bars held, missed and absent, a cell that does not apply, letters outside of ASCII.
func everyShape() report {
	slow := row{Name: "größte", Cells: map[string]quantity{"p50": {12.5, unitMS}, "ratio": {3, unitRatio}}}
	slow.hold("ratio", 2.5)
	quick := row{Name: "quick", Cells: map[string]quantity{"p50": {1, unitMS}, "ratio": {2.5, unitRatio}}}
	quick.hold("ratio", 2.5)
	quick.hold("p50", 10)
	return report{
		Machine: machine{CPU: "A processor", Cores: 2, Go: "go1.26", System: "linux/amd64", Load: "0.10"},
		Results: []result{
			{Title: "Starts", Notes: []string{"First note.", "Second note."}, Columns: []string{"p50", "ratio"}, Rows: []row{slow, quick}},
			{Title: "Sizes", Columns: []string{"size"}, Rows: []row{{Name: "one", Cells: map[string]quantity{"size": {2, unitMiB}}}, {Name: "none"}}},
		},
	}
}

const wantText = `A processor, 2 cores, linux/amd64, go1.26, load 0.10 at the beginning

Starts
  First note.
  Second note.
                p50   ratio  bar
    größte  12.5 ms  3.00 x  ratio <= 2.5 x: OVER
    quick   1.00 ms  2.50 x  ratio <= 2.5 x: ok, p50 <= 10 ms: ok

Sizes
              size
    one   2.00 MiB
    none
`

const wantMarkdown = `Measured on A processor, 2 cores, linux/amd64, go1.26, load 0.10 at the beginning.

**Starts.** First note. Second note.

|  | p50 | ratio | bar |
|---|---:|---:|---|
| größte | 12.5 ms | 3.00 x | ratio <= 2.5 x: OVER |
| quick | 1.00 ms | 2.50 x | ratio <= 2.5 x: ok, p50 <= 10 ms: ok |

**Sizes.** 

|  | size |
|---|---:|
| one | 2.00 MiB |
| none |  |
`

func TestReportIsReadable(t *testing.T) {
	for name, c := range map[string]struct {
		write func(report, *strings.Builder) error
		want  string
	}{
		"in a terminal": {func(r report, b *strings.Builder) error { return r.text(b) }, wantText},
		"in Markdown":   {func(r report, b *strings.Builder) error { return r.markdown(b) }, wantMarkdown},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := c.write(everyShape(), &b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("the report differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReportSurvivesJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if err := everyShape().write(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(everyShape(), got); diff != "" {
		t.Errorf("what was read back differs (-want +got):\n%s", diff)
	}
}
