package fallback_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/fallback"
	"github.com/assetry/assetry/shared/api/health"
	"github.com/assetry/assetry/shared/api/links"
	"github.com/assetry/assetry/shared/api/orders/surface"
)

// shape is which dialect a body is in: "assets" has an error with code and message, "oauth" a code and a description, "graphql" a list of errors with
// codes, "plain" a message, anything else is wrong.
func shape(t *testing.T, body []byte) string {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(body, &tree); err != nil {
		return "no JSON: " + string(body)
	}
	if e, ok := tree["error"].(map[string]any); ok && len(tree) == 1 && e["code"] != nil && e["message"] != nil {
		return "assets"
	}
	if _, ok := tree["error_description"].(string); ok && len(tree) == 2 && tree["error"] == "invalid_request" {
		return "oauth"
	}
	if es, ok := tree["errors"].([]any); ok && len(tree) == 1 && len(es) == 1 && es[0].(map[string]any)["extensions"].(map[string]any)["code"] != nil {
		return "graphql"
	}
	if _, ok := tree["message"].(string); ok && len(tree) == 1 {
		return "plain"
	}
	return string(body)
}

func TestWhatNoRouteMatches(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		status             int
		allow, shape       string
	}{
		{"a path of the API that is not there", "GET", "/api/v1/nothing", 404, "", "assets"},
		{"the API's own address", "GET", "/api/v1", 404, "", "assets"},
		{"with a slash", "GET", "/api/v1/", 404, "", "assets"},
		{"another method of a collection", "PUT", "/api/v1/assets", 405, "GET, POST", "assets"},
		{"another method of a thing", "PUT", "/api/v1/assets/asset_1", 405, "DELETE, GET, PATCH", "assets"},
		{"another method of an action", "GET", "/api/v1/assets/asset_1/complete", 405, "POST", "assets"},
		{"a slash at the end is another path", "GET", "/api/v1/assets/", 404, "", "assets"},
		{"a method that the path takes, sent here by mistake", "GET", "/api/v1/assets", 404, "", "assets"},
		{"another method of the token endpoint", "GET", "/v1/authentication/token", 405, "POST", "oauth"},
		{"another method of revocation", "DELETE", "/v1/authentication/revoke", 405, "POST", "oauth"},
		{"a token endpoint that is not there", "POST", "/v1/authentication/authorize", 404, "", "oauth"},
		{"the address of all token endpoints", "POST", "/v1/authentication", 404, "", "oauth"},
		{"a path below GraphQL", "POST", "/v1/graphql/x", 404, "", "graphql"},
		{"a path that only begins like GraphQL", "POST", "/v1/graphqlx", 404, "", "plain"},
		{"a path that only begins like the API", "GET", "/api/v10/assets", 404, "", "plain"},
		{"another version", "GET", "/api/v2/assets", 404, "", "plain"},
		{"the root", "GET", "/", 404, "", "plain"},
		{"somebody's probe", "GET", "/wp-login.php", 404, "", "plain"},
		{"another method of a link", "POST", "/l/token", 405, "GET, HEAD", "plain"},
		{"another method of the health route", "POST", "/health", 405, "GET", "plain"},
		{"a link without a token", "GET", "/l", 404, "", "plain"},
		{"dots", "GET", "/api/v1/../l", 404, "", "assets"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, r := httptest.NewRecorder(), httptest.NewRequest(tt.method, "/", strings.NewReader(""))
			r.URL.Path = tt.path
			fallback.Handler().ServeHTTP(w, r)
			if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
				t.Errorf("%s %s = %d, Allow %q; want %d, %q", tt.method, tt.path, w.Code, w.Header().Get("Allow"), tt.status, tt.allow)
			}
			if got := shape(t, w.Body.Bytes()); got != tt.shape {
				t.Errorf("the body is of shape %s, want %s", got, tt.shape)
			}
			if ct := w.Header().Get("Content-Type"); !strings.HasPrefix(ct, "application/json") {
				t.Errorf("Content-Type %q", ct)
			}
			if w.Header().Get("Request-Id") == "" {
				t.Error("the answer has no request id")
			}
		})
	}
}

// TestEveryRouteIsKnown asks every path of every dialect with a method that nothing takes.
func TestEveryRouteIsKnown(t *testing.T) {
	want := map[string]map[string]bool{}
	all := slices.Concat(assets.Endpoints(), surface.Endpoints(), links.Endpoints(), health.Endpoints())
	for _, e := range all {
		if want[e.Pattern] == nil {
			want[e.Pattern] = map[string]bool{}
		}
		want[e.Pattern][e.Method] = true
	}
	for pattern, methods := range want {
		w, r := httptest.NewRecorder(), httptest.NewRequest("TRACE", "/", nil)
		r.URL.Path = strings.NewReplacer("{", "", "}", "").Replace(pattern)
		fallback.Handler().ServeHTTP(w, r)
		got := map[string]bool{}
		for _, m := range strings.Split(w.Header().Get("Allow"), ", ") {
			got[m] = true
		}
		if diff := cmp.Diff(methods, got); w.Code != 405 || diff != "" {
			t.Errorf("TRACE %s = %d, Allow (-want +got):\n%s", r.URL.Path, w.Code, diff)
		}
	}
}
