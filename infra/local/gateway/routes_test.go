package gateway

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
)

func readTestTemplate(t *testing.T) *template.Template {
	t.Helper()
	tmpl, err := template.Read(filepath.Join("testdata", "template.yaml"), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
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
