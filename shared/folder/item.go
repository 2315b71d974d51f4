package folder

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

// Limits of an item, in characters. The text is a note or a prompt, not a document; an item stays far under the table's 400 KB.
const (
	MaxText        = 10_000
	MaxDescription = 1_000
)

// TypeText is the type of an item that is a text.
const TypeText = "text"

// Item is a thing in a folder.
type Item struct {
	Node        id.Node
	Folder      id.Folder
	Type        string // TypeText
	Text        string
	Description string
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
		item.Type = TypeText
		if !given {
			item.Node = id.NewNode(w, s.now())
		}
		err := s.transact(ctx, []table.Write{
			table.Check(schema.FolderKey(w, item.Folder), table.Present()),
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

func (i Item) row(w id.Workspace, by id.Key) table.Item {
	k := schema.FolderItemKey(w, i.Folder, i.Node)
	it := table.Item{
		table.AttrPK:     table.String(k.PK),
		table.AttrSK:     table.String(k.SK),
		schema.NodeID:    table.String(i.Node.String()),
		schema.NodeType:  table.String(i.Type),
		schema.Text:      table.String(i.Text),
		schema.CreatedBy: table.String(by.String()),
		schema.Version:   table.Int(1),
	}
	if i.Description != "" {
		it[schema.Description] = table.String(i.Description)
	}
	return it
}
