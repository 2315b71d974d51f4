package asset_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// drawID draws any UUIDv7.
func drawID(t *rapid.T, label string) id.UUID {
	u := id.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
	u[6], u[8] = u[6]&0x0f|0x70, u[8]&0x3f|0x80
	return u
}

// drawAsset draws any asset that a row can hold.
func drawAsset(t *rapid.T) asset.Asset {
	text := func(label string) string { return rapid.StringN(0, 60, -1).Draw(t, label) }
	a := asset.Asset{
		ID: id.Asset(drawID(t, "id")), Workspace: id.Workspace(drawID(t, "workspace")), Shard: rapid.IntRange(0, 255).Draw(t, "shard"),
		Version:    rapid.Int64Range(1, 1<<62).Draw(t, "version"),
		State:      rapid.SampledFrom([]asset.State{asset.Pending, asset.Ready, asset.Failed}).Draw(t, "state"),
		Generation: rapid.IntRange(1, 1<<30).Draw(t, "generation"),
		Name:       text("name"), Description: text("description"),
		Via:       rapid.SampledFrom([]asset.Via{asset.ViaDirect, asset.ViaSigned}).Draw(t, "via"),
		CreatedBy: id.Key(drawID(t, "key")),
		Declared:  text("declared"), Type: text("type"), ETag: text("etag"), Object: text("object"), Failure: text("failure"),
		Size:  rapid.Int64Range(0, 1<<50).Draw(t, "size"),
		Width: rapid.IntRange(0, 1<<20).Draw(t, "width"), Height: rapid.IntRange(0, 1<<20).Draw(t, "height"),
		Cause: rapid.SampledFrom([]asset.Cause{"", asset.Expired, asset.Rejected}).Draw(t, "cause"),
	}
	if rapid.Bool().Draw(t, "in a folder") {
		a.Folder = id.Folder(drawID(t, "folder"))
	}
	if rapid.Bool().Draw(t, "on a project") {
		a.Project = id.Project(drawID(t, "project"))
	}
	if rapid.Bool().Draw(t, "edited") {
		a.EditedAt = time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(t, "edit")).UTC()
	}
	if rapid.Bool().Draw(t, "granted") {
		a.GrantUntil = time.Unix(rapid.Int64Range(1, 1<<36).Draw(t, "grant"), 0).UTC()
	}
	return a
}

func TestAnyAssetComesBackFromItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawAsset(t)
		got, err := asset.FromRow(a.Row())
		if err != nil {
			t.Fatalf("FromRow: %v", err)
		}
		if diff := cmp.Diff(a, got); diff != "" {
			t.Fatalf("the asset read back (-written +read):\n%s", diff)
		}
	})
}

func TestAnAssetComesBackFromTheTable(t *testing.T) {
	h := newHouse(t)
	a := full(h.pending(t, h.w), strings.Repeat("é", 127))
	h.mustPut(t, a)
	got, err := h.Get(t.Context(), h.viewer, a.ID)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("the asset read back (-written +read):\n%s", diff)
	}
	if !got.CreatedAt().Equal(h.clock.Now()) {
		t.Errorf("CreatedAt = %v, want %v", got.CreatedAt(), h.clock.Now())
	}
}

// full is an asset whose every attribute is as long as S3 and the types make it.
func full(a asset.Asset, name string) asset.Asset {
	a.Name, a.Version, a.Generation = name, 1_000_000, 1_000
	a.State = asset.Ready
	for _, t := range media.Types() {
		if len(t) > len(a.Declared) {
			a.Declared, a.Type = t, t
		}
	}
	a.Size, a.Width, a.Height = 5<<30, 12_247, 12_247
	a.ETag, a.Object = strings.Repeat("e", 38), strings.Repeat("v", 32)
	a.Folder, a.Project = id.NewFolder(a.Workspace, a.CreatedAt()), id.NewProject(a.Workspace, a.CreatedAt())
	a.GrantUntil = a.CreatedAt().Add(15 * time.Minute).Truncate(time.Second)
	return a
}

func TestARowStaysUnderOneWriteUnit(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		name  string
		asset asset.Asset
	}{
		{"a ready asset with a name of 255 letters", full(h.pending(t, h.w), strings.Repeat("n", 255))},
		{"a ready asset with a name of 255 bytes in another script", full(h.pending(t, h.w), strings.Repeat("画", 85))},
		{"a rejected asset with a message of 200 characters", func() asset.Asset {
			a := full(h.pending(t, h.w), strings.Repeat("n", 255))
			a.State, a.Cause, a.Failure = asset.Failed, asset.Rejected, strings.Repeat("m", 200)
			a.Type, a.Size, a.Width, a.Height, a.ETag, a.Object = "", 0, 0, 0, "", ""
			return a
		}()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			size := tt.asset.Row().Size()
			if size >= 1024 || table.WriteUnits(size) != 1 {
				t.Errorf("the row has %d bytes and costs %v units, want under 1024 and 1 unit", size, table.WriteUnits(size))
			}
			t.Logf("%d bytes", size)
		})
	}
}

func TestARowWithoutValuesHasNoAttributesForThem(t *testing.T) {
	h := newHouse(t)
	a := h.pending(t, h.w)
	a.Name = ""
	want := []string{table.AttrPK, table.AttrSK, schema.Version, schema.State, schema.Generation, schema.Via, schema.CreatedBy}
	row := a.Row()
	for _, attr := range want {
		if _, ok := row[attr]; !ok {
			t.Errorf("the row has no %s", attr)
		}
	}
	if len(row) != len(want) {
		t.Errorf("the row is %v, want only %v", row, want)
	}
}

func TestARowOfAnotherKindIsAnError(t *testing.T) {
	h := newHouse(t)
	good := full(h.pending(t, h.w), "a.png").Row()
	for _, tt := range []struct {
		name string
		set  table.Item
		want string
	}{
		{"the key of a workspace", table.Item{table.AttrPK: table.String(h.w.String()), table.AttrSK: table.String("workspace")}, "is not an asset"},
		{"a creator that is no key", table.Item{schema.CreatedBy: table.String("somebody")}, schema.CreatedBy},
		{"a folder that is no id", table.Item{schema.Folder: table.String("fld_1")}, schema.Folder},
		{"a project that is no id", table.Item{schema.Project: table.String("prj_1")}, schema.Project},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row := table.Item{}
			for _, from := range []table.Item{good, tt.set} {
				for k, v := range from {
					row[k] = v
				}
			}
			if _, err := asset.FromRow(row); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("FromRow = %v, want an error about %q", err, tt.want)
			}
		})
	}
}
