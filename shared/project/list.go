package project

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// scanPage is how many rows a search reads at once: under the megabyte at which DynamoDB ends a page.
const scanPage = 500

// List gives a page of up to limit projects of a workspace, newest first, and the cursor of the next page, "" after the last. Every
// word of the query must begin a word of the name, case and accents aside; "" lists all. A cursor holds for its workspace and
// query, whoever sends it.
//
// A search ends at Options.SearchRows or SearchTime. It then gives what it found with a cursor to go on; if that is nothing, the error
// is fault.Invalid about the query. So is a limit outside 1 to page.MaxLimit, a query over name.Max characters, and a cursor of another list.
func (s *Service) List(ctx context.Context, p access.Principal, w id.Workspace, query, cursor string, limit int) ([]Project, string, error) {
	if err := access.Authorize(p, access.ListProjects, w); err != nil {
		return nil, "", err
	}
	if err := page.CheckLimit(limit); err != nil {
		return nil, "", err
	}
	if err := name.CheckText("query", query, name.Max); err != nil {
		return nil, "", err
	}
	sc := search{w: w, words: name.Words(query), limit: limit, until: s.now().Add(s.searchTime)}
	scope := "projects\x00" + w.String() + "\x00" + strings.Join(sc.words, " ")
	var err error
	if sc.after, err = s.openProject(scope, cursor); err != nil {
		return nil, "", err
	}
	if err := s.scan(ctx, &sc); err != nil {
		return nil, "", err
	}
	if !sc.more {
		return sc.found, "", nil
	}
	if len(sc.found) == 0 {
		return nil, "", fault.BadField("query", "%.60q was not found among %d projects, and no more are looked at in one request; "+
			"list the projects instead", query, sc.seen)
	}
	return sc.found, s.sealer.Seal(scope, sc.last[:]), nil
}

// search is one walk through the projects of a workspace.
type search struct {
	w     id.Workspace
	words []string
	limit int
	after *id.Project // where the walk begins; nil at the newest
	until time.Time

	found []Project
	last  id.Project // the next page begins after it
	seen  int        // rows looked at
	more  bool       // another page may follow: another project was found, or a bound ended the walk
}

// scan walks until one project more than the limit is found, the projects end, or a bound is reached.
func (s *Service) scan(ctx context.Context, sc *search) error {
	size := min(scanPage, s.searchRows)
	if len(sc.words) == 0 {
		size = sc.limit + 1
	}
	q := table.Query{
		PK: schema.WorkspaceKey(sc.w).PK, From: schema.ProjectPrefix, To: schema.AfterPrefix(schema.ProjectPrefix),
		Descending: true, Limit: size,
	}
	if sc.after != nil {
		q.After = &table.Pos{Key: schema.ProjectKey(sc.w, *sc.after)}
	}
	for {
		rows, err := s.t.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("list projects of %s: %w", sc.w, err)
		}
		for _, it := range rows.Items {
			if err := sc.take(it); err != nil || sc.more {
				return err
			}
		}
		if rows.Next == nil {
			return nil
		}
		if sc.seen >= s.searchRows || !s.now().Before(sc.until) {
			sc.more = true
			return nil
		}
		q.After = rows.Next
	}
}

// take looks at one row: a match beyond the limit proves that another page follows and stays for it.
func (sc *search) take(it table.Item) error {
	prj, err := decode(sc.w, it)
	if err != nil {
		return err
	}
	sc.seen++
	matches := name.Match(sc.words, prj.Name)
	if matches && len(sc.found) == sc.limit {
		sc.more = true
		return nil
	}
	if matches {
		sc.found = append(sc.found, prj)
	}
	sc.last = prj.ID
	return nil
}

// openProject reads a cursor of the list of projects; nil for "".
func (s *Service) openProject(scope, cursor string) (*id.Project, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := s.sealer.Open(scope, cursor)
	if err != nil {
		return nil, err
	}
	if len(b) != len(id.Project{}) {
		return nil, page.ErrCursor
	}
	prj := id.Project(b)
	return &prj, nil
}
