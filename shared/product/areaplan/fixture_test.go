package areaplan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/areaplan"
)

// input gives a file with some content. Its format is the ending of its name.
func input(name, content string) product.Input {
	return product.Input{
		Asset: "01890000-0000-7000-8000-000000000001", Name: name, Format: strings.TrimPrefix(path.Ext(name), "."), Size: int64(len(content)),
		Open: func(_ context.Context, off int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(content[off:])), nil
		},
	}
}

// room gives a made up scan of about size bytes.
func room(t testing.TB, s roomscan.Scan, size int64) string {
	t.Helper()
	var b strings.Builder
	if _, err := s.Write(&b, size); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// square gives lines of points, sixteen for each place of a square, without those that skip leaves out.
func square(side int, skip func(x, y int) bool) string {
	var b strings.Builder
	for y := range side {
		for x := range side {
			if !skip(x, y) {
				for range 16 {
					b.WriteString(number(x) + " " + number(y) + " 1\n")
				}
			}
		}
	}
	return b.String()
}

func number(v int) string {
	b, _ := json.Marshal(float64(v) + 0.5)
	return string(b)
}

// run runs the only step of a job to its end. Between two calls lies a checkpoint wherever spent says so.
func run(t testing.TB, job product.Job, spent func(int64) bool) ([]product.Deliverable, error) {
	t.Helper()
	p := areaplan.New()
	task := &product.Task{Job: job, Step: p.Plan(job)[0], Spent: spent}
	last := 0.0
	for {
		task.Progress = func(f float64) {
			if f < last || f > 1 {
				t.Errorf("progress %v after %v", f, last)
			}
			last = f
		}
		r, err := p.Run(t.Context(), task)
		if err != nil || r.Done {
			return r.Deliverables, err
		}
		task.Checkpoint = r.Checkpoint
	}
}

// whole runs a job with one input without a break, and gives its report.
func whole(t testing.TB, units string, in product.Input) (areaplan.Report, []product.Deliverable) {
	t.Helper()
	files, err := run(t, product.Job{OrderName: "Second floor", Units: units, Inputs: []product.Input{in}}, nil)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	var r areaplan.Report
	d := json.NewDecoder(bytes.NewReader(files[0].Bytes))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("report: %v", err)
	}
	return r, files
}

// refusal is why the input is refused.
func refusal(t testing.TB, in product.Input) string {
	t.Helper()
	_, err := run(t, product.Job{Inputs: []product.Input{in}}, nil)
	var refused *product.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("Run of %s: %v, want a refusal", in.Name, err)
	}
	return refused.Message
}
