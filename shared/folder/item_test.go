package folder_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

func TestAddText(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "notes")
	for _, tt := range []struct{ name, text, description string }{
		{"a text with line breaks and tabs", "first\n\tsecond\r\n", "two lines"},
		{"a text without a description", "🍋", ""},
		{"the longest text and description", strings.Repeat("ü", folder.MaxText), strings.Repeat("d", folder.MaxDescription)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			item, err := h.AddText(t.Context(), h.editor, h.w, f.ID, tt.text, tt.description)
			if err != nil {
				t.Fatalf("AddText: %v", err)
			}
			want := folder.Item{Node: item.Node, Folder: f.ID, Type: "text", Text: tt.text, Description: tt.description}
			if diff := cmp.Diff(want, item); diff != "" {
				t.Errorf("AddText (-want +got):\n%s", diff)
			}
			row, err := h.table.Get(t.Context(), schema.FolderItemKey(h.w, f.ID, item.Node), table.Strong)
			if err != nil {
				t.Fatalf("the item's row: %v", err)
			}
			if row.Str(schema.Text) != tt.text || row.Str(schema.Description) != tt.description || row.Str(schema.NodeType) != "text" {
				t.Errorf("the row says %v", row)
			}
		})
	}
}

func TestAddTextRefuses(t *testing.T) {
	h := newHouse(t)
	f, gone := h.mustCreate(t, "notes"), h.mustCreate(t, "gone")
	if err := h.Delete(t.Context(), h.editor, h.w, gone.ID, false); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name              string
		who               access.Principal
		folder            id.Folder
		text, description string
		want              fault.Kind
	}{
		{"no text", h.editor, f.ID, "", "", fault.Invalid},
		{"a text that is too long", h.editor, f.ID, strings.Repeat("x", folder.MaxText+1), "", fault.Invalid},
		{"a description that is too long", h.editor, f.ID, "x", strings.Repeat("x", folder.MaxDescription+1), fault.Invalid},
		{"a null character", h.editor, f.ID, "a\x00b", "", fault.Invalid},
		{"an unknown folder", h.editor, id.NewFolder(h.w, time.Now()), "x", "", fault.NotFound},
		{"a deleted folder", h.editor, gone.ID, "x", "", fault.NotFound},
		{"a viewer", h.viewer, f.ID, "x", "", fault.Forbidden},
		{"a stranger", h.stranger, f.ID, "x", "", fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.AddText(t.Context(), tt.who, h.w, tt.folder, tt.text, tt.description)
			domaintest.WantKind(t, "AddText", err, tt.want)
		})
	}
	if n := h.rows(t, "folderitem#"); n != 0 {
		t.Errorf("%d items were written, want none", n)
	}
}

func TestAddTextNamesEveryBadField(t *testing.T) {
	h := newHouse(t)
	_, err := h.AddText(t.Context(), h.editor, h.w, id.NewFolder(h.w, time.Now()), "", "a\x00")
	f, ok := err.(*fault.Error)
	if !ok || len(f.Fields) != 2 || f.Fields[0].Name != "text" || f.Fields[1].Name != "description" {
		t.Errorf("AddText with two bad fields gave %v, want both named", err)
	}
}

func TestAddTextWritesOnceWhenTheFirstAnswerWasLost(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "notes")
	s := folder.New(domaintest.Repeating{Table: h.table}, folder.Options{})
	if _, err := s.AddText(t.Context(), h.editor, h.w, f.ID, "x", ""); err != nil {
		t.Errorf("AddText: %v", err)
	}
	if n := h.rows(t, "folderitem#"); n != 1 {
		t.Errorf("%d items, want 1", n)
	}
}

func TestAddTextIsOneTransaction(t *testing.T) {
	h := newHouse(t)
	f := h.mustCreate(t, "notes")
	read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
		if _, err := h.AddText(ctx, h.editor, h.w, f.ID, "x", ""); err != nil {
			t.Errorf("AddText: %v", err)
		}
	})
	if read != 0 || write != 4 || requests != 1 {
		t.Errorf("cost %v read and %v write units in %d requests, want 0, 4, 1", read, write, requests)
	}
}

// mustAsset writes an announced asset.
func (h house) mustAsset(t testing.TB, w id.Workspace) asset.Asset {
	t.Helper()
	a := asset.Asset{ID: id.NewAsset(w, time.Now()), Workspace: w, Version: 1, State: asset.Pending, Generation: 1, Via: asset.ViaURL, CreatedBy: h.editor.Key}
	if _, err := h.table.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAddAssetOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		f, a := h.mustCreate(t, "moods"), h.mustAsset(t, h.w)
		var items [8]folder.Item
		domaintest.Together(len(items), func(i int) {
			var err error
			if items[i], err = h.AddAsset(t.Context(), h.editor, h.w, f.ID, a, "a mood"); err != nil {
				t.Errorf("AddAsset: %v", err)
			}
		})
		want := folder.Item{Node: items[0].Node, Folder: f.ID, Type: "image", Asset: a.ID, Description: "a mood"}
		for _, got := range items {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("AddAsset (-want +got):\n%s", diff)
			}
		}
		if n := h.rows(t, "folderitem#"); n != 1 {
			t.Errorf("%d items, want 1", n)
		}
		again, err := h.AddAsset(t.Context(), h.editor, h.w, f.ID, a, "another mood")
		if diff := cmp.Diff(want, again); err != nil || diff != "" {
			t.Errorf("AddAsset with another description: %v, (-want +got):\n%s", err, diff)
		}
		pg, err := h.table.Query(t.Context(), table.Query{Index: schema.IndexOnAsset, PK: a.ID.String(), Limit: 10})
		if err != nil || len(pg.Items) != 1 || pg.Items[0].Str(schema.OnProject) != f.ID.String() {
			t.Errorf("the asset's places are %v, %v, want the folder", pg.Items, err)
		}
	})
}

func TestAddAssetWritesOnceWhenTheFirstAnswerWasLost(t *testing.T) {
	h := newHouse(t)
	f, a := h.mustCreate(t, "moods"), h.mustAsset(t, h.w)
	s := folder.New(domaintest.Repeating{Table: h.table}, folder.Options{})
	if _, err := s.AddAsset(t.Context(), h.editor, h.w, f.ID, a, ""); err != nil {
		t.Errorf("AddAsset: %v", err)
	}
	if n := h.rows(t, "folderitem#"); n != 1 {
		t.Errorf("%d items, want 1", n)
	}
}

func TestAddAssetRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, h house) {
		f, a := h.mustCreate(t, "moods"), h.mustAsset(t, h.w)
		deleted := a
		deleted.ID = id.NewAsset(h.w, time.Now())
		foreign := h.mustAsset(t, id.NewWorkspace(time.Now()))
		for _, tt := range []struct {
			name        string
			who         access.Principal
			folder      id.Folder
			asset       asset.Asset
			description string
			want        fault.Kind
		}{
			{"an unknown folder", h.editor, id.NewFolder(h.w, time.Now()), a, "", fault.NotFound},
			{"an asset that is deleted", h.editor, f.ID, deleted, "", fault.NotFound},
			{"an asset of another workspace", h.editor, f.ID, foreign, "", fault.Invalid},
			{"a description that is too long", h.editor, f.ID, a, strings.Repeat("x", folder.MaxDescription+1), fault.Invalid},
			{"a viewer", h.viewer, f.ID, a, "", fault.Forbidden},
			{"a stranger", h.stranger, f.ID, a, "", fault.NotFound},
		} {
			t.Run(tt.name, func(t *testing.T) {
				_, err := h.AddAsset(t.Context(), tt.who, h.w, tt.folder, tt.asset, tt.description)
				domaintest.WantKind(t, "AddAsset", err, tt.want)
			})
		}
		if n := h.rows(t, "folderitem#"); n != 0 {
			t.Errorf("%d items were written, want none", n)
		}
	})
}
