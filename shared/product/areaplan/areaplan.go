// Package areaplan measures scans and draws them from above.
//
// Each input is a step, and gives three files named after it: NAME-report.json (see Report), and the view as NAME-top.png and NAME-top.pdf. Of an
// input in e57 there is the report alone, which holds what the file's header and XML say, and says that a view follows later.
//
// A scan is read once, from front to back, in memory that does not hang on its size: the points go into a grid of squares on the ground, which
// become twice as wide whenever there are too many of them. Everything in the deliverables comes from that grid, from the smallest box
// around the points and from the counts of the reader. These are also the checkpoint. They hang on nothing but the points and their order, so
// the deliverables have the same bytes wherever the work was cut off.
//
// Refused is a scan in which more than MaxBadShare of the lines are no points, one of fewer than MinPoints, and one whose points are all at one
// place: of these nothing can be measured that would be worth more than an error.
package areaplan

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/assetry/assetry/shared/product"
)

// Bounds of what a scan may be.
const (
	MaxBadShare = 0.001 // of the lines that should be points
	MinPoints   = 100
)

// Areaplan is the product.
type Areaplan struct{}

var _ product.Product = (*Areaplan)(nil)

// New gives the product.
func New() *Areaplan { return &Areaplan{} }

// Name is how an order asks for it.
func (*Areaplan) Name() string { return product.Areaplan }

// Plan gives one step for each input: scan-1, scan-2, …
func (*Areaplan) Plan(job product.Job) []product.Step {
	steps := make([]product.Step, len(job.Inputs))
	for i := range steps {
		steps[i].Name = stepName(i)
	}
	return steps
}

func stepName(i int) string { return fmt.Sprintf("scan-%d", i+1) }

// Run reads the step's scan, and measures and draws it at its end. It asks Spent after every few thousand points.
func (*Areaplan) Run(ctx context.Context, t *product.Task) (product.Result, error) {
	for i, in := range t.Job.Inputs {
		if t.Step.Name != stepName(i) {
			continue
		}
		name := fileNames(t.Job.Inputs)[i]
		switch in.Format {
		case "xyz":
			return runXYZ(ctx, t, in, name)
		case "e57":
			return runE57(ctx, t, in, name)
		default:
			return product.Result{}, product.Refuse("%s is of the format %q, of which nothing can be made; send e57 or xyz", in.Name, in.Format)
		}
	}
	return product.Result{}, errors.New("areaplan: the job has no step " + t.Step.Name)
}

// maxFileName is the longest beginning of a deliverable's name, in characters, so that the whole name stays a file name everywhere.
const maxFileName = 60

// fileNames gives the beginnings of the deliverables' names: those of the inputs, with a number where several would be the same. Letter case
// does not tell them apart, because on many machines it does not.
func fileNames(inputs []product.Input) []string {
	names := make([]string, len(inputs))
	uses := map[string]int{}
	for i, in := range inputs {
		names[i] = fileName(in.Name)
		uses[strings.ToLower(names[i])]++
	}
	for i := range names {
		if uses[strings.ToLower(names[i])] > 1 {
			names[i] = fmt.Sprintf("%s-scan-%d", names[i], i+1)
		}
	}
	return names
}

// fileName gives a name without its ending and without what file systems do not take.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(strings.TrimSuffix(name, path.Ext(name)), " .")
	if utf8.RuneCountInString(name) > maxFileName {
		name = strings.TrimRight(string([]rune(name)[:maxFileName]), " .")
	}
	if name == "" {
		return "scan"
	}
	return name
}
