package schema_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

const (
	wsText    = "ws_019aa5e7-8c00-7123-8abc-def012345678"
	assetText = "019aa5e7-9000-7456-9bcd-ef0112345678"
	plainText = "019aa5e7-a000-7789-abcd-010212345678"
)

func fixed(t testing.TB) (w id.Workspace, a id.Asset, u id.UUID) {
	t.Helper()
	w, err := id.ParseWorkspace(wsText)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = id.ParseAsset(assetText); err != nil {
		t.Fatal(err)
	}
	if u, err = id.Parse(plainText); err != nil {
		t.Fatal(err)
	}
	return w, a, u
}

// The keys of rows that exist can never change: these are what a table in use holds.
func TestKeysAreSpelledAsRowsInUse(t *testing.T) {
	w, a, u := fixed(t)
	hour := time.Date(2026, 11, 21, 12, 59, 0, 0, time.FixedZone("east", 3600))
	for _, tt := range []struct {
		name   string
		got    table.Key
		pk, sk string
	}{
		{"workspace", schema.WorkspaceKey(w), wsText, "workspace"},
		{"workspace among all", schema.KnownKey(w), "workspaces", wsText},
		{"project", schema.ProjectKey(w, id.Project(u)), wsText, "project#" + plainText},
		{"folder", schema.FolderKey(w, id.Folder(u)), wsText, "folder#" + plainText},
		{"folder by name", schema.FolderNameKey(w, "trips"), wsText, "foldername#57866688516348020722abcc019831a8906345913d5e91661ac4869c2d5e13c3"},
		{"item of a folder", schema.FolderItemKey(w, id.Folder(u), id.Node(a)), wsText, "folderitem#" + plainText + "#" + assetText},
		{"asset", schema.AssetKey(w, 10, a), wsText + "#a#0a", assetText},
		{"asset on a project", schema.ProjectAssetKey(id.Project(u), a), "prj_" + plainText, "asset#" + assetText},
		{"deleted asset", schema.GoneKey(a), "gone#" + assetText, "gone"},
		{"import by address", schema.ImportKey(a), "import#" + assetText, "import"},
		{"API key", schema.APIKeyKey([32]byte{0xab}), "key#ab" + strings.Repeat("0", 62), "key"},
		{"client", schema.ClientKey(id.Client(u)), "client#" + plainText, "client"},
		{"listed client", schema.ListedClientKey(w, id.Client(u)), wsText, "client#" + plainText},
		{"access token", schema.TokenKey([32]byte{0xab}), "token#ab" + strings.Repeat("0", 62), "token"},
		{"requests of an hour", schema.RateKey("key_x", hour), "rate#key_x#2026-11-21T11", "rate"},
		{"request's key", schema.IdempotencyKey([32]byte{0xab}), "once#ab" + strings.Repeat("0", 62), "once"},
		{"active workspace", schema.ActiveKey(hour, w), "active#2026-11-21T11#8", wsText},
		{"due visit", schema.DueKey(hour, w, a), "due#2026-11-21T11#f", wsText + "#" + assetText},
		{"sweep progress", schema.SweepKey(), "sweep", "hours"},
		{"watermark", schema.WatermarkKey(w, 255), wsText, "sweep#ff"},
		{"webhook", schema.WebhookKey(w, id.Webhook(u)), wsText, "webhook#" + plainText},
		{"number of webhooks", schema.WebhookCountKey(w), wsText, "webhooks"},
		{"delivery", schema.DeliveryKey(id.Webhook(u), id.Delivery(a)), "wh_" + plainText, "delivery#" + assetText},
		{"last version sent", schema.SentKey(id.Webhook(u), assetText), "sent#wh_" + plainText + "#" + assetText, "sent"},
		{"due delivery", schema.WebhookDueKey(hour, id.Delivery(a), 7), "webhook-due#f", "2026-11-21T11:59:00.000Z#" + assetText + "#7"},
	} {
		if diff := cmp.Diff(table.Key{PK: tt.pk, SK: tt.sk}, tt.got); diff != "" {
			t.Errorf("key of a %s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestAfterPrefixEndsARange(t *testing.T) {
	w, a, u := fixed(t)
	keys := []string{
		schema.WorkspaceKey(w).SK, schema.ProjectKey(w, id.Project(u)).SK, schema.FolderKey(w, id.Folder(u)).SK,
		schema.FolderNameKey(w, "x").SK, schema.FolderItemKey(w, id.Folder(u), id.Node(a)).SK, schema.WatermarkKey(w, 0).SK,
		schema.WebhookKey(w, id.Webhook(u)).SK, schema.WebhookCountKey(w).SK,
	}
	sort.Strings(keys)
	for prefix, want := range map[string]int{
		schema.ProjectPrefix: 1, schema.FolderPrefix: 1, schema.FolderItemPrefix(id.Folder(u)): 1, "foldername#": 1, schema.WebhookPrefix: 1,
	} {
		n := 0
		for _, k := range keys {
			in := k >= prefix && k < schema.AfterPrefix(prefix)
			if in != strings.HasPrefix(k, prefix) {
				t.Errorf("range of %q holds %q: %v", prefix, k, in)
			}
			if in {
				n++
			}
		}
		if n != want {
			t.Errorf("range of %q holds %d keys, want %d", prefix, n, want)
		}
	}
}

func TestParseAssetKeyReadsWhatAssetKeyWrites(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := id.NewWorkspace(time.Now())
		a, shard := id.NewAsset(w, time.Now()), rapid.IntRange(0, 255).Draw(rt, "shard")
		gotW, gotShard, gotA, ok := schema.ParseAssetKey(schema.AssetKey(w, shard, a))
		if !ok || gotW != w || gotShard != shard || gotA != a {
			rt.Errorf("ParseAssetKey = %v, %d, %v, %v, want %v, %d, %v", gotW, gotShard, gotA, ok, w, shard, a)
		}
	})
}

func TestParseAssetKeyRefusesOtherRows(t *testing.T) {
	w, a, u := fixed(t)
	for _, k := range []table.Key{
		{}, schema.WorkspaceKey(w), schema.ProjectAssetKey(id.Project(u), a), schema.GoneKey(a),
		{PK: wsText + "#a#", SK: assetText}, {PK: wsText + "#a#100", SK: assetText}, {PK: wsText + "#a#zz", SK: assetText},
		{PK: wsText + "#a#00", SK: "asset#" + assetText}, {PK: "ws_1#a#00", SK: assetText}, {PK: wsText + "#a#-1", SK: assetText},
		{PK: wsText + "#a#1", SK: assetText}, {PK: wsText + "#a#0A", SK: assetText},
	} {
		if _, _, _, ok := schema.ParseAssetKey(k); ok {
			t.Errorf("ParseAssetKey(%v) takes it for an asset", k)
		}
	}
}

func TestParseImportKeyReadsWhatImportKeyWrites(t *testing.T) {
	_, a, _ := fixed(t)
	if got, ok := schema.ParseImportKey(schema.ImportKey(a)); !ok || got != a {
		t.Errorf("ParseImportKey = %v, %v, want %v", got, ok, a)
	}
	for _, k := range []table.Key{
		{}, schema.GoneKey(a), {PK: "import#" + assetText, SK: "x"}, {PK: "import#", SK: "import"}, {PK: assetText, SK: "import"},
		{PK: "import#" + strings.ToUpper(assetText), SK: "import"},
	} {
		if _, ok := schema.ParseImportKey(k); ok {
			t.Errorf("ParseImportKey(%v) takes it for an import", k)
		}
	}
}

func TestParseDueReadsWhatDueKeyWrites(t *testing.T) {
	w, a, _ := fixed(t)
	gotW, gotA, err := schema.ParseDue(schema.DueKey(time.Now(), w, a).SK)
	if err != nil || gotW != w || gotA != a {
		t.Errorf("ParseDue = %v, %v, %v, want %v, %v", gotW, gotA, err, w, a)
	}
	for _, bad := range []string{"", "#", wsText, wsText + "#", "#" + assetText, assetText + "#" + wsText, wsText + "#" + assetText + "#"} {
		if _, _, err := schema.ParseDue(bad); err == nil {
			t.Errorf("ParseDue(%q) gave no error", bad)
		}
	}
}

func TestParseWebhookKeyReadsWhatWebhookKeyWrites(t *testing.T) {
	w, a, u := fixed(t)
	gotW, gotH, ok := schema.ParseWebhookKey(schema.WebhookKey(w, id.Webhook(u)))
	if !ok || gotW != w || gotH != id.Webhook(u) {
		t.Errorf("ParseWebhookKey = %v, %v, %v, want %v, %v", gotW, gotH, ok, w, u)
	}
	for _, k := range []table.Key{
		{}, schema.WorkspaceKey(w), schema.WebhookCountKey(w), schema.FolderKey(w, id.Folder(u)), schema.DeliveryKey(id.Webhook(u), id.Delivery(a)),
		{PK: wsText, SK: "webhook#"}, {PK: "ws_1", SK: "webhook#" + plainText}, {PK: wsText, SK: "webhook#wh_" + plainText},
	} {
		if _, _, ok := schema.ParseWebhookKey(k); ok {
			t.Errorf("ParseWebhookKey(%v) takes it for a webhook", k)
		}
	}
}

func TestMarkersStayWithinTheirShards(t *testing.T) {
	hour := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	active, due := map[string]bool{}, map[string]bool{}
	for i := range schema.SweepShards {
		active[schema.ActivePartition(hour, i)], due[schema.DuePartition(hour, i)] = true, true
	}
	if len(active) != schema.SweepShards || len(due) != schema.SweepShards {
		t.Fatalf("%d and %d partitions, want %d each", len(active), len(due), schema.SweepShards)
	}
	for range 500 {
		w := id.NewWorkspace(hour)
		a := id.NewAsset(w, hour)
		if k := schema.ActiveKey(hour.Add(59*time.Minute), w); !active[k.PK] {
			t.Errorf("active marker lies in %q, which nobody sweeps", k.PK)
		}
		if k := schema.DueKey(hour, w, a); !due[k.PK] {
			t.Errorf("due marker lies in %q, which nobody sweeps", k.PK)
		}
	}
}

func TestParseSourceReadsWhatKeyWrites(t *testing.T) {
	w, a, _ := fixed(t)
	s := schema.Source{Workspace: w, Asset: a, Generation: 12}
	if want := fmt.Sprintf("w/%s/ef/%s/12/source", wsText, assetText); s.Key() != want {
		t.Errorf("Key = %q, want %q", s.Key(), want)
	}
	s.InRow = true
	if want := fmt.Sprintf("w/%s/ef/%s/12r/source", wsText, assetText); s.Key() != want {
		t.Errorf("Key of what is said in the row = %q, want %q", s.Key(), want)
	}
	if !strings.HasPrefix(s.Key(), schema.ObjectPrefix(w, a)) {
		t.Errorf("key %q is not under the asset's prefix %q", s.Key(), schema.ObjectPrefix(w, a))
	}
	rapid.Check(t, func(rt *rapid.T) {
		w := id.NewWorkspace(time.Now())
		want := schema.Source{Workspace: w, Asset: id.NewAsset(w, time.Now()), Generation: rapid.IntRange(1, 1<<31).Draw(rt, "generation")}
		want.InRow = rapid.Bool().Draw(rt, "in row")
		if got, ok := schema.ParseSource(want.Key()); !ok || got != want {
			rt.Errorf("ParseSource(%s) = %v, %v", want.Key(), got, ok)
		}
	})
}

func sourceKey(spread, generation, last string) string {
	return "w/" + wsText + "/" + spread + "/" + assetText + "/" + generation + "/" + last
}

func TestParseSourceRefuses(t *testing.T) {
	for _, tt := range []struct{ name, key string }{
		{"nothing", ""},
		{"another object of the asset", sourceKey("ef", "1", "w800.webp")},
		{"the wrong byte", sourceKey("ee", "1", "source")},
		{"the byte in upper case", sourceKey("EF", "1", "source")},
		{"generation 0", sourceKey("ef", "0", "source")},
		{"a negative generation", sourceKey("ef", "-1", "source")},
		{"a generation with a zero before", sourceKey("ef", "01", "source")},
		{"a generation with a sign", sourceKey("ef", "+1", "source")},
		{"a generation with a sign, said in the row", sourceKey("ef", "+1r", "source")},
		{"no generation, said in the row", sourceKey("ef", "r", "source")},
		{"a generation that is said in the row twice", sourceKey("ef", "1rr", "source")},
		{"a generation with another letter", sourceKey("ef", "1R", "source")},
		{"a generation beyond all numbers", sourceKey("ef", strings.Repeat("9", 30), "source")},
		{"a slash before", "/" + sourceKey("ef", "1", "source")},
		{"a slash behind", sourceKey("ef", "1", "source/")},
		{"another prefix", "x" + sourceKey("ef", "1", "source")[1:]},
		{"an asset that is no id", strings.Replace(sourceKey("ef", "1", "source"), assetText, "..", 1)},
		{"a workspace that is no id", strings.Replace(sourceKey("ef", "1", "source"), wsText, "ws_", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if s, ok := schema.ParseSource(tt.key); ok {
				t.Errorf("ParseSource(%q) = %v, want it refused", tt.key, s)
			}
		})
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add(sourceKey("ef", "1", "source"))
	f.Add(sourceKey("ef", "01", "source"))
	f.Add("w/////source")
	f.Add("")
	f.Fuzz(func(t *testing.T, key string) {
		if s, ok := schema.ParseSource(key); ok && s.Key() != key {
			t.Errorf("ParseSource(%q) = %v, whose key is %q", key, s, s.Key())
		}
	})
}

func FuzzParseAssetKey(f *testing.F) {
	f.Add(wsText+"#a#00", assetText)
	f.Add(wsText+"#a#ff", assetText)
	f.Add(wsText+"#a#1", assetText)
	f.Add("", "")
	f.Fuzz(func(t *testing.T, pk, sk string) {
		k := table.Key{PK: pk, SK: sk}
		if w, shard, a, ok := schema.ParseAssetKey(k); ok && schema.AssetKey(w, shard, a) != k {
			t.Errorf("ParseAssetKey(%v) = %v, %d, %v, whose key is another", k, w, shard, a)
		}
	})
}

func FuzzParseWebhookKey(f *testing.F) {
	f.Add(wsText, "webhook#"+plainText)
	f.Add(wsText, "webhook#")
	f.Add(wsText, "webhooks")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, pk, sk string) {
		k := table.Key{PK: pk, SK: sk}
		if w, h, ok := schema.ParseWebhookKey(k); ok && schema.WebhookKey(w, h) != k {
			t.Errorf("ParseWebhookKey(%v) = %v, %v, whose key is another", k, w, h)
		}
	})
}

func TestIndexesAreNamedByAttributesOfTheirRows(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range schema.Indexes() {
		if len(i.Name) < 3 || i.PK == "" || i.SK == "" || i.PK == i.SK || seen[i.Name] {
			t.Errorf("index %+v is not well formed, or there twice", i)
		}
		seen[i.Name] = true
	}
	for _, want := range []string{schema.IndexKeys, schema.IndexOnAsset} {
		if !seen[want] {
			t.Errorf("index %q is not declared", want)
		}
	}
}
