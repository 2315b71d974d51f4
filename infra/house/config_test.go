package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
)

var variable = regexp.MustCompile(`^ASSETRY_[A-Z_]+$`)

// variables are the names of our environment variables in the code of functions.
func variables(t *testing.T) []string {
	t.Helper()
	names := map[string]bool{}
	for _, p := range packages(t) {
		l, _ := layerOf(p.path)
		if !below(p.path, "shared") && !below(p.path, "functions") || l.name == "ground of tests" {
			continue
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.File, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				if s, err := strconv.Unquote(lit.Value); err == nil && variable.MatchString(s) {
					names[s] = true
				}
				return true
			})
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestTemplateSetsTheVariablesThatCodeReads(t *testing.T) {
	read := variables(t)
	for _, f := range readTemplate(t).Functions {
		if d := cmp.Diff(read, slices.Sorted(maps.Keys(f.Environment))); d != "" {
			t.Errorf("environment of %s (-read by code +template.yaml):\n%s", f.Name, d)
		}
	}
}

func TestReadmeExplainsEveryVariableAndParameter(t *testing.T) {
	readme := string(read(t, "README.md"))
	for _, name := range variables(t) {
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the configuration table of README.md has no `%s`", name)
		}
	}
	for name := range at(t, raw(t), "Parameters").(map[string]any) {
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not explain the parameter `%s` of template.yaml", name)
		}
	}
}

func TestReadmeTellsWhatIsDeployed(t *testing.T) {
	readme := string(read(t, "README.md"))
	for name := range at(t, raw(t), "Outputs").(map[string]any) {
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not explain the output `%s` of template.yaml", name)
		}
	}
	routed, others := 0, 0
	for _, f := range readTemplate(t).Functions {
		if len(template.EventsOf[template.HttpApi](f)) > 0 {
			routed++
		} else {
			others++
		}
	}
	want := fmt.Sprintf("an HTTP API with %d functions behind it and %d functions for events", routed, others)
	if !strings.Contains(readme, want) {
		t.Errorf("README.md does not say that the stack has %s", want)
	}
}

// No value of a secret may stand in a function's configuration, where everybody who may list functions can read it.
func TestTemplateCarriesNoSecrets(t *testing.T) {
	for name, p := range at(t, raw(t), "Parameters").(map[string]any) {
		if p.(map[string]any)["NoEcho"] != nil {
			t.Errorf("the parameter %s is a secret; keep it in Secrets Manager", name)
		}
	}
	if text := string(read(t, "template.yaml")); strings.Contains(text, "{{resolve:secretsmanager") {
		t.Error("template.yaml resolves a secret into a property; give its ARN and read it in init")
	}
}
