package asset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
)

// Workspaces finds workspaces; account.Service does. The answer may be seconds old. The error is fault.NotFound when there is
// none.
type Workspaces interface {
	Workspace(ctx context.Context, w id.Workspace) (account.Workspace, error)
}

// Folders finds or makes the folder a client refers to; folder.Service does.
type Folders interface {
	Resolve(ctx context.Context, p access.Principal, w id.Workspace, ref string) (id.Folder, error)
}

// Holds knows which orders hold their inputs and deliverables; order.Service does.
type Holds interface {
	// Holding gives the first of some orders of a workspace that holds its assets at this moment; held is false when none does.
	Holding(ctx context.Context, w id.Workspace, orders []id.Order) (o id.Order, held bool, err error)
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now        func() time.Time       // nil is time.Now
	Folders    Folders                // nil where no asset is put into a folder by Update
	Index      func() *search.Service // asked for by the first search; nil, or what gives nil: searches read rows
	Holds      Holds                  // nil: nobody holds an asset
	SearchRows int                    // rows one search page reads at most; 0 is page.SearchRows
	SearchTime time.Duration          // how long one search page may read; 0 is page.SearchTime
}

// Service reads, lists, changes and deletes assets. Safe for concurrent use.
type Service struct {
	table      table.Table
	workspaces Workspaces
	sealer     *page.Sealer
	folders    Folders
	index      func() *search.Service
	holds      Holds
	now        func() time.Time
	searchRows int
	searchTime time.Duration
}

// New makes a Service.
func New(t table.Table, ws Workspaces, sealer *page.Sealer, o Options) *Service {
	s := &Service{t, ws, sealer, o.Folders, o.Index, o.Holds, o.Now, o.SearchRows, o.SearchTime}
	if s.now == nil {
		s.now = time.Now
	}
	if s.index == nil {
		s.index = func() *search.Service { return nil }
	}
	if s.searchRows == 0 {
		s.searchRows = page.SearchRows
	}
	if s.searchTime == 0 {
		s.searchTime = page.SearchTime
	}
	return s
}

// Missing is the answer for an asset that does not exist or that the caller may not see.
func Missing() *fault.Error { return access.Missing("asset") }

// Get finds an asset of one of the caller's workspaces, as it is now. The error is fault.NotFound when there is none that the
// principal may read.
func (s *Service) Get(ctx context.Context, p access.Principal, a id.Asset) (Asset, error) {
	return s.Allowed(ctx, p, access.ReadAsset, a)
}

// Allowed finds an asset that the principal may do something to. The errors are fault.NotFound and fault.Forbidden. An
// id names its workspace by a tag: of the principal's workspaces those with the tag are read, in practice one.
func (s *Service) Allowed(ctx context.Context, p access.Principal, do access.Action, a id.Asset) (Asset, error) {
	for _, w := range p.Tagged(a.Tag()) {
		found, err := s.Find(ctx, w, a)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return Asset{}, err
		}
		return found, access.Authorize(p, do, w)
	}
	return Asset{}, Missing()
}

// Find reads an asset of a workspace on nobody's behalf, strongly consistent: for events, links and workers. The
// error is fault.NotFound.
func (s *Service) Find(ctx context.Context, w id.Workspace, a id.Asset) (Asset, error) {
	k, err := s.Key(ctx, w, a)
	if err != nil {
		return Asset{}, err
	}
	it, err := s.table.Get(ctx, k, table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Asset{}, Missing()
	}
	if err != nil {
		return Asset{}, fmt.Errorf("find asset %s: %w", a, err)
	}
	return FromRow(it)
}

// FindAll reads assets of a workspace on nobody's behalf, in the order asked for; missing ones are left out.
func (s *Service) FindAll(ctx context.Context, w id.Workspace, ids []id.Asset) ([]Asset, error) {
	out := make([]Asset, 0, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), table.MaxBatchGet)
		keys := make([]table.Key, n)
		for i, a := range ids[:n] {
			k, err := s.Key(ctx, w, a)
			if err != nil {
				return nil, err
			}
			keys[i] = k
		}
		items, err := s.table.BatchGet(ctx, keys, table.Strong)
		if err != nil {
			return nil, fmt.Errorf("find %d assets: %w", n, err)
		}
		if out, err = appendRows(out, items); err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}

func appendRows(out []Asset, items []table.Item) ([]Asset, error) {
	for _, it := range items {
		if it == nil {
			continue
		}
		a, err := FromRow(it)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Key is where the row of an asset is: its shard follows from the workspace's record and the id. The error is fault.NotFound for a
// workspace that does not exist.
func (s *Service) Key(ctx context.Context, w id.Workspace, a id.Asset) (table.Key, error) {
	ws, err := s.workspaces.Workspace(ctx, w)
	if err != nil {
		return table.Key{}, err
	}
	return schema.AssetKey(w, ws.Shard(a), a), nil
}
