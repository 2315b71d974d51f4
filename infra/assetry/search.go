package main

import (
	"context"
	"fmt"
	"io"

	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

func searchReindex() command {
	return command{
		name: "search reindex", operands: "[WORKSPACE ...]", most: 100, brief: "index the assets of workspaces anew, of all without operands",
		text: "For a table that was there before its index, and for an index that lost changes. Searches go on meanwhile. One that was cut off goes on\n" +
			"where it stopped when it is run again.",
		examples: []string{"assetry search reindex", "assetry search reindex ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"},
		run: func(ctx context.Context, c *call) (answer, error) {
			index := c.store.services.Search()
			if index == nil {
				return answer{}, fault.New(fault.Conflict, "No search index is kept here: name its table with --search-table, or set the parameter SearchIndex to build or on.")
			}
			ws, err := c.these(ctx)
			if err != nil {
				return answer{}, err
			}
			_, told := c.progress(ctx, "indexing")
			done, assets := []string{}, 0
			for _, w := range ws {
				if err = index.ReindexTold(ctx, w, func(n int) {
					assets += n
					told(fmt.Sprintf("%s of %d, %s so far", counted(len(done), "workspace", "workspaces"), len(ws), counted(assets, "asset", "assets")))
				}); err != nil {
					err = noWorkspace(err, w)
					break
				}
				done = append(done, w.String())
			}
			told("")
			if err != nil && assets == 0 {
				return answer{}, err
			}
			return answer{
				json: map[string]any{"workspaces": done, "assets": assets},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "%s of %s indexed.\n", counted(assets, "asset", "assets"), counted(len(done), "workspace", "workspaces"))
				},
			}, err
		},
	}
}

// these are the workspaces that the operands name; all registered ones where none is named.
func (c *call) these(ctx context.Context) (ws []id.Workspace, err error) {
	if len(c.operands) > 0 {
		return workspaceIDs(c.operands)
	}
	for w, err := range c.store.services.Accounts().Workspaces(ctx, id.Workspace{}) {
		if err != nil {
			return nil, err
		}
		ws = append(ws, w.ID)
	}
	return ws, nil
}
