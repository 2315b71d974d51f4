package areaplan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/areaplan"
)

func TestPlanHasAStepForEachInput(t *testing.T) {
	p := areaplan.New()
	got := p.Plan(product.Job{Inputs: make([]product.Input, 3)})
	if diff := cmp.Diff([]product.Step{{Name: "scan-1"}, {Name: "scan-2"}, {Name: "scan-3"}}, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if _, err := p.Run(t.Context(), &product.Task{Step: product.Step{Name: "scan-4"}}); err == nil {
		t.Error("Run of a step that the job has not: no error")
	}
}
