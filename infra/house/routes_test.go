package house

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/dialects"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/fallback"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

// logicalID is the name of a function in the template, as the Makefile's rule build-% reads it back.
func logicalID(function string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(function, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String() + "Function"
}

// declared are the routes of the dialects, "POST /api/v1/assets" to its function's logical id.
func declared() map[string]string {
	table := map[string]string{template.DefaultRoute: logicalID(dialects.Fallback)}
	for _, r := range dialects.Routes(boot.AWS(), "") {
		table[r.Method+" "+r.Pattern] = logicalID(r.Name)
	}
	return table
}

func TestFoldersAndTemplateHaveTheSameFunctions(t *testing.T) {
	var want, got []string
	for _, name := range functions(t) {
		want = append(want, logicalID(name))
	}
	for _, f := range readTemplate(t).Functions {
		got = append(got, f.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("functions (-folders below functions/ +template.yaml):\n%s", d)
	}
}

func TestTemplateRoutesAsTheDialectsDo(t *testing.T) {
	got := map[string]string{}
	for _, f := range readTemplate(t).Functions {
		for _, e := range template.EventsOf[template.HttpApi](f) {
			got[e.Key()] = f.Name
		}
	}
	if d := cmp.Diff(declared(), got); d != "" {
		t.Errorf("routes (-dialects +template.yaml):\n%s", d)
	}
}

func TestMainsSayTheirRoute(t *testing.T) {
	methods := map[string][]string{}
	all := dialects.Routes(boot.AWS(), "")
	for _, r := range all {
		methods[r.Name+r.Pattern] = append(methods[r.Name+r.Pattern], r.Method)
	}
	for _, r := range all {
		doc := string(read(t, "functions", r.Name, "main.go"))
		want := strings.Join(methods[r.Name+r.Pattern], " and ") + " " + r.Pattern
		if !strings.Contains(doc, want+" ") && !strings.Contains(doc, want+".\n") {
			t.Errorf("the comment of functions/%s does not say %q", r.Name, want)
		}
	}
}

func TestDocumentHasEveryRouteAndNoOther(t *testing.T) {
	var doc struct {
		Servers []struct{ URL string }
		Paths   map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(assets.Document(), &doc); err != nil {
		t.Fatalf("openapi.json: %v", err)
	}
	if len(doc.Servers) == 0 {
		t.Fatal("openapi.json names no server")
	}
	base := strings.TrimRight(doc.Servers[0].URL, "/")
	var got, want []string
	for path, item := range doc.Paths {
		for method := range item {
			if slices.Contains([]string{"get", "head", "post", "put", "patch", "delete"}, method) {
				got = append(got, strings.ToUpper(method)+" "+base+path)
			}
		}
	}
	for _, e := range assets.Endpoints() {
		want = append(want, e.Method+" "+e.Pattern)
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("routes (-list +openapi.json):\n%s", d)
	}
}

func TestFallbackKnowsEveryRoute(t *testing.T) {
	known := fallback.Endpoints()
	var want []web.Endpoint
	for _, f := range readTemplate(t).Functions {
		for _, e := range template.EventsOf[template.HttpApi](f) {
			if e.Path != template.DefaultRoute {
				want = append(want, web.Endpoint{Method: e.Method, Pattern: e.Path})
			}
		}
	}
	order := func(a, b web.Endpoint) int {
		return strings.Compare(a.Pattern+" "+a.Method, b.Pattern+" "+b.Method)
	}
	slices.SortFunc(known, order)
	slices.SortFunc(want, order)
	if d := cmp.Diff(want, known); d != "" {
		t.Errorf("endpoints that fallback tells 405 from 404 by (-template.yaml +dialects):\n%s", d)
	}
}

func TestEveryFunctionHasASampleEvent(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "events", "*"))
	if err != nil {
		t.Fatal(err)
	}
	names := functions(t)
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(root, "events", name+".json")); err != nil {
			t.Errorf("function %s has no events/%s.json", name, name)
		}
	}
	for _, f := range files {
		if base := filepath.Base(f); functionOf(base, names) == "" {
			t.Errorf("events/%s belongs to no function; name it <function>.json or <function>-<case>.json", base)
		}
	}
}

// functionOf is the function that a sample event is for: the longest name that the file's begins with.
func functionOf(file string, names []string) string {
	base, isJSON := strings.CutSuffix(file, ".json")
	longest := ""
	for _, name := range names {
		if isJSON && (base == name || strings.HasPrefix(base, name+"-")) && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}
