package main

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/polltest"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/sqlite"
)

func TestWhatExpiredIsRemovedFromTheFiles(t *testing.T) {
	began := time.Now()
	var ahead atomic.Int64
	s := &stack{}
	t.Cleanup(s.close)
	db, err := s.open(filepath.Join(t.TempDir(), "t.db"), sqlite.Options{Now: func() time.Time { return began.Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Write(t.Context(), table.Put(table.Item{
		table.AttrPK: table.String("p"), table.AttrSK: table.String("s"), table.AttrExpires: table.Int(began.Add(time.Hour).Unix()),
	}, table.Absent())); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(2 * time.Hour))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go tidy(ctx, db)
	polltest.Eventually(t, "the removal", func() bool {
		cs, _, err := db.Changes(context.Background(), "", 10)
		return err == nil && len(cs) == 2 && cs[1].Expired
	})
}
