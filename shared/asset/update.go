package asset

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// MaxDescription is the longest description of an asset, in characters. A row with a name of 255 letters and no description has under 1 KB and
// costs one unit a write; a description of 1,000 letters makes it two, and one of 1,000 characters of four bytes five or six.
const MaxDescription = 1_000

// Change is what an Update changes. What is nil stays as it is; "" takes the name, the description or the folder away.
type Change struct {
	Name        *string // 1 to name.Max characters
	Description *string // up to MaxDescription characters
	Folder      *string // id or name of a library folder of the asset's workspace; a name that none has is created
}

// Update changes what people say of an asset, in whatever state it is, and gives the asset as it is then. A change that is there already writes
// nothing. ifVersion binds it to a version of the row; 0 takes any. It touches none of what an upload or an import writes, and they
// nothing of this, so that both survive where they meet.
//
// The errors are fault.NotFound, fault.Forbidden, fault.Invalid about the fields "name", "description" and "folder", and fault.Stale,
// which names the present version, where that is not ifVersion. Nothing is written then, but for a folder that had to be made before the
// race for the row was lost.
func (s *Service) Update(ctx context.Context, p access.Principal, a id.Asset, c Change, ifVersion int64) (Asset, error) {
	if err := c.check(); err != nil {
		return Asset{}, err
	}
	found, err := s.Allowed(ctx, p, access.UpdateAsset, a)
	if err != nil {
		return Asset{}, err
	}
	if ifVersion != 0 && found.Version != ifVersion {
		return Asset{}, stale(found.Version, ifVersion)
	}
	wanted, err := s.changed(ctx, p, found, c)
	if err != nil {
		return Asset{}, err
	}
	if wanted == found {
		return found, nil
	}
	held := table.Present()
	if ifVersion != 0 {
		held = table.Eq(schema.Version, table.Int(ifVersion))
	}
	it, err := s.table.Write(ctx, table.Update(found.Key(), held, s.edits(wanted, c)...))
	if current, lost := table.Lost(err); lost {
		if current == nil {
			return Asset{}, Missing()
		}
		return Asset{}, stale(current.Int(schema.Version), ifVersion)
	}
	if err != nil {
		return Asset{}, fmt.Errorf("update asset %s: %w", a, err)
	}
	return FromRow(it)
}

// check holds the texts of a change against the rules of a create.
func (c Change) check() error {
	var bad []fault.Field
	if c.Name != nil && *c.Name != "" {
		bad = fault.FieldsOf(name.Check("name", *c.Name, name.Max))
	}
	if c.Description != nil {
		bad = append(bad, fault.FieldsOf(name.CheckText("description", *c.Description, MaxDescription))...)
	}
	return fault.BadFields(bad)
}

// changed is the asset as it is to become.
func (s *Service) changed(ctx context.Context, p access.Principal, a Asset, c Change) (Asset, error) {
	if c.Name != nil {
		a.Name = *c.Name
	}
	if c.Description != nil {
		a.Description = *c.Description
	}
	if c.Folder == nil {
		return a, nil
	}
	a.Folder = id.Folder{}
	if *c.Folder == "" {
		return a, nil
	}
	var err error
	a.Folder, err = s.folders.Resolve(ctx, p, a.Workspace, *c.Folder)
	return a, err
}

// edits write all that the change names, also what was found to be so already: another change may come in between.
func (s *Service) edits(wanted Asset, c Change) []table.Edit {
	es := []table.Edit{
		table.Add(schema.Version, table.Int(1)),
		table.Set(schema.EditedAt, table.Int(s.now().UnixMilli())),
	}
	if c.Name != nil {
		es = append(es, setOrRemove(schema.Name, wanted.Name))
	}
	if c.Description != nil {
		es = append(es, setOrRemove(schema.Description, wanted.Description))
	}
	switch {
	case c.Folder == nil:
	case wanted.Folder == id.Folder{}:
		es = append(es, table.Remove(schema.Folder))
	default:
		es = append(es, table.Set(schema.Folder, table.String(wanted.Folder.String())))
	}
	return es
}

func setOrRemove(attr, s string) table.Edit {
	if s == "" {
		return table.Remove(attr)
	}
	return table.Set(attr, table.String(s))
}

func stale(version, wanted int64) error {
	return fault.New(fault.Stale, "The asset is at version %d, not %d: somebody changed it. Read it again, and repeat the change on what it is now.", version, wanted)
}
