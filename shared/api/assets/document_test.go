package assets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/assets/routes"
	"github.com/assetry/assetry/shared/api/web"
)

// strictDocument is the document with every object of an answer closed: an answer may have no field that the document does
// not have, though clients must expect new ones.
var strictDocument = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(assets.Document())
	if err != nil {
		return nil, err
	}
	for name, s := range doc.Components.Schemas {
		if !strings.HasSuffix(name, "Request") && s.Value.Type.Is("object") {
			closed := false
			s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	return doc, nil
})

// conform holds an answer against the document: its status, headers and body, for its route or, without one, the errors that every
// route shares. A JSON request that was accepted is held against it too.
func conform(t *testing.T, e *web.Endpoint, r *http.Request, got answer) {
	t.Helper()
	doc, err := strictDocument()
	if err != nil {
		t.Fatal(err)
	}
	method, path := http.MethodGet, "/assets"
	if e != nil {
		method, path = e.Method, strings.TrimPrefix(e.Pattern, assets.Base)
	}
	item := doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		t.Fatalf("the document does not have %s %s", method, path)
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: map[string]string{}, QueryParams: r.URL.Query(),
		Route:   &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)},
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: got.status, Header: got.header, Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(context.Background(), out.SetBodyBytes(got.body)); err != nil {
		t.Errorf("%s %s answered %d %s, which the document does not allow: %v", r.Method, r.URL.Path, got.status, got.body, err)
	}
	if e != nil && got.status < 300 && r.Header.Get("Content-Type") == "application/json" {
		in.PathParams, _ = web.MustPattern(e.Pattern).Match(r.URL.Path)
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			t.Errorf("%s %s was accepted, but the document does not allow it: %v", r.Method, r.URL.Path, err)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff"} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s %s answered %s: %q, want %q", r.Method, r.URL.Path, name, v, want)
		}
	}
}

// endpointsOf are the routes of the document, as the gateway spells them.
func endpointsOf(doc *openapi3.T) []string {
	var list []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			list = append(list, method+" "+assets.Base+path)
		}
	}
	slices.Sort(list)
	return list
}

func TestRoutesAndDocumentAgree(t *testing.T) {
	doc, err := strictDocument()
	if err != nil {
		t.Fatal(err)
	}
	var listed, bare []string
	functions := map[string]bool{}
	for _, r := range routes.Routes(&stack{}) {
		listed = append(listed, r.Method+" "+r.Pattern)
		if functions[r.Name] {
			t.Errorf("two routes are called %s", r.Name)
		}
		functions[r.Name] = true
	}
	for _, e := range assets.Endpoints() {
		bare = append(bare, e.Method+" "+e.Pattern)
	}
	slices.Sort(listed)
	slices.Sort(bare)
	if diff := cmp.Diff(endpointsOf(doc), listed); diff != "" {
		t.Errorf("routes (-document +list):\n%s", diff)
	}
	if diff := cmp.Diff(listed, bare); diff != "" {
		t.Errorf("Endpoints (-routes +endpoints):\n%s", diff)
	}
}

// TestRoutesAnswerWhereTheyAreListed holds that the endpoint in the list is the one the handler itself has.
func TestRoutesAnswerWhereTheyAreListed(t *testing.T) {
	s := newStack(t)
	c := newClient(s, shapes[0])
	fill := strings.NewReplacer("{assetId}", "asset_x", "{projectId}", "prj_x", "{workspaceId}", "ws_x", "{folderId}", "fld_x", "{webhookId}", "wh_x", "{deliveryId}", "x", assets.Base, "")
	for _, r := range routes.Routes(s) {
		got := c.do(t, request{method: r.Method, path: fill.Replace(r.Pattern)})
		want := http.StatusUnauthorized
		if r.Name == "openapi" {
			want = http.StatusOK
		}
		if got.status != want {
			t.Errorf("%s at %s %s answered %d without a key, want %d", r.Name, r.Method, r.Pattern, got.status, want)
		}
	}
}

// extensions are the operations that the published contract does not have.
var extensions = []string{
	"PATCH /assets/{assetId}", "DELETE /assets/{assetId}", "POST /assets/{assetId}/upload", "POST /assets/{assetId}/parts", "GET /assets/{assetId}/parts",
	"GET /assets/{assetId}/content", "GET /openapi.json",
	"GET /workspaces/{workspaceId}/webhooks", "POST /workspaces/{workspaceId}/webhooks",
	"GET /workspaces/{workspaceId}/webhooks/{webhookId}", "PATCH /workspaces/{workspaceId}/webhooks/{webhookId}",
	"DELETE /workspaces/{workspaceId}/webhooks/{webhookId}", "POST /workspaces/{workspaceId}/webhooks/{webhookId}/rotate-secret",
	"POST /workspaces/{workspaceId}/webhooks/{webhookId}/test", "GET /workspaces/{workspaceId}/webhooks/{webhookId}/deliveries",
	"POST /workspaces/{workspaceId}/webhooks/{webhookId}/deliveries/{deliveryId}/replay",
}

func TestDocumentIsValid(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(assets.Document())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || op.Summary == "" || op.Description == "" {
				t.Errorf("%s %s has no id, summary or description", method, path)
			}
			ours := op.Extensions["x-assetry-extension"] == true
			if want := slices.Contains(extensions, method+" "+path); ours != want {
				t.Errorf("%s %s is marked as ours: %v, want %v", method, path, ours, want)
			}
		}
	}
	for _, name := range []string{"MethodNotAllowed", "PreconditionFailed", "PayloadTooLarge", "UnsupportedMediaType"} {
		if doc.Components.Responses[name].Value.Extensions["x-assetry-extension"] != true {
			t.Errorf("the answer %s is not marked as ours", name)
		}
	}
}

func TestDocumentIsServed(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		got := c.run(t, scenario{request: request{method: "GET", path: "/openapi.json"}, status: 200}, nil)
		if !bytes.Equal(got.body, assets.Document()) || !json.Valid(got.body) {
			t.Error("the document that is served is not openapi.json")
		}
		if cache := got.header.Get("Cache-Control"); cache != "public, max-age=300" {
			t.Errorf("Cache-Control is %q", cache)
		}
	})
}

// contract are the fields of the published schema, by schema of the document; everything else must be marked as ours.
var contract = map[string][]string{
	"AssetCreateRequest": {"source", "workspace_id", "content_type", "file_name", "folder", "project_id"},
	"AssetDirectRequest": {"file", "workspace_id", "content_type", "file_name", "folder", "project_id"},
	"AssetCreate":        {"asset_id", "status", "uploaded_via", "url", "visibility", "workspace_id", "expires_at", "upload", "upload_url"},
	"AssetAction":        {"asset_id", "status", "url", "visibility", "workspace_id", "failure_message", "expires_at", "upload", "upload_url"},
	"AssetRetrieve": {"asset_id", "name", "description", "workspace_id", "url", "content_type", "upload_content_type", "size_bytes", "uploaded_via",
		"created_at", "status", "failure_message", "width", "height"},
	"AssetListItem": {"asset_id", "name", "description", "workspace_id", "url", "content_type", "upload_content_type", "size_bytes", "uploaded_via",
		"created_at", "status", "width", "height", "node_id", "project_id"},
	"AssetCompleteRequest": {},
	"AssetRetryRequest":    {},
	"FolderItemRequest":    {"description", "source", "text", "type"},
	"FolderItem":           {"folder_id", "saved_node_id", "workspace_id", "asset_id", "url"},
}

func TestFieldsBeyondTheContractAreMarkedAsOurs(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(assets.Document())
	if err != nil {
		t.Fatal(err)
	}
	for name, fields := range contract {
		schema := doc.Components.Schemas[name].Value
		for field, s := range schema.Properties {
			ours := s.Value.Extensions["x-assetry-extension"] == true
			if want := !slices.Contains(fields, field); ours != want {
				t.Errorf("%s.%s is marked as ours: %v, want %v", name, field, ours, want)
			}
		}
		for _, field := range fields {
			if schema.Properties[field] == nil {
				t.Errorf("%s has no %s, which the published schema has", name, field)
			}
		}
	}
}
