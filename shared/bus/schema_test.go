package bus_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// documents are the JSON Schemas of the details, by the type of their event: every file of the folder schema.
func documents(t testing.TB) map[bus.Type]*jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob("schema/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no schemas: %v", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	out := map[bus.Type]*jsonschema.Schema{}
	for _, f := range files {
		s, err := c.Compile(f)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[bus.Type(strings.TrimSuffix(filepath.Base(f), ".json"))] = s
	}
	return out
}

// validate holds what goes out against the document of its type.
func validate(docs map[bus.Type]*jsonschema.Schema, e bus.Event) error {
	b, err := e.Detail.JSON()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return err
	}
	return docs[e.Type].Validate(v)
}

func TestEveryTypeOfEventHasADocumentAndNoOther(t *testing.T) {
	docs := documents(t)
	seen := map[bus.Type]bool{}
	for name, e := range examples(t) {
		seen[e.Type] = true
		if docs[e.Type] == nil {
			t.Errorf("%s: schema/%s.json is missing", name, e.Type)
		}
	}
	for typ := range docs {
		if !seen[typ] {
			t.Errorf("schema/%s.json describes what no example shows", typ)
		}
	}
}

func TestDocumentsRefuseWhatIsNotPromised(t *testing.T) {
	docs := documents(t)
	for name, e := range examples(t) {
		for field, bad := range map[string]string{"a field of no meaning": `"mood":"sunny"`, "another version of the shape": `"schema_version":2`} {
			b, err := e.Detail.JSON()
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(b), `"schema_version":1`, bad, 1)
			if field == "a field of no meaning" {
				text = strings.Replace(string(b), "{", "{"+bad+",", 1)
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if docs[e.Type].Validate(v) == nil {
				t.Errorf("schema/%s.json takes %s with %s", e.Type, name, field)
			}
		}
	}
}

func TestGoldenEventsAreAsTheirDocumentsSay(t *testing.T) {
	docs := documents(t)
	for name, e := range examples(t) {
		if err := validate(docs, e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join("testdata", name+".json")); err != nil {
			t.Error(err)
		}
	}
}

// drawAsset is any row that an asset may have.
func drawAsset(t *rapid.T, label string) asset.Asset {
	a := pending(rapid.IntRange(1, 5).Draw(t, label+" generation"), rapid.Int64Range(1, 1<<40).Draw(t, label+" version"))
	a.Name = rapid.SampledFrom([]string{"", "a.png", "Éclair <&> 画.png", strings.Repeat("ü", 255)}).Draw(t, label+" name")
	a.Via = rapid.SampledFrom([]asset.Via{asset.ViaSigned, asset.ViaPut, asset.ViaDirect, asset.ViaParts, asset.ViaURL}).Draw(t, label+" via")
	if rapid.Bool().Draw(t, label+" is on nothing") {
		a.Folder, a.Project = id.Folder{}, id.Project{}
	}
	a.Received, a.Expected = rapid.Int64Range(0, 9).Draw(t, label+" received"), rapid.Int64Range(0, 9).Draw(t, label+" expected")
	switch rapid.IntRange(0, 2).Draw(t, label+" state") {
	case 1:
		a.State, a.Object, a.ETag = asset.Ready, "v", "d41d8cd98f00b204e9800998ecf8427e"
		a.Size = rapid.Int64Range(1, 1<<45).Draw(t, label+" size")
		a.Type = rapid.SampledFrom([]string{"image/png", "video/mp4", "application/pdf", "image/svg+xml"}).Draw(t, label+" type")
		a.ETag += rapid.SampledFrom([]string{"", "-1", "-10000"}).Draw(t, label+" parts")
		if rapid.Bool().Draw(t, label+" has pixels") {
			a.Width, a.Height = 640, 480
		}
	case 2:
		a.State, a.Failure = asset.Failed, "It is no good."
		a.Cause = rapid.SampledFrom([]asset.Cause{asset.Expired, asset.Rejected, asset.Source}).Draw(t, label+" cause")
	}
	return a
}

func TestWhateverChangesItsEventIsAsDocumented(t *testing.T) {
	docs := documents(t)
	rapid.Check(t, func(t *rapid.T) {
		var c table.Change
		if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
			was, is := rapid.Int64Range(0, 3).Draw(t, "requests before"), rapid.Int64Range(1, 1<<40).Draw(t, "requests")
			c = table.Change{Key: schema.ImportKey(assetID), New: importRow(is), At: noon}
			if was > 0 {
				c.Old = importRow(was)
			}
		} else {
			var old, now *asset.Asset
			if rapid.Bool().Draw(t, "was there") {
				old = p(drawAsset(t, "old"))
			}
			if old == nil || rapid.Bool().Draw(t, "is there") {
				now = p(drawAsset(t, "now"))
			}
			c = change(old, now)
		}
		e, ok, err := bus.FromChange(c)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			if err := validate(docs, e); err != nil {
				t.Fatalf("%s: %v", e.Type, err)
			}
		}
	})
}
