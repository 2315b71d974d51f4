package folder

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Limits of an item, in characters. The text is a note or a prompt, not a document; an item stays far under the table's 400 KB.
const (
	MaxText        = 10_000
	MaxDescription = 1_000
)

// Types of items.
const (
	TypeText  = "text"  // Text is what it says
	TypeImage = "image" // Asset is what it shows
)

// Item is a thing in a folder.
type Item struct {
	Node        id.Node
	Folder      id.Folder
	Type        string // TypeText or TypeImage
	Text        string
	Asset       id.Asset // zero for a text
	Description string
}

// entered is the write by which every new item holds its folder: it fails where the folder is gone, and counts the folder's version, so that a
// Delete that saw the folder empty fails where an item came after.
func entered(w id.Workspace, f id.Folder) table.Write {
	return table.Update(schema.FolderKey(w, f), table.Present(), table.Add(schema.Version, table.Int(1)))
}

// AddText puts a text of 1 to MaxText characters with a description of up to MaxDescription into a folder; a bad one is fault.Invalid. A folder
// that is not there, or is deleted at the same moment, is fault.NotFound, and nothing is written.
func (s *Service) AddText(ctx context.Context, p access.Principal, w id.Workspace, f id.Folder, text, description string) (Item, error) {
	return s.AddAs(ctx, p, w, Item{Folder: f, Text: text, Description: description})
}

// AddAs is AddText for an item whose node may have been drawn before, for a request that may be run again: fault.Duplicate when the folder
// has it. A zero node is drawn. The type is TypeText.
func (s *Service) AddAs(ctx context.Context, p access.Principal, w id.Workspace, draft Item) (Item, error) {
	if err := access.Authorize(p, access.AddFolderItem, w); err != nil {
		return Item{}, err
	}
	if err := checkItem(draft.Text, draft.Description); err != nil {
		return Item{}, err
	}
	given := draft.Node != (id.Node{})
	for range maxTries {
		item := draft
		item.Type, item.Asset = TypeText, id.Asset{}
		if !given {
			item.Node = id.NewNode(w, s.now())
		}
		err := table.Decide(ctx, s.t, []table.Write{
			entered(w, item.Folder),
			table.Put(item.row(w, p.Key), table.Absent()),
		})
		if err == nil {
			return item, nil
		}
		refused := table.Refused(err)
		if refused == nil {
			return Item{}, fmt.Errorf("add to folder %s: %w", item.Folder, err)
		}
		if given && refused.Current[1] != nil {
			return Item{}, fault.New(fault.Duplicate, "The item %s is in the folder already.", item.Node)
		}
		if refused.Reasons[0] == table.ConditionLost {
			return Item{}, access.Missing("folder")
		}
		if table.EqualItems(refused.Current[1], item.row(w, p.Key)) {
			return item, nil // written by an earlier attempt of the driver whose answer was lost
		}
		// The drawn id is taken: draw again.
	}
	return Item{}, fault.New(fault.Throttled, "The item could not be added; wait a moment and repeat.")
}

func checkItem(text, description string) error {
	var bad []fault.Field
	if text == "" {
		bad = append(bad, fault.Field{Name: "text", Message: fmt.Sprintf("is empty; send 1 to %d characters", MaxText)})
	}
	bad = append(bad, fault.FieldsOf(name.CheckText("text", text, MaxText))...)
	bad = append(bad, fault.FieldsOf(name.CheckText("description", description, MaxDescription))...)
	return fault.BadFields(bad)
}

// AddAsset puts an asset of the same workspace into a folder, as an image with a description of up to MaxDescription characters. An asset is in a
// folder once: again, and of many at once, all get the item that was first. A folder or an asset that is not there, or is deleted at
// the same moment, is fault.NotFound; an asset of another workspace and a bad description are fault.Invalid; nothing is written then.
func (s *Service) AddAsset(ctx context.Context, p access.Principal, w id.Workspace, f id.Folder, a asset.Asset, description string) (Item, error) {
	return s.AddAssetAs(ctx, p, w, a, Item{Folder: f, Description: description})
}

// AddAssetAs is AddAsset for an item whose node may have been drawn before. A zero node is drawn.
func (s *Service) AddAssetAs(ctx context.Context, p access.Principal, w id.Workspace, a asset.Asset, draft Item) (Item, error) {
	f := draft.Folder
	if err := s.CheckAsset(ctx, p, w, draft); err != nil {
		return Item{}, err
	}
	if a.Workspace != w {
		return Item{}, fault.BadField("asset_id", "asset %s is in workspace %s, but folder %s is in %s; use a folder of its own workspace", a.ID, a.Workspace, f, w)
	}
	item := Item{Node: draft.Node, Folder: f, Type: TypeImage, Asset: a.ID, Description: draft.Description}
	if item.Node == (id.Node{}) {
		item.Node = id.NewNode(w, s.now())
	}
	err := table.Decide(ctx, s.t, []table.Write{
		entered(w, f),
		table.Check(a.Key(), table.Present()),
		table.Put(item.row(w, p.Key), table.Absent()),
	})
	refused := table.Refused(err)
	switch {
	case err == nil:
		return item, nil
	case refused == nil:
		return Item{}, fmt.Errorf("add asset %s to folder %s: %w", a.ID, f, err)
	case refused.Reasons[0] == table.ConditionLost:
		return Item{}, access.Missing("folder")
	case refused.Reasons[1] == table.ConditionLost:
		return Item{}, asset.Missing()
	}
	return decodeItem(f, refused.Current[2])
}

// CheckAsset says whether AddAssetAs would take an item, before there is an asset to be added. It writes nothing, and reads only that the folder
// is there.
func (s *Service) CheckAsset(ctx context.Context, p access.Principal, w id.Workspace, draft Item) error {
	if err := access.Authorize(p, access.AddFolderItem, w); err != nil {
		return err
	}
	if err := name.CheckText("description", draft.Description, MaxDescription); err != nil {
		return err
	}
	_, _, err := s.read(ctx, w, draft.Folder)
	return err
}

// key is where the item is kept: an asset has one place in a folder, a text a place of its own.
func (i Item) key(w id.Workspace) table.Key {
	if i.Asset != (id.Asset{}) {
		return schema.FolderAssetKey(w, i.Folder, i.Asset)
	}
	return schema.FolderItemKey(w, i.Folder, i.Node)
}

func (i Item) row(w id.Workspace, by id.Key) table.Item {
	k := i.key(w)
	it := table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.NodeID:    table.String(i.Node.String()),
		schema.NodeType:  table.String(i.Type),
		schema.CreatedBy: table.String(by.String()),
		schema.Version:   table.Int(1),
	}
	if i.Text != "" {
		it[schema.Text] = table.String(i.Text)
	}
	if i.Asset != (id.Asset{}) {
		// With both it is in the index that leads from an asset to its places, so that it goes with its asset.
		it[schema.OnAsset], it[schema.OnProject] = table.String(i.Asset.String()), table.String(i.Folder.String())
	}
	if i.Description != "" {
		it[schema.Description] = table.String(i.Description)
	}
	return it
}

// decodeItem reads the row of an item that shows an asset.
func decodeItem(f id.Folder, it table.Item) (Item, error) {
	n, err := id.ParseNode(it.Str(schema.NodeID))
	if err != nil {
		return Item{}, fmt.Errorf("row of a folder's item %s: node: %w", it.Key(), err)
	}
	a, err := id.ParseAsset(it.Str(schema.OnAsset))
	if err != nil {
		return Item{}, fmt.Errorf("row of a folder's item %s: asset: %w", it.Key(), err)
	}
	return Item{Node: n, Folder: f, Type: it.Str(schema.NodeType), Asset: a, Description: it.Str(schema.Description)}, nil
}
