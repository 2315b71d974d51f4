// Package folder holds the library folders of a workspace and the texts and assets in them.
//
// Names are unique within a workspace, compared by name.Fold: a folder is two rows that appear and go together, one by id and one by
// name. A folder found by name is therefore one strongly consistent read, and two writers cannot make the same folder twice.
package folder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Folder is a library folder.
type Folder struct {
	ID        id.Folder
	Workspace id.Workspace
	Name      string // as it was first spelled
}

// maxTries is how often what lost to another writer is tried again before the caller hears of it.
const maxTries = 8

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now func() time.Time // nil is time.Now
}

// Service creates, finds and deletes folders. Safe for concurrent use.
type Service struct {
	t   table.Table
	now func() time.Time
}

// New makes a Service on a table.
func New(t table.Table, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{t: t, now: o.Now}
}

// checkName holds a name against the rules. A text that begins like a folder id is always an id, never a name.
func checkName(field, s string) error {
	if err := name.Check(field, s, name.Max); err != nil {
		return err
	}
	if strings.HasPrefix(s, id.FolderPrefix) {
		return fault.BadField(field, "%.60q begins with %q, which only ids do; choose another name", s, id.FolderPrefix)
	}
	return nil
}

// byName finds the folder that holds a name; ok is false when there is none.
func (s *Service) byName(ctx context.Context, w id.Workspace, title string) (f Folder, ok bool, err error) {
	it, err := s.t.Get(ctx, schema.FolderNameKey(w, name.Fold(title)), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Folder{}, false, nil
	}
	if err != nil {
		return Folder{}, false, fmt.Errorf("find folder by name: %w", err)
	}
	f, err = decodeNameRow(w, it)
	return f, err == nil, err
}

// read finds a folder by id, with the version of its row, which every new item counts. The error is fault.NotFound when there is none.
func (s *Service) read(ctx context.Context, w id.Workspace, f id.Folder) (found Folder, version int64, err error) {
	it, err := s.t.Get(ctx, schema.FolderKey(w, f), table.Strong)
	if errors.Is(err, table.ErrNotFound) {
		return Folder{}, 0, access.Missing("folder")
	}
	if err != nil {
		return Folder{}, 0, fmt.Errorf("read folder %s: %w", f, err)
	}
	return Folder{ID: f, Workspace: w, Name: it.Str(schema.Name)}, it.Int(schema.Version), nil
}

// rows are the two rows of a folder.
func (f Folder) rows(by id.Key) (row, nameRow table.Item) {
	k, nk := schema.FolderKey(f.Workspace, f.ID), schema.FolderNameKey(f.Workspace, name.Fold(f.Name))
	row = table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.Name:      table.String(f.Name),
		schema.CreatedBy: table.String(by.String()),
		schema.Version:   table.Int(1),
	}
	nameRow = table.Item{
		table.AttrPK:    table.String(nk.PK),
		table.AttrSK:    table.String(nk.SK),
		schema.Name:     table.String(f.Name),
		schema.FolderID: table.String(f.ID.String()),
	}
	return row, nameRow
}

func decodeNameRow(w id.Workspace, it table.Item) (Folder, error) {
	f, err := id.ParseFolder(it.Str(schema.FolderID))
	if err != nil {
		return Folder{}, fmt.Errorf("row of a folder's name %s: %w", it.Key(), err)
	}
	return Folder{ID: f, Workspace: w, Name: it.Str(schema.Name)}, nil
}
