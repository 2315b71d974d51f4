package asset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// maxSearch is the longest search text, in characters.
const maxSearch = 1000

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
	size := q.Limit + 1
	if len(words) > 0 {
		size = table.MaxQuery
	}
	stream, err := s.stream(ctx, p, q, after, size)
	if err != nil {
		return Page{}, err
	}
	if len(words) > 0 {
		return s.search(ctx, q, words, stream)
	}
	return s.fill(ctx, q, stream)
}

// searchWords folds the words of a search. A search that is given but has no word finds nothing useful and is refused.
func searchWords(search string) ([]string, error) {
	if search == "" {
		return nil, nil
	}
	if err := name.CheckText("query", search, maxSearch); err != nil {
		return nil, err
	}
	words := name.Words(search)
	if len(words) == 0 {
		return nil, fault.BadField("query", "%.40q contains no letter or digit to search for", search)
	}
	return words, nil
}

// fill takes the first Limit assets of a stream and looks one further.
func (s *Service) fill(ctx context.Context, q Query, m *merge) (Page, error) {
	var pg Page
	for len(pg.Assets) < q.Limit {
		a, ok, err := m.next(ctx)
		if err != nil || !ok {
			return pg, err
		}
		pg.Assets = append(pg.Assets, a)
	}
	more, err := m.more(ctx)
	if err != nil {
		return Page{}, err
	}
	if more {
		pg.Next = s.seal(q, pg.Assets[q.Limit-1])
	}
	return pg, nil
}

// search takes the first Limit matches of a stream, within the budget of rows and time.
func (s *Service) search(ctx context.Context, q Query, words []string, m *merge) (Page, error) {
	var pg Page
	var last Asset
	rows := 0
	for deadline := s.now().Add(s.searchTime); len(pg.Assets) < q.Limit && !s.spent(rows, deadline); rows++ {
		a, ok, err := m.next(ctx)
		if err != nil || !ok {
			return pg, err
		}
		last = a
		if name.Match(words, a.Name, a.Description) {
			pg.Assets = append(pg.Assets, a)
		}
	}
	more, err := m.more(ctx)
	if err != nil || !more {
		return pg, err
	}
	if len(pg.Assets) == 0 {
		return Page{}, tooWide(rows, last.CreatedAt())
	}
	pg.Next = s.seal(q, last)
	return pg, nil
}

// spent says whether a search that has read some rows must stop; the clock is looked at now and then only.
func (s *Service) spent(rows int, deadline time.Time) bool {
	return rows == s.searchRows || rows%500 == 499 && s.now().After(deadline)
}

func tooWide(rows int, reached time.Time) error {
	return fault.BadField("query", "no match among the %d assets that were looked at (back to %s), which is as far as one search reads; narrow it by workspace_id or project_id",
		rows, reached.Format(time.RFC3339))
}

// scope binds a cursor to its query: a cursor of one list opens no other.
func (q Query) scope() string {
	return "assets\x00" + q.Workspace.String() + "\x00" + q.Project.String() + "\x00" + q.Search
}

func (s *Service) seal(q Query, a Asset) string {
	b, err := json.Marshal(position{a.ID, a.Workspace})
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

// stream gives the assets a query ranges over, newest first, after a position, reading about size rows of each source at once.
func (s *Service) stream(ctx context.Context, p access.Principal, q Query, after *position, size int) (*merge, error) {
	if q.Project != (id.Project{}) {
		return s.projectStream(ctx, p, q, after, size)
	}
	list := p.Workspaces()
	if q.Workspace != (id.Workspace{}) {
		list = []id.Workspace{q.Workspace}
	}
	var sources []*source
	for _, w := range list {
		if err := access.Authorize(p, access.ListAssets, w); err != nil {
			return nil, err
		}
		ws, err := s.workspaces.Workspace(ctx, w)
		if err != nil {
			return nil, err
		}
		for shard := range ws.MaxShards() {
			sources = append(sources, &source{query: table.Query{
				PK: schema.AssetPartition(w, shard), To: upTo("", w, after), Descending: true,
			}, load: rowsAsAssets})
		}
	}
	return newMerge(s.table, sources, size), nil
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
		query: table.Query{PK: q.Project.String(), From: schema.ProjectAssetPrefix, To: to, Descending: true},
		load:  func(ctx context.Context, items []table.Item) ([]Asset, error) { return s.onProject(ctx, w, items) },
	}
	return newMerge(s.table, []*source{src}, size), nil
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
