package areaplan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/roomscan"
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

func TestFilesAreNamedAfterTheirScans(t *testing.T) {
	scan := room(t, roomscan.Scan{}, 5_000)
	long := ""
	for range 300 {
		long += "ä"
	}
	names := []string{"lobby.xyz", "Lobby.XYZ", "a/b\\c:d.xyz", ".xyz", long + ".xyz", "no ending", "lobby.tar.xyz"}
	want := []string{"lobby-scan-1", "Lobby-scan-2", "a_b_c_d", "scan", long[:120], "no ending", "lobby.tar"}
	job := product.Job{}
	for _, name := range names {
		in := input("x.xyz", scan)
		in.Name = name
		job.Inputs = append(job.Inputs, in)
	}
	p := areaplan.New()
	for i, step := range p.Plan(job) {
		r, err := p.Run(t.Context(), &product.Task{Job: job, Step: step})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Deliverables[0].Name; got != want[i]+"-report.json" {
			t.Errorf("the report of %q is %q, want %s-report.json", names[i], got, want[i])
		}
	}
}
