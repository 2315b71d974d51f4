package bus_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// must reads an id of the tests.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	workspace = must(id.ParseWorkspace("ws_01999999-0000-7000-8000-0000cafe0001"))
	key       = must(id.ParseKey("key_01999999-0000-7000-8000-000000000002"))
	folder    = must(id.ParseFolder("fld_01999999-0000-7000-8000-0000cafe0001"))
	project   = must(id.ParseProject("prj_01999999-0000-7000-8000-0000cafe0001"))
	assetID   = must(id.ParseAsset("0199aaaa-bbbb-7ccc-8ddd-eeeecafe0001"))
)

// The rows of one asset's life.
func pending(generation int, version int64) asset.Asset {
	return asset.Asset{
		ID: assetID, Workspace: workspace, Version: version, State: asset.Pending, Generation: generation,
		Name: "Éclair <&> 画.png", Description: "a cake", Via: asset.ViaSigned, Folder: folder, Project: project, CreatedBy: key,
		Declared: "image/png", GrantUntil: noon.Add(15 * time.Minute),
	}
}

func ready(generation int, version int64) asset.Asset {
	a := pending(generation, version)
	a.State, a.Type, a.Size, a.Width, a.Height = asset.Ready, "image/png", 12345, 640, 480
	a.ETag, a.Object = "d41d8cd98f00b204e9800998ecf8427e", "object-version-never-told"
	return a
}

func failed(c asset.Cause, generation int, version int64) asset.Asset {
	a := pending(generation, version)
	a.State, a.Cause, a.Failure = asset.Failed, c, "The file is HTML; it was announced as a picture."
	return a
}

// change is a committed change of an asset; nil is absent.
func change(old, now *asset.Asset) table.Change {
	c := table.Change{At: noon, Seq: "1"}
	if old != nil {
		c.Key, c.Old = old.Key(), old.Row()
	}
	if now != nil {
		c.Key, c.New = now.Key(), now.Row()
	}
	return c
}

func p(a asset.Asset) *asset.Asset { return &a }

func TestWhatAChangeMeansToOthers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, now *asset.Asset
		want     bus.Type // "": nothing
		id       string   // version of the event's id
	}{
		{"announced", nil, p(pending(1, 1)), "", ""},
		{"sent in the request: ready at once", nil, p(ready(1, 1)), bus.AssetReady, ":1"},
		{"bytes verified", p(pending(1, 1)), p(ready(1, 2)), bus.AssetReady, ":2"},
		{"something else changed on a ready asset", p(ready(1, 2)), p(ready(1, 3)), "", ""},
		{"bytes rejected", p(pending(1, 1)), p(failed(asset.Rejected, 1, 2)), bus.AssetFailed, ":2"},
		{"grant expired", p(pending(1, 1)), p(failed(asset.Expired, 1, 2)), bus.AssetFailed, ":2"},
		{"late bytes of an expired grant", p(failed(asset.Expired, 1, 2)), p(ready(1, 3)), bus.AssetReady, ":3"},
		{"late bytes that are bad: the attempt failed before", p(failed(asset.Expired, 1, 2)), p(failed(asset.Rejected, 1, 3)), "", ""},
		{"retried", p(failed(asset.Rejected, 1, 2)), p(pending(2, 3)), "", ""},
		{"the retry failed too", p(pending(2, 3)), p(failed(asset.Rejected, 2, 4)), bus.AssetFailed, ":4"},
		{"the retry failed, its announcement unseen", p(failed(asset.Rejected, 1, 2)), p(failed(asset.Expired, 2, 4)), bus.AssetFailed, ":4"},
		{"grant extended", p(pending(1, 1)), p(pending(1, 2)), "", ""},
		{"deleted while pending", p(pending(1, 1)), nil, bus.AssetDeleted, ":2"},
		{"deleted when ready", p(ready(1, 2)), nil, bus.AssetDeleted, ":3"},
		{"deleted after a failure", p(failed(asset.Expired, 1, 2)), nil, bus.AssetDeleted, ":3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := change(tt.old, tt.now)
			e, ok, err := bus.FromChange(c)
			if err != nil {
				t.Fatalf("FromChange: %v", err)
			}
			if ok != (tt.want != "") || e.Type != tt.want {
				t.Fatalf("FromChange = %q, %t, want %q", e.Type, ok, tt.want)
			}
			if !ok {
				return
			}
			if want := assetID.String() + tt.id; e.Detail.ID != want || !e.Time.Equal(noon) {
				t.Errorf("event %s at %v, want %s at %v", e.Detail.ID, e.Time, want, noon)
			}
			c.Seq = "2" // delivered again
			if again, _, _ := bus.FromChange(c); !cmp.Equal(e, again) {
				t.Errorf("the same change gave another event:\n%s", cmp.Diff(e, again))
			}
		})
	}
}

func TestRowsOfOtherKindsMeanNothing(t *testing.T) {
	gone, on := schema.GoneKey(assetID), schema.ProjectAssetKey(project, assetID)
	for name, k := range map[string]table.Key{
		"a workspace":           schema.WorkspaceKey(workspace),
		"a project":             schema.ProjectKey(workspace, project),
		"a folder":              schema.FolderKey(workspace, folder),
		"an asset's place":      on,
		"a deleted asset":       gone,
		"an API key":            schema.APIKeyKey([32]byte{1}),
		"a marker":              schema.ActiveKey(noon, workspace),
		"a due visit":           schema.DueKey(noon, workspace, assetID),
		"the sweeper's hour":    schema.SweepKey(),
		"the sweep's watermark": schema.WatermarkKey(workspace, 0),
		"something unknown":     {PK: "x", SK: "y"},
	} {
		t.Run(name, func(t *testing.T) {
			it := table.Item{table.AttrPK: table.String(k.PK), table.AttrSK: table.String(k.SK), schema.State: table.String("ready")}
			for _, c := range []table.Change{{Key: k, New: it}, {Key: k, Old: it, New: it}, {Key: k, Old: it, Expired: true}} {
				if e, ok, err := bus.FromChange(c); ok || err != nil {
					t.Errorf("FromChange = %+v, %t, %v, want nothing", e, ok, err)
				}
			}
		})
	}
}

func TestABrokenRowIsAnError(t *testing.T) {
	for name, edit := range map[string]func(*table.Change){
		"in the new image": func(c *table.Change) { c.New[schema.CreatedBy] = table.String("nobody") },
		"in the old image": func(c *table.Change) { c.Old[schema.Folder] = table.String("nowhere") },
	} {
		t.Run(name, func(t *testing.T) {
			c := change(p(pending(1, 1)), p(ready(1, 2)))
			edit(&c)
			if e, ok, err := bus.FromChange(c); err == nil || ok {
				t.Errorf("FromChange = %+v, %t, %v, want an error", e, ok, err)
			}
		})
	}
}

// examples are an event of each type, as the golden files hold them.
func examples(t testing.TB) map[string]bus.Event {
	t.Helper()
	bare := ready(1, 2)
	bare.Name, bare.Folder, bare.Project, bare.Width, bare.Height, bare.Type = "", id.Folder{}, id.Project{}, 0, 0, "application/pdf"
	changes := map[string]table.Change{
		"ready":      change(p(pending(1, 1)), p(ready(1, 2))),
		"ready-bare": change(nil, &bare),
		"failed":     change(p(pending(2, 3)), p(failed(asset.Rejected, 2, 4))),
		"deleted":    change(p(ready(1, 2)), nil),
		"requested":  {Key: schema.ImportKey(assetID), Old: importRow(1), New: importRow(2), At: noon},
		"updated":    orderChange(orderRow(5, "PROCESSING"), orderRow(6, "ERROR")),
		"submitted":  {Key: schema.WorkKey(orderID), Old: workRow(1, 1), New: workRow(1, 2), At: noon},
	}
	out := map[string]bus.Event{}
	for name, c := range changes {
		e, ok, err := bus.FromChange(c)
		if err != nil || !ok {
			t.Fatalf("%s: no event: %v", name, err)
		}
		out[name] = e
	}
	return out
}

func TestTheShapeOfEvents(t *testing.T) {
	for name, e := range examples(t) {
		t.Run(name, func(t *testing.T) {
			b, err := e.Detail.JSON()
			if err != nil {
				t.Fatal(err)
			}
			var tree map[string]any
			if err := json.Unmarshal(b, &tree); err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(tree, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("detail of %s (-want +got), -update rewrites it:\n%s", name, diff)
			}
		})
	}
}

// forms are what the fields of a detail may hold: what others rely on, and nothing that opens a door.
var forms = map[string]*regexp.Regexp{
	"schema_version":  regexp.MustCompile(`^1$`),
	"event_id":        regexp.MustCompile(`^[0-9a-f-]{36}(:import|:work:[1-9][0-9]*)?:[1-9][0-9]*$`),
	"workspace_id":    regexp.MustCompile(`^ws_[0-9a-f-]{36}$`),
	"asset_id":        regexp.MustCompile(`^[0-9a-f-]{36}$`),
	"version":         regexp.MustCompile(`^[1-9][0-9]*$`),
	"generation":      regexp.MustCompile(`^[1-9][0-9]*$`),
	"status":          regexp.MustCompile(`^(ready|failed)$`),
	"name":            regexp.MustCompile(`^(?s).+$`),
	"content_type":    regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+$`),
	"size_bytes":      regexp.MustCompile(`^[1-9][0-9]*$`),
	"width":           regexp.MustCompile(`^[1-9][0-9]*$`),
	"height":          regexp.MustCompile(`^[1-9][0-9]*$`),
	"etag":            regexp.MustCompile(`^[0-9a-f]{32}(-[0-9]+)?$`),
	"failure_message": regexp.MustCompile(`^(?s).+$`),
	"failure_cause":   regexp.MustCompile(`^(expired|rejected|source)$`),
	"folder_id":       regexp.MustCompile(`^fld_[0-9a-f-]{36}$`),
	"project_id":      regexp.MustCompile(`^prj_[0-9a-f-]{36}$`),
	"order":           regexp.MustCompile(`^\{"order_id":"[0-9a-f-]{36}".*\}$`), // see its document in schema/
}

var required = []string{"schema_version", "event_id", "workspace_id", "version"}

// about are the fields that say what an event is about.
func about(e bus.Event) []string {
	if e.Detail.Order != nil {
		return []string{"order"}
	}
	return []string{"asset_id", "generation"}
}

func TestEventsHoldNothingThatOpensADoor(t *testing.T) {
	for name, e := range examples(t) {
		b, err := e.Detail.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"http", "://", "X-Amz", "sk_live", "/l/", key.String(), "object-version-never-told", "Never 1, told", "w/" + workspace.String()} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s holds %q: %s", name, secret, b)
			}
		}
		var tree map[string]json.RawMessage
		if err := json.Unmarshal(b, &tree); err != nil {
			t.Fatal(err)
		}
		for field, raw := range tree {
			form, known := forms[field]
			value := string(raw)
			var text string
			if json.Unmarshal(raw, &text) == nil {
				value = text
			}
			if !known || !form.MatchString(value) {
				t.Errorf("%s: field %s holds %s", name, field, raw)
			}
		}
		for _, field := range append(about(e), required...) {
			if _, ok := tree[field]; !ok {
				t.Errorf("%s has no %s", name, field)
			}
		}
		if !slices.Contains([]bus.Type{bus.AssetReady, bus.AssetFailed, bus.AssetDeleted, bus.ImportRequested, bus.OrderUpdated, bus.OrderSubmitted}, e.Type) {
			t.Errorf("%s is of the unknown type %q", name, e.Type)
		}
	}
}

func TestTheLargestEventsFitIntoOneRequest(t *testing.T) {
	a := failed(asset.Rejected, 1, 1<<40)
	a.Name, a.Failure = strings.Repeat("<", 255), strings.Repeat("&", 300) // each is six characters in JSON
	e, _, err := bus.FromChange(change(nil, &a))
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Detail.JSON()
	if err != nil || len(b) > 4<<10 {
		t.Errorf("the largest event has %d bytes, %v; ten of them must stay far below EventBridge's 256 KB", len(b), err)
	}
}

func TestAnyChangeOfAnAssetGivesOneEventOrNone(t *testing.T) {
	states := []func(int, int64) asset.Asset{
		pending, ready,
		func(g int, v int64) asset.Asset { return failed(asset.Expired, g, v) },
		func(g int, v int64) asset.Asset { return failed(asset.Rejected, g, v) },
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) *asset.Asset {
			if rapid.Bool().Draw(t, label+" is absent") {
				return nil
			}
			g, v := rapid.IntRange(1, 3).Draw(t, label+" generation"), rapid.Int64Range(1, 9).Draw(t, label+" version")
			return p(rapid.SampledFrom(states).Draw(t, label)(g, v))
		}
		old, now := draw("old"), draw("now")
		if old == nil && now == nil {
			return
		}
		e, ok, err := bus.FromChange(change(old, now))
		switch {
		case err != nil:
			t.Fatalf("FromChange: %v", err)
		case ok != (e.Type != ""):
			t.Fatalf("FromChange = %q, %t", e.Type, ok)
		case now == nil && (e.Type != bus.AssetDeleted || e.Detail.Version != old.Version+1):
			t.Fatalf("a removal gave %q of version %d", e.Type, e.Detail.Version)
		case now != nil && ok && (e.Detail.Version != now.Version || e.Detail.State != now.State):
			t.Fatalf("the event says version %d %s, the row %d %s", e.Detail.Version, e.Detail.State, now.Version, now.State)
		}
	})
}
