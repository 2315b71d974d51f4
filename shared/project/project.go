// Package project holds the projects of a workspace: canvases that assets are attached to.
//
// A project is a row of its workspace's partition; what is on it is one row per asset in a partition of its own, so that a project's assets
// are a range read too. Both lists run newest first, by id.
package project

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// maxTries is how often a taken id is drawn again.
const maxTries = 5

// Project is a project as it stands at a version of its row.
type Project struct {
	ID        id.Project
	Workspace id.Workspace
	Name      string
	CreatedAt time.Time // to the millisecond
	Version   int64     // counts the writes of the row, from 1
}

// Assets finds assets.
type Assets interface {
	// Get reads an asset that the principal may see. The error is fault.NotFound when there is none.
	Get(ctx context.Context, p access.Principal, a id.Asset) (asset.Asset, error)
	// FindAll reads up to table.MaxBatchGet assets of a workspace; those that are not there are left out.
	FindAll(ctx context.Context, w id.Workspace, as []id.Asset) ([]asset.Asset, error)
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now        func() time.Time // nil is time.Now
	SearchRows int              // rows that one search looks at, about; 0 is page.SearchRows
	SearchTime time.Duration    // how long one search may look; 0 is page.SearchTime
}

// Service creates, finds and fills projects. Safe for concurrent use.
type Service struct {
	t          table.Table
	assets     Assets
	sealer     *page.Sealer
	now        func() time.Time
	searchRows int
	searchTime time.Duration
}

// New makes a Service on a table.
func New(t table.Table, assets Assets, sealer *page.Sealer, o Options) *Service {
	s := &Service{t, assets, sealer, o.Now, o.SearchRows, o.SearchTime}
	if s.now == nil {
		s.now = time.Now
	}
	if s.searchRows == 0 {
		s.searchRows = page.SearchRows
	}
	if s.searchTime == 0 {
		s.searchTime = page.SearchTime
	}
	return s
}

// Create makes a project. The name is 1 to name.Max characters, else the error is fault.Invalid; several projects may have the same.
func (s *Service) Create(ctx context.Context, p access.Principal, w id.Workspace, title string) (Project, error) {
	return s.CreateAs(ctx, p, Project{Workspace: w, Name: title})
}

// CreateAs is Create under an id that was drawn before, for a request that may be run again: fault.Duplicate when the project exists. A zero
// id is drawn. Only id, workspace and name of the draft count.
func (s *Service) CreateAs(ctx context.Context, p access.Principal, draft Project) (Project, error) {
	if err := access.Authorize(p, access.CreateProject, draft.Workspace); err != nil {
		return Project{}, err
	}
	if err := name.Check("name", draft.Name, name.Max); err != nil {
		return Project{}, err
	}
	given := draft.ID != (id.Project{})
	for range maxTries {
		prj := Project{ID: draft.ID, Workspace: draft.Workspace, Name: draft.Name, Version: 1}
		if !given {
			prj.ID = id.NewProject(draft.Workspace, s.now())
		}
		prj.CreatedAt = prj.ID.Time()
		row := prj.row(p.Key)
		_, err := s.t.Write(ctx, table.Put(row, table.Absent()))
		current, lost := table.Lost(err)
		if lost && given {
			return Project{}, fault.New(fault.Duplicate, "The project %s exists already.", prj.ID)
		}
		if lost && !table.EqualItems(current, row) {
			continue // the drawn id is taken
		}
		if err != nil && !lost {
			return Project{}, fmt.Errorf("create project: %w", err)
		}
		return prj, nil // also when an earlier attempt of the driver had written it and its answer was lost
	}
	return Project{}, errors.New("create project: every id that was drawn is taken")
}

// Get finds a project among the principal's workspaces. The error is fault.NotFound when there is none.
func (s *Service) Get(ctx context.Context, p access.Principal, prj id.Project) (Project, error) {
	for _, w := range p.Tagged(prj.Tag()) {
		if err := access.Authorize(p, access.ReadProject, w); err != nil {
			return Project{}, err
		}
		it, err := s.t.Get(ctx, schema.ProjectKey(w, prj), table.Strong)
		if errors.Is(err, table.ErrNotFound) {
			continue
		}
		if err != nil {
			return Project{}, fmt.Errorf("read project %s: %w", prj, err)
		}
		return decode(w, it)
	}
	return Project{}, access.Missing("project")
}

func (p Project) row(by id.Key) table.Item {
	k := schema.ProjectKey(p.Workspace, p.ID)
	return table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.Name:      table.String(p.Name),
		schema.CreatedBy: table.String(by.String()),
		schema.Version:   table.Int(p.Version),
	}
}

func decode(w id.Workspace, it table.Item) (Project, error) {
	prj, err := id.ParseProject(id.ProjectPrefix + strings.TrimPrefix(it.Str(table.AttrSK), schema.ProjectPrefix))
	if err != nil {
		return Project{}, fmt.Errorf("row of a project %s: %w", it.Key(), err)
	}
	return Project{
		ID: prj, Workspace: w, Name: it.Str(schema.Name), CreatedAt: prj.Time(), Version: it.Int(schema.Version),
	}, nil
}
