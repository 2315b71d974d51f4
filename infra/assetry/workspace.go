package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// workspaceJSON is a workspace for machines.
type workspaceJSON struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	CreatedAt  time.Time `json:"created_at"`
	LinkEpoch  int       `json:"link_epoch"`
	Partitions int       `json:"partitions"`
}

func workspaceOf(w account.Workspace) workspaceJSON {
	return workspaceJSON{w.ID.String(), w.Name, w.CreatedAt, w.LinkEpoch, w.MaxShards()}
}

func workspaceCreate() command {
	var name string
	return command{
		name: "workspace create", brief: "make a workspace",
		text:     "A workspace owns everything that its keys make. It cannot be removed.",
		examples: []string{`assetry workspace create --name "Product photos"`},
		flags:    func(f *flag.FlagSet) { f.StringVar(&name, "name", "", "its `name`, 1 to 255 characters (required)") },
		run: func(ctx context.Context, c *call) (answer, error) {
			w, err := c.store.services.Accounts().CreateWorkspace(ctx, name)
			if err != nil {
				return answer{}, err
			}
			return answer{
				json: map[string]any{"workspace": workspaceOf(w)},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "workspace  %s\nname       %s\n\nNext, a key for it:  assetry key create --name NAME --grant %s=owner\n", w.ID, w.Name, w.ID)
				},
			}, nil
		},
	}
}

func workspaceList() command {
	return command{
		name: "workspace list", brief: "show all workspaces, oldest first",
		text: "Workspaces that were made before they were listed are missing until `assetry workspace register` has listed them.",
		run: func(ctx context.Context, c *call) (answer, error) {
			list := []workspaceJSON{}
			var rows [][]string
			for w, err := range c.store.services.Accounts().Workspaces(ctx, id.Workspace{}) {
				if err != nil {
					return answer{}, err
				}
				list = append(list, workspaceOf(w))
				rows = append(rows, []string{w.ID.String(), date(w.CreatedAt), strconv.Itoa(w.MaxShards()), w.Name})
			}
			return answer{
				json: map[string]any{"workspaces": list},
				text: func(out io.Writer) {
					columns(out, "There is no workspace yet: assetry workspace create --name NAME", []string{"WORKSPACE", "CREATED", "PARTITIONS", "NAME"}, rows)
				},
			}, nil
		},
	}
}

func workspaceSplit() command {
	var count int
	return command{
		name: "workspace split", operands: "WORKSPACE", most: 1, brief: "spread a workspace's future assets over more partitions",
		text: "For a workspace that creates more than about a thousand assets a second. Assets that are there stay where they are; the split\n" +
			"holds from ten minutes later on, and cannot be taken back. Every list of the workspace then merges as many partitions.",
		examples: []string{"assetry workspace split ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3 --partitions 4"},
		flags: func(f *flag.FlagSet) {
			f.IntVar(&count, "partitions", 0, "how `many`: a power of two, more than now, at most "+strconv.Itoa(account.MaxShardCount)+" (required)")
		},
		run: func(ctx context.Context, c *call) (answer, error) {
			w, err := c.workspace(ctx)
			if err != nil {
				return answer{}, err
			}
			if err := c.confirm("Spread the future assets of %s (%s) over %d partitions, for good?", w.ID, w.Name, count); err != nil {
				return answer{}, err
			}
			if w, err = c.store.services.Accounts().Split(ctx, w.ID, count); err != nil {
				return answer{}, err
			}
			from := time.Time{}
			if n := len(w.Shards); n > 0 {
				from = w.Shards[n-1].From
			}
			return answer{
				json: map[string]any{"workspace": workspaceOf(w), "from": from},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "Assets of %s that are created from %s on go to %s.\n", w.ID, from.Format(time.RFC3339), counted(w.MaxShards(), "partition", "partitions"))
				},
			}, nil
		},
	}
}

func workspaceRegister() command {
	return command{
		name: "workspace register", operands: "[WORKSPACE ...]", most: 100, brief: "list workspaces that were made before there was a list",
		text: "Without operands it registers the workspaces that began an upload within the last eight days, which the sweeper's markers name.\n" +
			"One that was quiet for longer is registered by its id.",
		examples: []string{"assetry workspace register", "assetry workspace register ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3"},
		run: func(ctx context.Context, c *call) (answer, error) {
			ws, err := workspaceIDs(c.operands)
			if err != nil {
				return answer{}, err
			}
			if len(ws) == 0 {
				if ws, err = c.store.services.Uploads().Active(ctx); err != nil {
					return answer{}, err
				}
			}
			added := []string{}
			for _, w := range ws {
				isNew, err := c.store.services.Accounts().Register(ctx, w)
				if err != nil {
					return answer{}, noWorkspace(err, w)
				}
				if isNew {
					added = append(added, w.String())
				}
			}
			return answer{
				json: map[string]any{"registered": added},
				text: func(out io.Writer) {
					fmt.Fprintf(out, "%s registered, of %d looked at.\n", counted(len(added), "workspace", "workspaces"), len(ws))
				},
			}, nil
		},
	}
}

// workspace is the one that the first operand names, as it is now.
func (c *call) workspace(ctx context.Context) (account.Workspace, error) {
	if len(c.operands) == 0 {
		return account.Workspace{}, usage("which workspace? `assetry workspace list` shows all")
	}
	ws, err := workspaceIDs(c.operands)
	if err != nil {
		return account.Workspace{}, err
	}
	w, err := c.store.services.Accounts().Workspace(ctx, ws[0])
	return w, noWorkspace(err, ws[0])
}

func workspaceIDs(texts []string) (ws []id.Workspace, err error) {
	for _, text := range texts {
		w, err := id.ParseWorkspace(text)
		if err != nil {
			return nil, usage("%q is not the id of a workspace, such as ws_01a1fe9b-804e-77a3-9dd6-58576293f7f3; `assetry workspace list` shows all", text)
		}
		ws = append(ws, w)
	}
	return ws, nil
}

// noWorkspace says that a workspace is missing as an operator needs it said: no key is in play.
func noWorkspace(err error, w id.Workspace) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "There is no workspace %s here; `assetry workspace list` shows all.", w)
	}
	return err
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
