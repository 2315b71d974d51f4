package asset

import (
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Key names the row of the asset.
func (a Asset) Key() table.Key { return schema.AssetKey(a.Workspace, a.Shard, a.ID) }

// Row is the item that keeps the asset; FromRow reads it back. Attributes without a value are left out.
func (a Asset) Row() table.Item {
	k := a.Key()
	it := table.Item{
		table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK),
		schema.Version:    table.Int(a.Version),
		schema.State:      table.String(a.State),
		schema.Generation: table.Int(int64(a.Generation)),
		schema.Via:        table.String(a.Via),
		schema.CreatedBy:  table.String(a.CreatedBy.String()),
	}
	putString(it, schema.Name, a.Name)
	putString(it, schema.Description, a.Description)
	putString(it, schema.Declared, a.Declared)
	putString(it, schema.Type, a.Type)
	putString(it, schema.ETag, a.ETag)
	putString(it, schema.Object, a.Object)
	putString(it, schema.Failure, a.Failure)
	putString(it, schema.Cause, string(a.Cause))
	putInt(it, schema.Size, a.Size)
	putString(it, schema.Upload, a.Upload)
	putString(it, schema.Checksum, a.Checksum.String())
	putInt(it, schema.PartSize, a.PartSize)
	putInt(it, schema.PartCount, int64(a.Parts))
	putInt(it, schema.MaxSize, a.MaxSize)
	putString(it, schema.Format, a.Format)
	putInt(it, schema.Expected, a.Expected)
	putInt(it, schema.Received, a.Received)
	putInt(it, schema.Width, int64(a.Width))
	putInt(it, schema.Height, int64(a.Height))
	if a.Folder != (id.Folder{}) {
		it[schema.Folder] = table.String(a.Folder.String())
	}
	if a.Project != (id.Project{}) {
		it[schema.Project] = table.String(a.Project.String())
	}
	putString(it, schema.Orders, string(a.Orders))
	if a.LeftOrder != (id.Order{}) {
		it[schema.LeftOrder] = table.String(a.LeftOrder.String())
	}
	if !a.EditedAt.IsZero() {
		it[schema.EditedAt] = table.Int(a.EditedAt.UnixMilli())
	}
	if !a.GrantUntil.IsZero() {
		it[schema.GrantUntil] = table.Int(a.GrantUntil.Unix())
	}
	return it
}

func putString(it table.Item, attr, s string) {
	if s != "" {
		it[attr] = table.String(s)
	}
}

func putInt(it table.Item, attr string, n int64) {
	if n != 0 {
		it[attr] = table.Int(n)
	}
}

// FromRow reads an item. The error says that the item is no asset, which for rows under asset keys is a bug.
func FromRow(it table.Item) (Asset, error) {
	w, shard, aid, ok := schema.ParseAssetKey(it.Key())
	if !ok {
		return Asset{}, fmt.Errorf("row %s is not an asset", it.Key())
	}
	a := Asset{
		ID: aid, Workspace: w, Shard: shard,
		Version:     it.Int(schema.Version),
		State:       State(it.Str(schema.State)),
		Generation:  int(it.Int(schema.Generation)),
		Name:        it.Str(schema.Name),
		Description: it.Str(schema.Description),
		Via:         Via(it.Str(schema.Via)),
		Declared:    it.Str(schema.Declared),
		Type:        it.Str(schema.Type),
		Size:        it.Int(schema.Size),
		Width:       int(it.Int(schema.Width)),
		Height:      int(it.Int(schema.Height)),
		ETag:        it.Str(schema.ETag),
		Object:      it.Str(schema.Object),
		Upload:      it.Str(schema.Upload),
		PartSize:    it.Int(schema.PartSize),
		Parts:       int(it.Int(schema.PartCount)),
		MaxSize:     it.Int(schema.MaxSize),
		Format:      it.Str(schema.Format),
		Expected:    it.Int(schema.Expected),
		Received:    it.Int(schema.Received),
		Failure:     it.Str(schema.Failure),
		Cause:       Cause(it.Str(schema.Cause)),
	}
	if s := it.Int(schema.GrantUntil); s != 0 {
		a.GrantUntil = time.Unix(s, 0).UTC()
	}
	if ms := it.Int(schema.EditedAt); ms != 0 {
		a.EditedAt = time.UnixMilli(ms).UTC()
	}
	var err error
	if a.Checksum, err = blob.ParseChecksum(it.Str(schema.Checksum)); err != nil {
		return a, fmt.Errorf("row %s: %w", it.Key(), err)
	}
	return a, a.readIDs(it)
}

// readIDs reads the ids that a row may hold besides its key.
func (a *Asset) readIDs(it table.Item) (err error) {
	if a.CreatedBy, err = id.ParseKey(it.Str(schema.CreatedBy)); err != nil {
		return fmt.Errorf("row %s: %s: %w", it.Key(), schema.CreatedBy, err)
	}
	if s := it.Str(schema.Folder); s != "" {
		if a.Folder, err = id.ParseFolder(s); err != nil {
			return fmt.Errorf("row %s: %s: %w", it.Key(), schema.Folder, err)
		}
	}
	if s := it.Str(schema.Project); s != "" {
		if a.Project, err = id.ParseProject(s); err != nil {
			return fmt.Errorf("row %s: %s: %w", it.Key(), schema.Project, err)
		}
	}
	if s := it.Str(schema.LeftOrder); s != "" {
		if a.LeftOrder, err = id.ParseOrder(s); err != nil {
			return fmt.Errorf("row %s: %s: %w", it.Key(), schema.LeftOrder, err)
		}
	}
	a.Orders, err = parseOrders(it.Str(schema.Orders))
	if err != nil {
		return fmt.Errorf("row %s: %s: %w", it.Key(), schema.Orders, err)
	}
	return nil
}
