package asset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
)

// Query asks for a page of a list, newest first.
type Query struct {
	Workspace id.Workspace // zero: all of the principal's workspaces, merged by time
	Project   id.Project   // zero: on any project or none
	Search    string       // every word is the beginning of a word of name or description; "" finds everything
	Cursor    string       // Page.Next of the page before, for the same query; "" is the first page
	Limit     int          // 1 to page.MaxLimit
}

// Page is one page of a list: exactly Limit assets unless the list or, in a search, the reading budget ended. An empty page
// has no Next.
type Page struct {
	Assets []Asset
	Next   string // "" at the end
}

// position is what a cursor holds: the last asset that was examined.
type position struct {
	Asset     id.Asset     `json:"a"`
	Workspace id.Workspace `json:"w"`
}

// List gives a page of assets, pending and failed ones too, strongly consistent. The errors are fault.NotFound for a workspace
// or project the principal may not see, and fault.Invalid for a bad limit, cursor or search, or a search that found
// nothing within its budget.
func (s *Service) List(ctx context.Context, p access.Principal, q Query) (Page, error) {
	if err := page.CheckLimit(q.Limit); err != nil {
		return Page{}, err
	}
	words, err := searchWords(q.Search)
	if err != nil {
		return Page{}, err
	}
	after, err := s.open(q)
	if err != nil {
		return Page{}, err
	}
	if q.Project == (id.Project{}) && search.Finds(words) {
		if index := s.index(); index != nil {
			return s.look(ctx, p, q, words, after, index)
		}
	}
	size := q.Limit + 1
	if len(words) > 0 {
		size = table.MaxQuery
	}
	stream, err := s.stream(ctx, p, q, after, size)
	if err != nil {
		return Page{}, err
	}
	if len(words) > 0 {
		return s.scan(ctx, q, words, stream)
	}
	return s.fill(ctx, q, stream)
}

// fill takes the first Limit assets of a stream and looks one further.
func (s *Service) fill(ctx context.Context, q Query, m *merge) (Page, error) {
	var pg Page
	for len(pg.Assets) < q.Limit {
		a, ok, err := m.Next(ctx)
		if err != nil || !ok {
			return pg, err
		}
		pg.Assets = append(pg.Assets, a)
	}
	more, err := m.More(ctx)
	if err != nil {
		return Page{}, err
	}
	if more {
		pg.Next = s.seal(q, positionOf(pg.Assets[q.Limit-1]))
	}
	return pg, nil
}

// scope binds a cursor to its query: a cursor of one list opens no other.
func (q Query) scope() string {
	return "assets\x00" + q.Workspace.String() + "\x00" + q.Project.String() + "\x00" + q.Search
}

func positionOf(a Asset) position { return position{a.ID, a.Workspace} }

func (s *Service) seal(q Query, at position) string {
	b, err := json.Marshal(at)
	if err != nil {
		panic("position: " + err.Error()) // arrays of bytes always marshal
	}
	return s.sealer.Seal(q.scope(), b)
}

// open reads the cursor of a query; nil is the beginning.
func (s *Service) open(q Query) (*position, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	b, err := s.sealer.Open(q.scope(), q.Cursor)
	if err != nil {
		return nil, err
	}
	var pos position
	if err := json.Unmarshal(b, &pos); err != nil {
		return nil, page.ErrCursor
	}
	return &pos, nil
}

// source is one partition that a list reads, newest first; merge gives the assets of several in one order: greatest (id, workspace) first.
type (
	source = page.Source[Asset]
	merge  = page.Merge[Asset]
)

func newer(a, b Asset) bool {
	if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
		return c > 0
	}
	return bytes.Compare(a.Workspace[:], b.Workspace[:]) > 0
}

func rowsAsAssets(_ context.Context, items []table.Item) ([]Asset, error) {
	return appendRows(make([]Asset, 0, len(items)), items)
}

// stream gives the assets a query ranges over, newest first, after a position, reading about size rows of each source at once.
func (s *Service) stream(ctx context.Context, p access.Principal, q Query, after *position, size int) (*merge, error) {
	if q.Project != (id.Project{}) {
		return s.projectStream(ctx, p, q, after, size)
	}
	places, err := s.places(ctx, p, q, after)
	if err != nil {
		return nil, err
	}
	sources := make([]*source, len(places))
	for i, at := range places {
		sources[i] = &source{Query: table.Query{
			PK: schema.AssetPartition(at.Workspace, at.Shard), To: at.Before, Descending: true,
		}, Load: rowsAsAssets}
	}
	return page.NewMerge(s.table, sources, size, newer), nil
}

// places are the partitions of assets that a query without a project ranges over.
func (s *Service) places(ctx context.Context, p access.Principal, q Query, after *position) ([]search.Place, error) {
	list := p.Workspaces()
	if q.Workspace != (id.Workspace{}) {
		list = []id.Workspace{q.Workspace}
	}
	var places []search.Place
	for _, w := range list {
		if err := access.Authorize(p, access.ListAssets, w); err != nil {
			return nil, err
		}
		ws, err := s.workspaces.Workspace(ctx, w)
		if err != nil {
			return nil, err
		}
		for shard := range ws.MaxShards() {
			places = append(places, search.Place{Workspace: w, Shard: shard, Before: upTo("", w, after)})
		}
	}
	return places, nil
}

// projectStream gives the assets on a project, through the rows that put them there.
func (s *Service) projectStream(ctx context.Context, p access.Principal, q Query, after *position, size int) (*merge, error) {
	w, err := s.projectWorkspace(ctx, p, q.Project)
	if err != nil {
		return nil, err
	}
	if q.Workspace != (id.Workspace{}) && q.Workspace != w {
		return nil, access.Missing("project")
	}
	to := upTo(schema.ProjectAssetPrefix, w, after)
	if after == nil {
		to = schema.AfterPrefix(schema.ProjectAssetPrefix)
	}
	src := &source{
		Query: table.Query{PK: q.Project.String(), From: schema.ProjectAssetPrefix, To: to, Descending: true},
		Load:  func(ctx context.Context, items []table.Item) ([]Asset, error) { return s.onProject(ctx, w, items) },
	}
	return page.NewMerge(s.table, []*source{src}, size, newer), nil
}

// projectWorkspace finds which of the principal's workspaces a project is in.
func (s *Service) projectWorkspace(ctx context.Context, p access.Principal, pr id.Project) (id.Workspace, error) {
	for _, w := range p.Tagged(pr.Tag()) {
		if err := access.Authorize(p, access.ListAssets, w); err != nil {
			return w, err
		}
		_, err := s.table.Get(ctx, schema.ProjectKey(w, pr), table.Strong)
		if err == nil {
			return w, nil
		}
		if !errors.Is(err, table.ErrNotFound) {
			return w, fmt.Errorf("read project %s: %w", pr, err)
		}
	}
	return id.Workspace{}, access.Missing("project")
}

// onProject reads the assets that rows of a project name; deleted ones are left out.
func (s *Service) onProject(ctx context.Context, w id.Workspace, items []table.Item) ([]Asset, error) {
	ids := make([]id.Asset, len(items))
	for i, it := range items {
		a, err := id.ParseAsset(it.Key().SK[len(schema.ProjectAssetPrefix):])
		if err != nil {
			return nil, err
		}
		ids[i] = a
	}
	return s.FindAll(ctx, w, ids)
}

// upTo is the sort key before which a source goes on after a position. Assets are in order of (id, workspace), greatest first.
func upTo(prefix string, w id.Workspace, after *position) string {
	if after == nil {
		return ""
	}
	key := prefix + after.Asset.String()
	if w.String() < after.Workspace.String() {
		key += "\x00" // this workspace's asset of the same id is still to come
	}
	return key
}
