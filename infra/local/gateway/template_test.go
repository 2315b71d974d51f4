package gateway

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func readTestTemplate(t *testing.T) *Template {
	t.Helper()
	tmpl, err := ReadTemplate(filepath.Join("testdata", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestTemplateMergesGlobalsIntoFunctions(t *testing.T) {
	f := readTestTemplate(t).Functions[0]
	want := Function{
		Name: "AssetsRetrieve", CodeURI: ".", Handler: "bootstrap", BuildMethod: "makefile", Timeout: 20 * time.Second, MemorySize: 256,
		Environment: map[string]string{
			"TABLE": "${Table}", "STAGE": "own", "BUCKET": "${Bucket}/w", "ARN": "${Table.Arn}", "STREAM": "${Table.StreamArn}",
		},
		Events: []Event{{
			Name: "Get", Type: "HttpApi", Method: "GET", Path: "/api/v1/assets/{assetId}",
			Properties: map[string]any{"ApiId": "${Api}", "Method": "GET", "Path": "/api/v1/assets/{assetId}"},
		}},
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("first function (-want +got):\n%s", diff)
	}
}

func TestTemplateListsEveryEventOfEveryFunction(t *testing.T) {
	var got []string
	for _, f := range readTestTemplate(t).Functions {
		for _, e := range f.Events {
			got = append(got, strings.TrimSpace(strings.Join([]string{f.Name, e.Type, e.Method, e.Path}, " ")))
		}
	}
	want := []string{
		"AssetsRetrieve HttpApi GET /api/v1/assets/{assetId}",
		"AssetsCreate HttpApi POST /api/v1/assets",
		"AssetsSearch HttpApi GET /api/v1/assets/search",
		"OpenLink HttpApi GET /l/{token}",
		"OpenLink HttpApi HEAD /l/{token}",
		"Files HttpApi ANY /files/{proxy+}",
		"Files HttpApi ANY /files/{id}",
		"Slow HttpApi GET /slow",
		"Patient HttpApi GET /patient",
		"Broken HttpApi GET /broken/{how}",
		"Echo HttpApi ANY /echo",
		"Fallback HttpApi  $default",
		"OnObjectCreated S3",
		"StreamPublish DynamoDB",
		"Sweep Schedule",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTemplateReadsCORSFromParameters(t *testing.T) {
	want := &CORS{
		AllowOrigins: []string{"https://app.example.com", "http://localhost:5173"}, AllowMethods: []string{"GET", "POST", "DELETE"},
		AllowHeaders: []string{"authorization", "content-type", "x-stainless-lang"}, ExposeHeaders: []string{"request-id"}, MaxAge: 600,
	}
	if diff := cmp.Diff(want, readTestTemplate(t).CORS); diff != "" {
		t.Errorf("CORS (-want +got):\n%s", diff)
	}
}

func TestTemplateKnowsTypesAndVariables(t *testing.T) {
	tmpl := readTestTemplate(t)
	if got := tmpl.Types["Table"]; got != "AWS::DynamoDB::Table" {
		t.Errorf("Types[Table] = %q, want AWS::DynamoDB::Table", got)
	}
	if diff := cmp.Diff([]string{"ARN", "BUCKET", "STAGE", "STREAM", "TABLE"}, tmpl.Variables()); diff != "" {
		t.Errorf("Variables (-want +got):\n%s", diff)
	}
}

func TestWrongTemplatesAreRefusedWithTheReason(t *testing.T) {
	function := func(name, event string) string {
		return "  " + name + ":\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        E: {Type: HttpApi, Properties: {" + event + "}}\n"
	}
	for name, c := range map[string]struct{ body, want string }{
		"an empty file":               {"", "empty"},
		"a list":                      {"- a\n", "not a mapping"},
		"not YAML":                    {"a: [", "yaml"},
		"one route twice":             {"Resources:\n" + function("A", "Method: GET, Path: /a") + function("B", "Method: get, Path: /a"), `"GET /a" belongs to both A and B`},
		"a method without a path":     {"Resources:\n" + function("A", "Method: GET"), "only one of Path and Method"},
		"a path with a broken brace":  {"Resources:\n" + function("A", "Method: GET, Path: '/a/{b'"), "neither a literal"},
		"a greedy segment inside":     {"Resources:\n" + function("A", "Method: GET, Path: '/a/{b+}/c'"), "not the last segment"},
		"credentials for all origins": {"Resources:\n  Api: {Type: 'AWS::Serverless::HttpApi', Properties: {CorsConfiguration: {AllowOrigins: ['*'], AllowCredentials: true}}}\n", "name the origins"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseTemplate([]byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("parseTemplate = %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := ReadTemplate("testdata/absent.yaml"); err == nil {
		t.Error("ReadTemplate of a file that is not there = nil, want an error")
	}
}

func TestShortFormOfCORSAllowsEverything(t *testing.T) {
	tmpl, err := parseTemplate([]byte("Resources:\n  Api: {Type: 'AWS::Serverless::HttpApi', Properties: {CorsConfiguration: true}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}}
	if diff := cmp.Diff(want, tmpl.CORS); diff != "" {
		t.Errorf("CORS (-want +got):\n%s", diff)
	}
}

func TestMostSpecificRouteWins(t *testing.T) {
	rs, err := newRoutes(readTestTemplate(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, key string
		params            map[string]string
	}{
		{"GET", "/api/v1/assets/search", "GET /api/v1/assets/search", map[string]string{}},
		{"GET", "/api/v1/assets/searchx", "GET /api/v1/assets/{assetId}", map[string]string{"assetId": "searchx"}},
		{"GET", "/api/v1/assets/a%?#b", "GET /api/v1/assets/{assetId}", map[string]string{"assetId": "a%?#b"}},
		{"GET", "/api/v1/assets/a/b", "$default", nil},
		{"GET", "/api/v1/assets/", "$default", nil},
		{"GET", "/api/v1/assets//", "$default", nil},
		{"DELETE", "/api/v1/assets/x", "$default", nil},
		{"POST", "/api/v1/assets", "POST /api/v1/assets", map[string]string{}},
		{"POST", "/api/v1/assets/", "$default", nil},
		{"HEAD", "/api/v1/assets/x", "$default", nil},
		{"HEAD", "/l/t", "HEAD /l/{token}", map[string]string{"token": "t"}},
		{"PATCH", "/files/one", "ANY /files/{id}", map[string]string{"id": "one"}},
		{"PATCH", "/files/one/two", "ANY /files/{proxy+}", map[string]string{"proxy": "one/two"}},
		{"GET", "/", "$default", nil},
		{"OPTIONS", "*", "$default", nil},
	} {
		r, params := rs.find(c.method, c.path)
		if r == nil || r.key != c.key || !cmp.Equal(params, c.params) {
			t.Errorf("find(%s %s) = %+v %v, want %s %v", c.method, c.path, r, params, c.key, c.params)
		}
	}
}
