package house

import (
	"slices"
	"strings"
	"testing"
)

// layer is a kind of package below shared/, and what its packages may import beside the standard library and the domain.
type layer struct {
	name     string
	packages []string // folders, with everything below them; the longest match decides
	may      []string // our folders and other modules, with everything below them
	http     bool     // may it use net/http
}

var domain = layer{
	name: "domain",
	packages: []string{
		"shared/fault", "shared/id", "shared/page", "shared/schema", "shared/name", "shared/secret",
		"shared/access", "shared/account", "shared/ratelimit", "shared/project", "shared/link", "shared/folder",
		"shared/asset", "shared/upload", "shared/media", "shared/bus", "shared/table", "shared/blob",
		"shared/order", "shared/processing", "shared/product", "shared/pointcloud", "shared/remote", "shared/heartbeat", "shared/redact", "shared/idempotency", "shared/search", "shared/webhook", "shared/reconcile",
	},
	may: []string{"golang.org/x/text"},
}

var layers = []layer{
	domain,
	{name: "product", packages: []string{"shared/product/areaplan"}, may: []string{"golang.org/x/image", "codeberg.org/go-pdf/fpdf"}},
	{name: "list of products", packages: []string{"shared/product/catalog"}, may: []string{"shared/product"}},
	{name: "driver of the table", packages: []string{"shared/table/dynamo"}, may: []string{"shared/table/dynamo", "github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "github.com/google/uuid"}, http: true},
	{name: "records of the table's stream", packages: []string{"shared/table/dynamo/stream"}, may: []string{"github.com/aws/aws-lambda-go/events"}},
	{name: "embedded driver of the table", packages: []string{"shared/table/sqlite"}, may: []string{"modernc.org/sqlite"}},
	{name: "driver of the bucket", packages: []string{"shared/s3blob"}, may: []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}, http: true},
	{name: "guard of outgoing connections", packages: []string{"shared/guard"}, http: true},
	{name: "driver of remote files", packages: []string{"shared/importer"}, may: []string{"shared/guard"}, http: true},
	{name: "driver of webhooks", packages: []string{"shared/webhook/sender"}, may: []string{"shared/guard"}, http: true},
	{name: "caller of AWS's JSON services", packages: []string{"shared/awsjson"}, may: []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}, http: true},
	{name: "driver of the bus", packages: []string{"shared/bus/eventbridge"}, may: []string{"shared/awsjson", "github.com/aws/aws-sdk-go-v2"}, http: true},
	{name: "metrics", packages: []string{"shared/metric"}},
	{name: "ground of functions", packages: []string{"shared/invocation"}, may: []string{"github.com/aws/aws-lambda-go"}},
	{name: "ground of the dialects", packages: []string{"shared/api/web"}, may: []string{"shared/invocation", "github.com/aws/aws-lambda-go", "github.com/awslabs/aws-lambda-go-api-proxy"}, http: true},
	{name: "dialect", packages: []string{"shared/api"}, may: []string{"shared/api/web"}, http: true},
	{name: "dialect in GraphQL", packages: []string{"shared/api/orders"}, may: []string{"shared/api/web", "shared/api/orders/surface", "shared/api/orders/graph", "shared/api/orders/query", "github.com/99designs/gqlgen", "github.com/vektah/gqlparser"}, http: true},
	{name: "executor of GraphQL", packages: []string{"shared/api/orders/graph"}, may: []string{"github.com/99designs/gqlgen", "github.com/vektah/gqlparser"}},
	{name: "list of a dialect's routes", packages: []string{"shared/api/assets/routes"}, may: []string{"shared/api/web", "shared/api/assets"}, http: true},
	{name: "list of a dialect's routes", packages: []string{"shared/api/orders/routes"}, may: []string{"shared/api/web", "shared/api/orders"}, http: true},
	{name: "dialect without its engine", packages: []string{"shared/api/orders/surface", "shared/api/orders/oauth"}, may: []string{"shared/api/web", "shared/api/orders/surface"}, http: true},
	// The answer for what no route matches has the form of whichever dialect the path belongs to.
	{name: "fallback", packages: []string{"shared/api/fallback"}, may: []string{"shared/api"}, http: true},
	{name: "trigger", packages: []string{"shared/trigger"}, may: []string{"shared/trigger/queue", "shared/trigger/schedule", "shared/invocation", "shared/metric", "shared/table/dynamo/stream", "github.com/aws/aws-lambda-go"}},
	{name: "composition root", packages: []string{"shared/boot"}, may: []string{"shared", "github.com/aws/aws-sdk-go-v2"}, http: true},
	{
		name:     "ground of tests",
		packages: []string{"shared/tabletest", "shared/domaintest", "shared/enginetest", "shared/polltest", "shared/blob/blobtest", "shared/table/dynamo/dynamotest", "shared/guard/guardtest", "shared/pointcloud/e57/e57test"},
		may:      []string{"shared", "infra/dynamolocal", "github.com", "golang.org/x/net", "pgregory.net/rapid"}, http: true,
	},
}

// layerOf is the layer with the longest folder that holds the package.
func layerOf(path string) (found layer, ok bool) {
	longest := ""
	for _, l := range layers {
		for _, folder := range l.packages {
			if below(path, folder) && len(folder) > len(longest) {
				found, longest = l, folder
			}
		}
	}
	return found, longest != ""
}

func TestEveryPackageImportsOnlyWhatItsLayerMay(t *testing.T) {
	for _, p := range packages(t) {
		if !below(p.path, "shared") {
			continue
		}
		l, ok := layerOf(p.path)
		if !ok {
			t.Errorf("%s belongs to no layer: say in imports_test.go what it is", p.path)
			continue
		}
		for _, path := range p.imports(t) {
			if why := l.refuses(path); why != "" {
				t.Errorf("%s (%s) imports %s: %s", p.path, l.name, path, why)
			}
		}
	}
}

// refuses says why the packages of a layer may not import a path; "" when they may.
func (l layer) refuses(path string) string {
	ours, isOurs := strings.CutPrefix(path, module)
	switch {
	case path == "net/http" || strings.HasPrefix(path, "net/http/"):
		if !l.http {
			return "it knows no HTTP"
		}
		return ""
	case !isOurs && !strings.Contains(strings.SplitN(path, "/", 2)[0], "."):
		return "" // the standard library
	case isOurs:
		if to, ok := layerOf(ours); ok && to.name == domain.name {
			return ""
		}
		path = ours
	}
	if slices.ContainsFunc(l.may, func(folder string) bool { return below(path, folder) }) {
		return ""
	}
	return "it may import the standard library, the domain and " + strings.Join(l.may, ", ")
}

func TestDirectionsWithinTheDomain(t *testing.T) {
	for _, rule := range []struct{ from, to, why string }{
		{"shared/access", "shared/account", "access is pure: it judges what account found"},
		{"shared/asset", "shared/upload", "clean-up runs from the change feed instead"},
		{"shared/table", "shared/schema", "the contract of the table knows none of our keys"},
		{"shared/blob", "shared/schema", "the contract of the bucket knows none of our keys"},
		{"shared/bus", "shared/upload", "events are made from rows"},
	} {
		for _, p := range packages(t) {
			if p.path == rule.from && slices.Contains(p.imports(t), module+rule.to) {
				t.Errorf("%s imports %s: %s", rule.from, rule.to, rule.why)
			}
		}
	}
}

func TestOnlyCompositionRootsJoinDrivers(t *testing.T) {
	drivers := []string{"shared/table/dynamo", "shared/table/sqlite", "shared/s3blob", "shared/bus/eventbridge", "shared/importer", "shared/webhook/sender"}
	for _, p := range packages(t) {
		if below(p.path, "shared/boot") || below(p.path, "infra") {
			continue
		}
		l, _ := layerOf(p.path)
		for _, path := range p.imports(t) {
			ours := strings.TrimPrefix(path, module)
			if !slices.Contains(drivers, ours) || below(p.path, ours) || l.name == "ground of tests" {
				continue
			}
			t.Errorf("%s imports the driver %s; only shared/boot and infra know drivers", p.path, ours)
		}
	}
}

func TestMainsOnlyWire(t *testing.T) {
	may := []string{"shared/api", "shared/boot", "shared/trigger", "shared/product/catalog"}
	for _, p := range packages(t) {
		if !below(p.path, "functions") {
			continue
		}
		if len(p.files) != 1 || p.files[0].name != p.path+"/main.go" || p.files[0].Name.Name != "main" {
			t.Errorf("%s has %d files; a function is one main.go", p.path, len(p.files))
		}
		for _, path := range p.imports(t) {
			ours, isOurs := strings.CutPrefix(path, module)
			if !isOurs || !slices.ContainsFunc(may, func(folder string) bool { return below(ours, folder) }) {
				t.Errorf("%s imports %s; a main imports its dialect or trigger, web and boot, and work-order the catalog of products", p.path, path)
			}
		}
	}
}

// The rules above pass in silence; this one shows that they speak.
func TestLayersRefuse(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		refused  bool
	}{
		{"shared/asset", "strings", false},
		{"shared/asset", "net/http", true},
		{"shared/asset", "net/http/httptest", true},
		{"shared/asset", module + "shared/table", false},
		{"shared/asset", module + "shared/table/dynamo", true},
		{"shared/asset", module + "shared/table/sqlite", true},
		{"shared/asset", module + "shared/api/web", true},
		{"shared/asset", "github.com/aws/aws-lambda-go/events", true},
		{"shared/api/links", module + "shared/api/assets", true},
		{"shared/api/links", module + "shared/s3blob", true},
		{"shared/api/assets", module + "shared/api/assets/routes", true},
		{"shared/api/fallback", module + "shared/api/assets", false},
		{"shared/table/sqlite", module + "shared/table/dynamo", true},
		{"shared/trigger/object", "net/http", true},
		{"shared/upload", module + "shared/importer", true},
		{"shared/upload", module + "shared/guard", true},
		{"shared/upload", module + "shared/metric", true},
		{"shared/webhook", module + "shared/invocation", true},
		{"shared/upload", module + "shared/redact", false},
		{"shared/importer", module + "shared/guard", false},
		{"shared/guard", module + "shared/importer", true},
		{"shared/boot", module + "shared/s3blob", false},
		{"shared/boot", "modernc.org/sqlite", true},
		{"shared/boot", module + "infra/local/versity", true},
	} {
		l, ok := layerOf(tt.from)
		if !ok {
			t.Fatalf("%s belongs to no layer", tt.from)
		}
		if why := l.refuses(tt.to); (why != "") != tt.refused {
			t.Errorf("%s imports %s: refused %q, want refused: %t", tt.from, tt.to, why, tt.refused)
		}
	}
}
