package areaplan_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/assetry/assetry/infra/roomscan"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/product/areaplan"
)

func TestDeliverablesAreTheSameHoweverTheWorkIsCut(t *testing.T) {
	scan := room(t, roomscan.Scan{Seed: 5, Columns: roomscan.XYZIRGB, Head: "//X Y Z Intensity R G B\n"}, 400_000) +
		"nan 1 1 0.5 1 1 1\n7 7 7 7 7 7 7"
	job := product.Job{OrderName: "Second floor", Units: product.Imperial, Inputs: []product.Input{input("room.xyz", scan)}}
	want, err := run(t, job, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, every := range map[string]int{"everywhere": 1, "every third time": 3, "once": 6} {
		asked, cuts := 0, 0
		got, err := run(t, job, func(int64) bool {
			asked++
			if asked%every == 0 {
				cuts++
				return true
			}
			return false
		})
		if err != nil {
			t.Fatal(err)
		}
		if cuts == 0 {
			t.Fatalf("%s: the work was not cut", name)
		}
		for i := range want {
			if got[i].Name != want[i].Name || !bytes.Equal(got[i].Bytes, want[i].Bytes) {
				t.Errorf("cut %s, %s differs", name, want[i].Name)
			}
		}
	}
}

func TestRunGoesOnAfterAnErrorOfItsSource(t *testing.T) {
	in := input("room.xyz", room(t, roomscan.Scan{Seed: 5}, 200_000))
	open, broken := in.Open, errors.New("connection reset")
	in.Open = func(ctx context.Context, off int64) (io.ReadCloser, error) {
		body, err := open(ctx, off)
		return io.NopCloser(io.MultiReader(io.LimitReader(body, 90_000), iotest.ErrReader(broken))), err
	}
	p := areaplan.New()
	job := product.Job{Inputs: []product.Input{in}}
	_, err := p.Run(t.Context(), &product.Task{Job: job, Step: p.Plan(job)[0]})
	var refused *product.Refused
	if !errors.Is(err, broken) || errors.As(err, &refused) {
		t.Errorf("Run: %v, want the error of the source, which may be tried again", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := areaplan.New()
	job := product.Job{Inputs: []product.Input{input("room.xyz", room(t, roomscan.Scan{}, 200_000))}}
	_, err := p.Run(ctx, &product.Task{Job: job, Step: p.Plan(job)[0], Spent: func(int64) bool { cancel(); return false }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v, want the end of its context", err)
	}
}

func TestRunRefusesToGoOnFromSomethingElse(t *testing.T) {
	p := areaplan.New()
	job := product.Job{Inputs: []product.Input{input("room.xyz", "1 2 3\n")}}
	for _, checkpoint := range []string{"x", "areaplan checkpoint 1\n", "areaplan checkpoint 1\nnot deflated", "areaplan checkpoint 0\n"} {
		if _, err := p.Run(t.Context(), &product.Task{Job: job, Step: p.Plan(job)[0], Checkpoint: []byte(checkpoint)}); err == nil {
			t.Errorf("Run from %q: no error", checkpoint)
		}
	}
}
