package main

import (
	"context"
	"fmt"
	"io"
)

func sweepNow() command {
	return command{
		name: "sweep", brief: "settle now what uploads left open", needs: needBucket,
		text: "Does what the schedule does every few minutes: attempts whose time has passed become ready, if their bytes did arrive, or failed, and\n" +
			"what nobody names any more is removed. It may run beside the schedule, and be cut off and repeated.",
		examples: []string{"assetry sweep"},
		run: func(ctx context.Context, c *call) (answer, error) {
			ctx, told := c.progress(ctx, "sweeping")
			done, err := c.store.services.Uploads().Sweep(ctx)
			told("")
			return answer{
				json: map[string]int{"visited": done.Visited, "settled": done.Settled},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "%s looked at, %d settled.\n", counted(done.Visited, "asset", "assets"), done.Settled)
				},
			}, err
		},
	}
}
