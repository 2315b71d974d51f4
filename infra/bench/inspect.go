package main

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/media"
)

// inspect measures what the finalizer spends on finding out what an object is.
func (b *bench) inspect(ctx context.Context) (result, error) {
	rounds, count := b.pick(7, 3), b.pick(2000, 500)
	res := result{
		Title: "Inspection of media",
		Notes: []string{
			fmt.Sprintf("Processor time of media.Inspect over bytes in memory, without the reading of them; medians over %d rounds of %d.", rounds, count),
			"Reads are ranged requests beyond the first 64 KiB.",
		},
		Columns: []string{"size", "reads", "each"},
	}
	for _, s := range samples() {
		r, err := measure(ctx, s, rounds, count)
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", s.want, err)
		}
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

func measure(ctx context.Context, s sample, rounds, count int) (row, error) {
	reads := 0
	source := media.Source{
		Size: int64(len(s.content)),
		Head: s.content[:min(media.HeadSize, len(s.content))],
		ReadAt: func(_ context.Context, off, n int64) ([]byte, error) {
			reads++
			return s.content[off:min(off+n, int64(len(s.content)))], nil
		},
	}
	info, err := media.Inspect(ctx, source)
	if err != nil {
		return row{}, err
	}
	if info.Type != s.want {
		return row{}, fmt.Errorf("it was taken for %s", info.Type)
	}
	first := reads
	var took []float64
	for range rounds {
		used, err := processorTime(count, each(func(int) error {
			_, err := media.Inspect(ctx, source)
			return err
		}))
		if err != nil {
			return row{}, err
		}
		took = append(took, microseconds(used)/float64(count))
	}
	return row{Name: s.name, Cells: map[string]quantity{
		"size": {float64(len(s.content)) / (1 << 10), unitKiB}, "reads": {float64(first), unitCount}, "each": {median(took), unitUS},
	}}, nil
}
