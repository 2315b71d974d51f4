package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/reconcile"
)

// reconciling is one run of reconcile.
type reconciling struct {
	apply   bool
	unknown bool
	tell    string
	cursor  string
	pages   int

	sum    reconcile.Report
	next   reconcile.Cursor
	done   int // workspaces
	broken error
}

func reconcileAll() command {
	r := &reconciling{}
	return command{
		name: "reconcile", operands: "[WORKSPACE ...]", most: 100, brief: "put right what was lost while the table's stream was cut off", needs: needBucket,
		text: "The stream forgets a change after 24 hours, and its consumers give one up after 12. This compares rows with what follows them: it settles\n" +
			"uploads whose time has passed, removes bytes, parts and items that no row names, brings the search index up to the rows, and tells others\n" +
			"again how assets stand. It only says what it would do unless --apply is given; it may run beside the product, be cut off, and be\n" +
			"repeated.\n\n" +
			"Events go to the bus again, and to webhooks, only with --tell-since: of assets that may have changed since then, with the id and version\n" +
			"of their present row. Repeat a run with the same time, and each webhook hears of an asset once. The end of an asset whose bytes are gone\n" +
			"already cannot be told again.",
		examples: []string{"assetry reconcile", "assetry reconcile --apply", "assetry reconcile --apply --tell-since 2026-11-20T08:00:00Z"},
		flags:    r.declare,
		run: func(ctx context.Context, c *call) (answer, error) {
			o, err := r.options(c)
			if err != nil {
				return answer{}, err
			}
			if err := r.all(ctx, c, o); err != nil {
				return answer{}, err
			}
			if r.broken != nil && r.sum == (reconcile.Report{}) {
				return answer{}, r.broken
			}
			return r.answer(), r.broken
		},
	}
}

func (r *reconciling) declare(f *flag.FlagSet) {
	f.BoolVar(&r.apply, "apply", false, "do it, instead of saying what would be done")
	f.StringVar(&r.tell, "tell-since", "", "tell again of assets that may have changed since this `time`, such as 2026-11-20T08:00:00Z")
	f.BoolVar(&r.unknown, "remove-unknown", false, "with --apply, also remove bytes that neither a row nor the memory of a deleted asset explains")
	f.StringVar(&r.cursor, "cursor", "", "go on from the `cursor` that a run gave which did not come to its end")
	f.IntVar(&r.pages, "pages", 0, "stop after `so many` pages, each a hundred rows or a 256th of a workspace's objects")
}

// options read the flags.
func (r *reconciling) options(c *call) (o reconcile.Options, err error) {
	o.Apply, o.Unknown = r.apply, r.unknown
	if r.tell != "" {
		if o.Tell, err = time.Parse(time.RFC3339, r.tell); err != nil {
			return o, usage("--tell-since %q is no time such as 2026-11-20T08:00:00Z", r.tell)
		}
		if c.store.services.Bus() == nil {
			return o, usage("--tell-since needs the bus: give --stack, or --bus")
		}
	}
	if r.unknown && r.apply {
		return o, c.confirm("Remove bytes that nothing is known of? A table that was restored knows nothing of what came after its backup.")
	}
	return o, nil
}

// all reconciles the workspaces that are named, or all, from the cursor on. Its error is of what cannot begin; broken is why a page failed.
func (r *reconciling) all(ctx context.Context, c *call, o reconcile.Options) error {
	ws, err := c.these(ctx)
	if err != nil {
		return err
	}
	if ws, err = r.from(ws); err != nil {
		return err
	}
	s := c.store.services
	service := reconcile.New(reconcile.Parts{
		Table: s.Table(), Accounts: s.Accounts(), Assets: s.Assets(), Uploads: s.Uploads(), Folders: s.Folders(), Search: s.Search(), Bus: s.Bus(),
	}, o)
	_, told := c.progress(ctx, "reconciling")
	defer told("")
	for i, w := range ws {
		if r.next.Workspace != w {
			r.next = reconcile.Begin(w)
		}
		if whole := r.workspace(ctx, service, func() {
			told(fmt.Sprintf("workspace %d of %d, %s, %s of the bucket", i+1, len(ws), counted(r.sum.Assets, "asset", "assets"), counted(r.sum.Objects, "object", "objects")))
		}); !whole {
			return nil
		}
		r.done++
	}
	r.next = reconcile.Cursor{}
	return nil
}

// from leaves out the workspaces before the cursor's.
func (r *reconciling) from(ws []id.Workspace) ([]id.Workspace, error) {
	if r.cursor == "" {
		return ws, nil
	}
	var err error
	if r.next, err = reconcile.ParseCursor(r.cursor); err != nil {
		return nil, err
	}
	for i, w := range ws {
		if w == r.next.Workspace {
			return ws[i:], nil
		}
	}
	return nil, usage("the cursor is of workspace %s, which is not among those to reconcile", r.next.Workspace)
}

// workspace goes through one, page by page; false says that it stopped before the end.
func (r *reconciling) workspace(ctx context.Context, s *reconcile.Service, told func()) bool {
	for {
		page, next, done, err := s.Page(ctx, r.next)
		r.sum.Add(page)
		if err != nil {
			r.broken = noWorkspace(err, r.next.Workspace)
			return false
		}
		if r.next = next; done {
			return true
		}
		told()
		if r.pages--; r.pages == 0 {
			return false
		}
	}
}

func (r *reconciling) answer() answer {
	cursor := ""
	if r.next != (reconcile.Cursor{}) {
		cursor = r.next.String()
	}
	return answer{
		json: map[string]any{"applied": r.apply, "workspaces": r.done, "report": r.sum, "cursor": cursor},
		text: func(out io.Writer) { r.print(out, cursor) },
	}
}

// print says what was done, or would be.
func (r *reconciling) print(out io.Writer, cursor string) {
	fmt.Fprintf(out, "%s of %s and %s of the bucket compared.\n", counted(r.sum.Assets, "asset", "assets"), counted(r.done, "workspace", "workspaces"), counted(r.sum.Objects, "object", "objects"))
	title := "Would be done:"
	if r.apply {
		title = "Done:"
	}
	any := false
	for _, line := range []struct {
		verb string
		n    int
		what string
	}{
		{"settled", r.sum.Settled, "uploads whose time had passed"},
		{"told again", r.sum.Told, "events"},
		{"indexed", r.sum.Indexed, "assets of which searches missed something"},
		{"removed", r.sum.Versions, fmt.Sprintf("versions of objects, %d bytes", r.sum.Bytes)},
		{"dropped", r.sum.Uploads, "uploads by parts"},
		{"forgotten", r.sum.Imports, "imports that were over"},
		{"emptied", r.sum.Folders, "deleted folders"},
		{"left", r.sum.Unknown, "objects of which nothing is known; --remove-unknown removes them"},
		{"left", r.sum.Unreadable, "rows that cannot be read"},
	} {
		if line.n == 0 {
			continue
		}
		if !any {
			fmt.Fprintln(out, title)
		}
		any = true
		fmt.Fprintf(out, "  %-10s  %6d  %s\n", line.verb, line.n, line.what)
	}
	switch {
	case cursor != "":
		fmt.Fprintf(out, "It did not come to its end. Go on with --cursor %s\n", cursor)
	case !any:
		fmt.Fprintln(out, "Nothing is amiss.")
	case !r.apply:
		fmt.Fprintln(out, "Nothing was changed: --apply does it.")
	}
}
