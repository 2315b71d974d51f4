package project

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Node is an asset's place on a project.
type Node struct {
	ID      id.Node
	Project id.Project
	Asset   id.Asset
}

// NodePut is the write that puts an asset on a project unless it is there; for transactions that create an asset on a project.
func NodePut(prj id.Project, a id.Asset, n id.Node) table.Write {
	k := schema.ProjectAssetKey(prj, a)
	return table.Put(table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.NodeID:    table.String(n.String()),
		schema.OnAsset:   table.String(a.String()),
		schema.OnProject: table.String(prj.String()),
	}, table.Absent())
}

// Attach puts an asset on a project of the same workspace. An asset is on a project once: again, and of many at once, all get the same
// node. A project or an asset that is not there is fault.NotFound; one of another workspace is fault.Invalid.
func (s *Service) Attach(ctx context.Context, p access.Principal, prj id.Project, a id.Asset) (Node, error) {
	found, err := s.Get(ctx, p, prj)
	if err != nil {
		return Node{}, err
	}
	if err := access.Authorize(p, access.AttachAsset, found.Workspace); err != nil {
		return Node{}, err
	}
	as, err := s.assets.Get(ctx, p, a)
	if err != nil {
		return Node{}, err
	}
	if as.Workspace != found.Workspace {
		return Node{}, fault.BadField("asset_id", "asset %s is in workspace %s, but project %s is in %s; attach it to a project of its own workspace",
			a, as.Workspace, prj, found.Workspace)
	}
	n := Node{ID: id.NewNode(found.Workspace, s.now()), Project: prj, Asset: a}
	_, err = s.t.Write(ctx, NodePut(prj, a, n.ID))
	if current, lost := table.Lost(err); lost {
		return decodeNode(prj, current)
	}
	if err != nil {
		return Node{}, fmt.Errorf("attach asset %s to project %s: %w", a, prj, err)
	}
	return n, nil
}

func decodeNode(prj id.Project, it table.Item) (Node, error) {
	n, err := id.ParseNode(it.Str(schema.NodeID))
	if err != nil {
		return Node{}, fmt.Errorf("row of an asset on a project %s: node: %w", it.Key(), err)
	}
	a, err := id.ParseAsset(it.Str(schema.OnAsset))
	if err != nil {
		return Node{}, fmt.Errorf("row of an asset on a project %s: asset: %w", it.Key(), err)
	}
	return Node{ID: n, Project: prj, Asset: a}, nil
}
