package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// maxSearchRatio is the bar for a page of a search in a large workspace to one in a small: as for a list page.
const maxSearchRatio = maxListRatio

// What is searched for: every asset is called "photo.png", which are four entries, but for the oldest ones.
const (
	commonSearch = "photo"
	pairSearch   = "phot png"
	rareSearch   = "needle"
	rareAssets   = 10 // so many are called "a needle.png", the oldest ones
)

// catalog is a workspace with its search index, and the same without.
type catalog struct {
	*tenant
	scale
	plain *boot.Services // searches read rows
	index *sqlite.DB
}

// search measures pages of searches in a small and in a large workspace in turns, by the index and by reading rows.
func (b *bench) search(ctx context.Context) (_ result, err error) {
	scales := [2]scale{{1_000, "1,000"}, {1_000_000, "1,000,000"}}
	if b.quick {
		scales[1] = scale{100_000, "100,000"}
	}
	var catalogs [2]*catalog
	for i, scale := range scales {
		c, err := b.newCatalog(ctx, scale)
		if err != nil {
			return result{}, fmt.Errorf("make %s assets with their index: %w", scale.label, err)
		}
		defer func() { err = errors.Join(err, c.db.Close(), c.index.Close()) }()
		catalogs[i] = c
	}
	small, large := "p50 at "+catalogs[0].label, "p50 at "+catalogs[1].label
	res := result{
		Title: "Search page, small and large workspace",
		Notes: []string{
			fmt.Sprintf("Pages of %d by asset.Service on SQLite in this process, one workspace and the other in turns; medians over rounds. "+
				"The name that few have is that of the %d oldest assets.", listPage, rareAssets),
		},
		Columns: []string{small, large, "ratio"},
	}
	for _, m := range []struct {
		name, text string
		scans      bool
	}{
		{"a word that all have", commonSearch, false},
		{"two words that all have", pairSearch, false},
		{"a word that few have", rareSearch, false},
		{"a word that all have, by reading rows", commonSearch, true},
		{"a word that few have, by reading rows", rareSearch, true},
	} {
		b.progress("searching for %s", m.name)
		p, err := b.compareSearches(ctx, catalogs, m.text, m.scans)
		if err != nil {
			return result{}, err
		}
		r := row{Name: m.name, Cells: map[string]quantity{small: {p.small, unitMS}, large: {p.large, unitMS}, "ratio": {p.large / p.small, unitRatio}}}
		if !m.scans {
			r.hold("ratio", maxSearchRatio)
		}
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

// compareSearches takes the first page of a search in one workspace and in the other in turns.
func (b *bench) compareSearches(ctx context.Context, catalogs [2]*catalog, text string, scans bool) (pair, error) {
	rounds, each := b.pick(7, 3), b.pick(100, 50)
	if scans {
		rounds, each = 3, b.pick(20, 5)
	}
	return inTurns(rounds, each, func(i int) (time.Duration, error) { return catalogs[i].search(ctx, text, scans) })
}

// search takes one page. A scan of a large workspace may give up without a match: its answer says so, and its time counts.
func (c *catalog) search(ctx context.Context, text string, scans bool) (time.Duration, error) {
	services := c.Services
	if scans {
		services = c.plain
	}
	began := time.Now()
	p, err := services.Assets().List(ctx, c.principal, asset.Query{Workspace: c.workspace, Search: text, Limit: listPage})
	took := time.Since(began)
	want := listPage
	if text == rareSearch {
		want = rareAssets
	}
	if scans && text == rareSearch {
		return took, nil
	}
	if err != nil || len(p.Assets) != want {
		return 0, fmt.Errorf("a search for %q gave %d assets, want %d: %w", text, len(p.Assets), want, err)
	}
	return took, nil
}

// newCatalog makes a workspace with assets and their index, each in a file of its own.
func (b *bench) newCatalog(ctx context.Context, sc scale) (*catalog, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("search-%d.db", sc.size))
	indexPath := filepath.Join(b.dir, fmt.Sprintf("search-index-%d.db", sc.size))
	t, err := openTenant(ctx, path)
	if err != nil {
		return nil, err
	}
	b.progress("making %s assets", sc.label)
	if err := t.fill(ctx, path, sc.size-rareAssets); err != nil {
		return nil, err
	}
	b.progress("indexing %s assets", sc.label)
	if err := t.fillIndex(ctx, path, indexPath); err != nil {
		return nil, err
	}
	db, plain, err := openTable(path)
	if err != nil {
		return nil, err
	}
	index, err := sqlite.Open(indexPath, sqlite.Options{})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	t.db, t.Services = db, boot.New(engines{db: db, index: index, root: secret.NewRoot()})
	c := &catalog{tenant: t, scale: sc, plain: plain, index: index}
	if err := c.addRare(ctx); err != nil {
		return nil, errors.Join(err, db.Close(), index.Close())
	}
	return c, nil
}

// fillIndex indexes the first of the assets in a file by the product's own code, and copies its entries for the others as fill copies rows.
func (t *tenant) fillIndex(ctx context.Context, path, indexPath string) error {
	ids, err := t.ids(ctx, path)
	if err != nil {
		return err
	}
	index, err := sqlite.Open(indexPath, sqlite.Options{})
	if err != nil {
		return err
	}
	first := t.asset(0)
	if first.ID, err = id.ParseAsset(string(ids[0])); err != nil {
		return errors.Join(err, index.Close())
	}
	services := boot.New(engines{db: t.db, index: index, root: secret.NewRoot()})
	err = services.Search().Apply(ctx, table.Change{Key: first.Key(), New: first.Row()})
	if err := errors.Join(err, index.Close()); err != nil {
		return err
	}
	db, err := bulk(indexPath)
	if err != nil {
		return err
	}
	return errors.Join(copyEntries(ctx, db, ids), db.Close())
}

// ids are those of the assets in a file, oldest first.
func (t *tenant) ids(ctx context.Context, path string) (ids [][]byte, err error) {
	db, err := bulk(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT sk FROM items WHERE pk = ? ORDER BY sk`, []byte(schema.AssetPartition(t.workspace, 0)))
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var sk []byte
		if err := rows.Scan(&sk); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		ids = append(ids, sk)
	}
	return ids, errors.Join(rows.Err(), rows.Close())
}

// entry is an item of the index as it is stored.
type entry struct{ pk, data []byte }

// copyEntries gives all other assets the entries of the first.
func copyEntries(ctx context.Context, db *sql.DB, ids [][]byte) error {
	rows, err := db.QueryContext(ctx, `SELECT pk, data FROM items WHERE sk = ?`, ids[0])
	if err != nil {
		return err
	}
	var entries []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.pk, &e.data); err != nil {
			return errors.Join(err, rows.Close())
		}
		entries = append(entries, e)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	// List by list, so that each grows at its end.
	for _, e := range entries {
		for from := 1; from < len(ids); from += perCommit {
			err := insertSome(ctx, db, from, min(from+perCommit, len(ids)), func(i int) (pk, sk, data []byte) {
				return e.pk, ids[i], bytes.Replace(e.data, ids[0], ids[i], 1)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// addRare writes the oldest assets, through the table and the index.
func (c *catalog) addRare(ctx context.Context) error {
	for i := range rareAssets {
		a := c.asset(-1 - i)
		a.Name = "a needle.png"
		if _, err := c.db.Write(ctx, table.Put(a.Row(), table.Absent())); err != nil {
			return err
		}
		if err := c.Search().Apply(ctx, table.Change{Key: a.Key(), New: a.Row()}); err != nil {
			return err
		}
	}
	return nil
}
