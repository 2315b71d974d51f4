package main

import (
	"context"
	"fmt"
	"io"

	"github.com/assetry/assetry/shared/account"
)

func linkRotate() command {
	return command{
		name: "link rotate", operands: "WORKSPACE", most: 1, brief: "make every link of a workspace dead, for good",
		text: "All addresses /l/… that were handed out for the workspace's assets answer 404 from then on, in functions that are warm up to 30\n" +
			"seconds later. The assets stay; the API gives new links.",
		examples: []string{"assetry link rotate ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"},
		run: func(ctx context.Context, c *call) (answer, error) {
			w, err := c.workspace(ctx)
			if err != nil {
				return answer{}, err
			}
			if err := c.confirm("Make every link of %s (%s) dead, for good?", w.ID, w.Name); err != nil {
				return answer{}, err
			}
			if w, err = c.store.services.Accounts().RotateLinks(ctx, w.ID); err != nil {
				return answer{}, err
			}
			return answer{
				json: map[string]any{"workspace": workspaceOf(w)},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "All links of %s (%s) that were made until now are dead, in functions that are warm within %d seconds.\n", w.ID, w.Name, int(account.CacheFor.Seconds()))
				},
			}, nil
		},
	}
}
