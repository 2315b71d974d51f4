package project

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// NodeView is a node with the asset on it.
type NodeView struct {
	Node  Node
	Asset asset.Asset
}

// Nodes gives a page of up to limit nodes of a project, newest asset first, and the cursor of the next page, "" after the last. Nodes
// whose asset was deleted are passed over. A limit outside 1 to page.MaxLimit and a cursor of another list are fault.Invalid.
func (s *Service) Nodes(ctx context.Context, p access.Principal, prj id.Project, cursor string, limit int) ([]NodeView, string, error) {
	found, err := s.Get(ctx, p, prj)
	if err != nil {
		return nil, "", err
	}
	if err := page.CheckLimit(limit); err != nil {
		return nil, "", err
	}
	scope := "nodes\x00" + found.Workspace.String() + "\x00" + prj.String()
	after, err := s.openAsset(scope, cursor)
	if err != nil {
		return nil, "", err
	}
	views, err := s.collect(ctx, found, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(views) <= limit {
		return views, "", nil
	}
	last := views[limit-1].Node.Asset
	return views[:limit], s.sealer.Seal(scope, last[:]), nil
}

// collect gives the next n nodes after an asset (nil: from the newest) whose asset is there; fewer only at the end.
func (s *Service) collect(ctx context.Context, prj Project, after *id.Asset, n int) ([]NodeView, error) {
	q := table.Query{
		PK: prj.ID.String(), From: schema.ProjectAssetPrefix, To: schema.AfterPrefix(schema.ProjectAssetPrefix),
		Descending: true, Limit: min(n, table.MaxBatchGet),
	}
	if after != nil {
		q.After = &table.Pos{Key: schema.ProjectAssetKey(prj.ID, *after)}
	}
	var views []NodeView
	for {
		rows, err := s.t.Query(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list nodes of project %s: %w", prj.ID, err)
		}
		more, err := s.view(ctx, prj, rows.Items)
		if err != nil {
			return nil, err
		}
		views = append(views, more...)
		if len(views) >= n {
			return views[:n], nil
		}
		if rows.Next == nil {
			return views, nil
		}
		q.After = rows.Next
		q.Limit = min(n-len(views), table.MaxBatchGet)
		if len(more) < len(rows.Items) {
			q.Limit = table.MaxBatchGet // assets were deleted here: more of them may be
		}
	}
}

// view joins rows with their assets, in the order of the rows, and leaves out those whose asset is gone.
func (s *Service) view(ctx context.Context, prj Project, rows []table.Item) ([]NodeView, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	nodes, ids := make([]Node, len(rows)), make([]id.Asset, len(rows))
	for i, it := range rows {
		n, err := decodeNode(prj.ID, it)
		if err != nil {
			return nil, err
		}
		nodes[i], ids[i] = n, n.Asset
	}
	as, err := s.assets.FindAll(ctx, prj.Workspace, ids)
	if err != nil {
		return nil, fmt.Errorf("read assets of project %s: %w", prj.ID, err)
	}
	byID := make(map[id.Asset]asset.Asset, len(as))
	for _, a := range as {
		byID[a.ID] = a
	}
	views := make([]NodeView, 0, len(nodes))
	for _, n := range nodes {
		if a, ok := byID[n.Asset]; ok {
			views = append(views, NodeView{Node: n, Asset: a})
		}
	}
	return views, nil
}

// openAsset reads a cursor of the list of nodes; nil for "".
func (s *Service) openAsset(scope, cursor string) (*id.Asset, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := s.sealer.Open(scope, cursor)
	if err != nil {
		return nil, err
	}
	if len(b) != len(id.Asset{}) {
		return nil, page.ErrCursor
	}
	a := id.Asset(b)
	return &a, nil
}
