// Package areaplan measures scans and draws them from above.
package areaplan

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/assetry/assetry/shared/product"
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

// Run reads the step's scan.
func (*Areaplan) Run(ctx context.Context, t *product.Task) (product.Result, error) {
	for i, in := range t.Job.Inputs {
		if t.Step.Name == stepName(i) {
			return run(ctx, t, in)
		}
	}
	return product.Result{}, fmt.Errorf("areaplan: the job has no step %q", t.Step.Name)
}

func run(ctx context.Context, t *product.Task, in product.Input) (product.Result, error) {
	var at int64
	if t.Checkpoint != nil {
		if err := json.Unmarshal(t.Checkpoint, &at); err != nil {
			return product.Result{}, err
		}
	}
	r, err := in.Open(ctx, at)
	if err != nil {
		return product.Result{}, err
	}
	defer r.Close()
	for buf := make([]byte, 1<<20); ; {
		n, err := io.ReadFull(r, buf)
		at += int64(n)
		t.Tell(float64(at) / float64(max(in.Size, 1)))
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return product.Result{}, err
		}
		if t.IsSpent(int64(n)) {
			mark, err := json.Marshal(at)
			return product.Result{Checkpoint: mark}, err
		}
	}
	report, err := json.Marshal(map[string]any{"scan": in.Name, "bytes": at})
	return product.Result{Done: true, Deliverables: []product.Deliverable{{Name: t.Step.Name + "-report.json", Type: "application/json", Bytes: report}}}, err
}
