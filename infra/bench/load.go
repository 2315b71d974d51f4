package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver of database/sql

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// Rows that one statement and one transaction bring: enough that neither costs much, few enough that the write-ahead log stays small.
const (
	perInsert = 200
	perCommit = 20_000
)

// fill gives the tenant n assets, made a second apart, in a table that is in the file at path and that it closes.
//
// The first is written through the table. The others are copies of its stored form under ids of their own, put into the file past
// table/sqlite: a million rows through transactions of a hundred would take minutes, mostly for the change feed. Copies need only
// that an item is stored in the table "items" with its key spelled out in its data; list counts them all before it measures.
func (t *tenant) fill(ctx context.Context, path string, n int) error {
	first := t.asset(0)
	if _, err := t.db.Write(ctx, table.Put(first.Row(), table.Absent())); err != nil {
		return errors.Join(err, t.db.Close())
	}
	if err := t.db.Close(); err != nil {
		return err
	}
	db, err := bulk(path)
	if err != nil {
		return err
	}
	return errors.Join(t.copyRows(ctx, db, first, n), db.Close())
}

// bulk opens a table's file past table/sqlite. Nothing is synchronised: what fails half-way is thrown away.
func bulk(path string) (*sql.DB, error) {
	q := url.Values{"_pragma": {"synchronous(OFF)", "cache_size(-65536)"}} // KB
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// asset is the i-th of the assets that fill makes. Each differs from the others in its id alone.
func (t *tenant) asset(i int) asset.Asset {
	epoch := time.Unix(1_700_000_000, 0).UTC()
	return asset.Asset{
		ID: id.NewAsset(t.workspace, epoch.Add(time.Duration(i)*time.Second)), Workspace: t.workspace, Version: 2, State: asset.Ready, Generation: 1,
		Name: "photo.png", Via: asset.ViaSigned, CreatedBy: t.principal.Key,
		Declared: "image/png", Type: "image/png", Size: 1 << 20, Width: 1920, Height: 1080,
		ETag: strings.Repeat("0f", 16), Object: strings.Repeat("v", 32), GrantUntil: epoch,
	}
}

func (t *tenant) copyRows(ctx context.Context, db *sql.DB, first asset.Asset, n int) error {
	k := first.Key()
	var data []byte
	err := db.QueryRowContext(ctx, `SELECT data FROM items WHERE pk = ? AND sk = ?`, []byte(k.PK), []byte(k.SK)).Scan(&data)
	if err != nil {
		return fmt.Errorf("find the row to copy: %w", err)
	}
	for from := 1; from < n; from += perCommit {
		err := insertSome(ctx, db, from, min(from+perCommit, n), func(i int) (pk, sk, copied []byte) {
			sk = []byte(t.asset(i).ID.String())
			return []byte(k.PK), sk, bytes.Replace(data, []byte(k.SK), sk, 1)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// insertSome puts the items of some numbers into the file in one transaction.
func insertSome(ctx context.Context, db *sql.DB, from, to int, item func(i int) (pk, sk, data []byte)) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	many, err := tx.PrepareContext(ctx, insert(perInsert))
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	args := make([]any, 0, 3*perInsert)
	for i := from; i < to; i++ {
		pk, sk, data := item(i)
		args = append(args, pk, sk, data)
		switch {
		case len(args) == cap(args):
			_, err = many.ExecContext(ctx, args...)
			args = args[:0]
		case i == to-1:
			_, err = tx.ExecContext(ctx, insert(len(args)/3), args...)
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// insert is the statement for some rows.
func insert(rows int) string {
	return `INSERT INTO items (pk, sk, data) VALUES ` + strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", rows), ", ")
}
