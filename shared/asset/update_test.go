package asset_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
)

// editing is the house with folders.
func editing(t testing.TB) (*house, *folder.Service) {
	t.Helper()
	h := newHouse(t)
	folders := folder.New(h.db, folder.Options{Now: h.clock.Now})
	h.Service = h.on(h.db, asset.Options{Folders: folders})
	return h, folders
}

func TestUpdateChangesWhatIsNamed(t *testing.T) {
	h, folders := editing(t)
	f, err := folders.Create(t.Context(), h.owner, h.w, "Moods")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("🎨", asset.MaxDescription)
	for _, tt := range []struct {
		name   string
		change asset.Change
		want   func(*asset.Asset)
	}{
		{"a name", asset.Change{Name: new("b.png")}, func(a *asset.Asset) { a.Name = "b.png" }},
		{"no name", asset.Change{Name: new("")}, func(a *asset.Asset) { a.Name = "" }},
		{"a description", asset.Change{Description: &long}, func(a *asset.Asset) { a.Description = long }},
		{"no description", asset.Change{Description: new("")}, func(a *asset.Asset) { a.Description = "" }},
		{"a folder by id", asset.Change{Folder: new(f.ID.String())}, func(a *asset.Asset) { a.Folder = f.ID }},
		{"a folder by name", asset.Change{Folder: new("MOODS")}, func(a *asset.Asset) { a.Folder = f.ID }},
		{"no folder", asset.Change{Folder: new("")}, func(a *asset.Asset) { a.Folder = id.Folder{} }},
		{"everything", asset.Change{Name: new("ü"), Description: new("d"), Folder: new("moods")}, func(a *asset.Asset) {
			a.Name, a.Description, a.Folder = "ü", "d", f.ID
		}},
	} {
		for _, state := range []asset.State{asset.Pending, asset.Ready, asset.Failed} {
			t.Run(tt.name+" of one that is "+string(state), func(t *testing.T) {
				before := h.pending(t, h.w)
				before.State, before.Description, before.Folder, before.Failure = state, "what it was", id.NewFolder(h.w, h.clock.Now()), "f"
				h.mustPut(t, before)
				h.clock.Advance(time.Second)
				want := before
				want.Version, want.EditedAt = 2, h.clock.Now()
				tt.want(&want)
				got, err := h.Update(t.Context(), h.owner, before.ID, tt.change, 1)
				if err != nil {
					t.Fatalf("Update: %v", err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("Update (-want +got):\n%s", diff)
				}
				if kept, err := h.Get(t.Context(), h.viewer, before.ID); err != nil || kept != got {
					t.Errorf("kept is %+v, %v, want what was answered", kept, err)
				}
			})
		}
	}
}

func TestUpdateMakesAFolderThatIsNamed(t *testing.T) {
	h, folders := editing(t)
	a := h.mustAdd(t, "a.png")
	got, err := h.Update(t.Context(), h.owner, a.ID, asset.Change{Folder: new("New")}, 0)
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	if f, err := folders.Resolve(t.Context(), h.owner, h.w, "new"); err != nil || f != got.Folder {
		t.Errorf("the folder is %s, %v, want %s", f, err, got.Folder)
	}
}

func TestUpdateRefuses(t *testing.T) {
	h, _ := editing(t)
	a := h.mustAdd(t, "a.png")
	other := h.mustWorkspace(t)
	foreign := id.NewFolder(other, h.clock.Now())
	for _, tt := range []struct {
		name    string
		who     access.Principal
		change  asset.Change
		version int64
		want    fault.Kind
		field   string
	}{
		{"a name that is too long", h.owner, asset.Change{Name: new(strings.Repeat("x", 256))}, 0, fault.Invalid, "name"},
		{"a name with a line break", h.owner, asset.Change{Name: new("a\nb")}, 0, fault.Invalid, "name"},
		{"a description that is too long", h.owner, asset.Change{Description: new(strings.Repeat("x", 1001))}, 0, fault.Invalid, "description"},
		{"a folder of another workspace", h.owner, asset.Change{Folder: new(foreign.String())}, 0, fault.Invalid, "folder"},
		{"a folder name that is too long", h.owner, asset.Change{Folder: new(strings.Repeat("x", 256))}, 0, fault.Invalid, "folder"},
		{"a version that is over", h.owner, asset.Change{Name: new("b")}, 7, fault.Stale, ""},
		{"a version that is over, with a change that is there already", h.owner, asset.Change{Name: new("a.png")}, 7, fault.Stale, ""},
		{"a viewer", h.viewer, asset.Change{Name: new("b")}, 0, fault.Forbidden, ""},
		{"a stranger", h.stranger, asset.Change{Name: new("b")}, 0, fault.NotFound, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Update(t.Context(), tt.who, a.ID, tt.change, tt.version)
			domaintest.WantKind(t, "Update", err, tt.want)
			if fields := fault.FieldsOf(err); tt.field != "" && (len(fields) != 1 || fields[0].Name != tt.field) {
				t.Errorf("Update refuses %v, want %s", fields, tt.field)
			}
			if tt.want == fault.Stale && !strings.Contains(err.Error(), "version 1, not 7") {
				t.Errorf("the refusal %q does not say where the asset is", err)
			}
		})
	}
	_, err := h.Update(t.Context(), h.owner, a.ID, asset.Change{Name: new("\x00"), Description: new("\x00")}, 0)
	if fields := fault.FieldsOf(err); len(fields) != 2 {
		t.Errorf("two bad fields gave %v, want both named", err)
	}
	if kept, err := h.Get(t.Context(), h.viewer, a.ID); err != nil || kept != a {
		t.Errorf("after what was refused the asset is %+v, %v, want it untouched", kept, err)
	}
	if err := h.Delete(t.Context(), h.owner, a.ID); err != nil {
		t.Fatal(err)
	}
	_, err = h.Update(t.Context(), h.owner, a.ID, asset.Change{Name: new("b")}, 0)
	domaintest.WantKind(t, "Update of a deleted asset", err, fault.NotFound)
}

func TestUpdateThatChangesNothingWritesNothing(t *testing.T) {
	h, _ := editing(t)
	a := h.mustAdd(t, "a.png")
	for name, c := range map[string]asset.Change{
		"an empty change": {}, "the name it has": {Name: new("a.png")}, "no folder where none is": {Folder: new(""), Description: new("")},
	} {
		t.Run(name, func(t *testing.T) {
			read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
				if got, err := h.Update(ctx, h.owner, a.ID, c, 1); err != nil || got != a {
					t.Errorf("Update = %+v, %v, want the asset as it is", got, err)
				}
			})
			if read != 1 || write != 0 || requests != 1 {
				t.Errorf("cost %v read and %v write units in %d requests, want 1, 0, 1", read, write, requests)
			}
		})
	}
}

func TestUpdateCostsByWhatIsSaid(t *testing.T) {
	h, _ := editing(t)
	for _, tt := range []struct {
		name               string
		title, description string
		units              float64
	}{
		{"a name of 255 letters", strings.Repeat("n", 255), "", 1},
		{"a description of 1,000 letters", strings.Repeat("n", 255), strings.Repeat("d", 1000), 2},
		{"a name and a description of characters of four bytes", strings.Repeat("🎨", 255), strings.Repeat("🎨", 1000), 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := full(h.pending(t, h.w), "short")
			h.mustPut(t, a)
			_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				if _, err := h.Update(ctx, h.owner, a.ID, asset.Change{Name: &tt.title, Description: &tt.description}, 0); err != nil {
					t.Errorf("Update: %v", err)
				}
			})
			if write != tt.units {
				t.Errorf("cost %v write units, want %v", write, tt.units)
			}
		})
	}
}

func TestUpdateOfOneVersionSucceedsOnce(t *testing.T) {
	h, _ := editing(t)
	a := h.mustAdd(t, "a.png")
	var errs [8]error
	domaintest.Together(len(errs), func(i int) {
		_, errs[i] = h.Update(t.Context(), h.owner, a.ID, asset.Change{Name: new(fmt.Sprint(i))}, 1)
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !fault.Is(err, fault.Stale) || !strings.Contains(err.Error(), "version 2, not 1") {
			t.Errorf("a loser got %v, want the present version", err)
		}
	}
	if won != 1 {
		t.Errorf("%d updates of one version succeeded, want 1", won)
	}
}

// finalized settles an asset as an upload does: on its generation and state, whatever its version.
func (h *house) finalized(ctx context.Context, a asset.Asset) error {
	_, err := h.db.Write(ctx, table.Update(a.Key(),
		table.All(table.Eq(schema.Generation, table.Int(1)), table.Eq(schema.State, table.String(asset.Pending))),
		table.Add(schema.Version, table.Int(1)), table.Set(schema.State, table.String(asset.Ready)), table.Set(schema.Size, table.Int(5))))
	return err
}

// TestUpdatesAndSettlingAllSurvive lets changes of different fields and a settling meet: whatever their order, each is there afterwards.
func TestUpdatesAndSettlingAllSurvive(t *testing.T) {
	h, _ := editing(t)
	rapid.Check(t, func(rt *rapid.T) {
		a := h.mustAdd(t, "a.png")
		names := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,8}`), 1, 3).Draw(rt, "names")
		description := rapid.StringMatching(`[a-z]{1,20}`).Draw(rt, "description")
		domaintest.Together(len(names)+2, func(i int) {
			var err error
			switch i {
			case 0:
				err = h.finalized(t.Context(), a)
			case 1:
				_, err = h.Update(t.Context(), h.owner, a.ID, asset.Change{Description: &description}, 0)
			default:
				_, err = h.Update(t.Context(), h.owner, a.ID, asset.Change{Name: &names[i-2]}, 0)
			}
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
		})
		got, err := h.Get(t.Context(), h.viewer, a.ID)
		if err != nil {
			rt.Fatalf("Get: %v", err)
		}
		named := false
		for _, n := range names {
			named = named || got.Name == n
		}
		if got.State != asset.Ready || got.Size != 5 || got.Description != description || !named {
			rt.Fatalf("the asset is %+v, want it ready, described %q and named one of %q", got, description, names)
		}
	})
}

// TestUpdateOnDynamoDB changes and takes away everything in turns, at the same time as it settles.
func TestUpdateOnDynamoDB(t *testing.T) {
	db := dynamotest.Open(t, schema.Indexes()...)
	accounts := account.New(db, account.Options{})
	s := asset.New(db, accounts, page.NewSealer(secret.NewRoot()), asset.Options{Folders: folder.New(db, folder.Options{})})
	ws, err := accounts.CreateWorkspace(t.Context(), "a workspace")
	if err != nil {
		t.Fatal(err)
	}
	editor := grant(access.Editor, ws.ID)
	a := asset.Asset{ID: id.NewAsset(ws.ID, time.Now()), Workspace: ws.ID, Version: 1, State: asset.Pending, Generation: 1, Via: asset.ViaSigned, CreatedBy: editor.Key}
	if _, err := db.Write(t.Context(), table.Put(a.Row(), table.Absent())); err != nil {
		t.Fatal(err)
	}
	all := asset.Change{Name: new("a"), Description: new("d"), Folder: new("Moods")}
	got, err := s.Update(t.Context(), editor, a.ID, all, 1)
	if err != nil || got.Name != "a" || got.Description != "d" || got.Folder == (id.Folder{}) || got.Version != 2 {
		t.Fatalf("Update = %+v, %v, want everything changed", got, err)
	}
	if again, err := s.Update(t.Context(), editor, a.ID, all, 2); err != nil || again != got {
		t.Errorf("the same again = %+v, %v, want the asset as it was", again, err)
	}
	var errs [4]error
	domaintest.Together(len(errs), func(i int) {
		_, errs[i] = s.Update(t.Context(), editor, a.ID, asset.Change{Name: new(""), Description: new(""), Folder: new("")}, 2)
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !fault.Is(err, fault.Stale) {
			t.Errorf("a loser got %v, want the present version", err)
		}
	}
	if kept, err := s.Get(t.Context(), editor, a.ID); won != 1 || err != nil || kept.Name+kept.Description != "" || kept.Folder != (id.Folder{}) || kept.Version != 3 {
		t.Errorf("%d updates succeeded, and the asset is %+v, %v, want one and everything taken away", won, kept, err)
	}
}
