package house

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// notLinked may not be in a function's binary, each for its reason.
var notLinked = []struct{ folder, why string }{
	{"modernc.org/sqlite", "SQLite is the laptop's engine"},
	{"github.com/versity", "the local bucket is the laptop's engine"},
	{module + "shared/table/sqlite", "SQLite is the laptop's engine"},
	{module + "infra", "infra surrounds the product and is no part of it"},
	{module + "shared/api/assets/routes", "the list links every handler of its dialect"},
	{module + "shared/api/orders/routes", "the list links every handler of its dialect"},
	{module + "shared/enginetest", "it is for tests"},
	{module + "shared/domaintest", "it is for tests"},
	{module + "shared/tabletest", "it is for tests"},
	{"testing", "it is for tests"},
	{"github.com/aws/aws-sdk-go-v2/config", "it reads files and profiles that a function does not have: 1.7 MB"},
	{"github.com/aws/aws-sdk-go-v2/service/eventbridge", "shared/awsjson calls its one operation, without half a millisecond of every start"},
	{"github.com/aws/aws-sdk-go-v2/service/secretsmanager", "shared/awsjson calls its one operation, without a quarter of a millisecond of every start"},
	{"github.com/gabriel-vasile/mimetype", "shared/media finds types by fewer bytes"},
	{"gopkg.in/yaml.v3", "no function reads YAML"},
}

func TestFunctionsLinkNoLocalEngineAndNoList(t *testing.T) {
	out, err := goCommand("list", "-deps", "-f", "{{.ImportPath}}", "./functions/...")
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	deps := strings.Fields(out)
	if !slices.Contains(deps, module+"shared/boot") {
		t.Fatalf("go list gave %d packages without shared/boot", len(deps))
	}
	for _, dep := range deps {
		for _, no := range notLinked {
			if below(dep, no.folder) {
				t.Errorf("a function links %s: %s. See `go list -deps ./functions/<name>`", dep, no.why)
			}
		}
	}
}

func TestFunctionsWithoutEnginesLinkNone(t *testing.T) {
	for _, name := range []string{"fallback", "health", "openapi"} {
		out, err := goCommand("list", "-deps", "-f", "{{.ImportPath}}", "./functions/"+name)
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		for _, dep := range strings.Fields(out) {
			if below(dep, "github.com/aws/aws-sdk-go-v2") || below(dep, module+"shared/boot") {
				t.Errorf("function %s needs no service and links %s", name, dep)
			}
		}
	}
}

func goCommand(args ...string) (string, error) {
	c := exec.Command("go", args...)
	c.Dir = root
	out, err := c.CombinedOutput()
	return string(out), err
}
