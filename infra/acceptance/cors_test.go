package acceptance_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestPagesMayChangeAssets asks as a browser does before it sends PATCH with If-Match, and holds that the page may read the ETag of the answer.
func TestPagesMayChangeAssets(t *testing.T) {
	c := newClient(anyStack(t))
	a, err := c.create(t.Context(), "page.png")
	if err != nil {
		t.Fatal(err)
	}
	address, origin := c.API+"/api/v1/assets/"+a.ID, "https://app.example.com"
	asked, err := c.do(t.Context(), http.MethodOptions, address, http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"PATCH"},
		"Access-Control-Request-Headers": {"authorization,content-type,if-match"}}, nil)
	if err != nil || asked.status != http.StatusNoContent || !strings.Contains(asked.header.Get("Access-Control-Allow-Methods"), "PATCH") ||
		!strings.Contains(asked.header.Get("Access-Control-Allow-Headers"), "if-match") {
		t.Fatalf("the preflight answered %d %v, %v", asked.status, asked.header, err)
	}
	header := http.Header{"Origin": {origin}, "Authorization": {"Bearer " + c.Key}, "Content-Type": {"application/json"}}
	seen, err := c.do(t.Context(), http.MethodGet, address, header, nil)
	if err != nil {
		t.Fatal(err)
	}
	if exposed := strings.ToLower(seen.header.Get("Access-Control-Expose-Headers")); !strings.Contains(exposed, "etag") {
		t.Errorf("a page may read %q, want etag among them", exposed)
	}
	header.Set("If-Match", seen.header.Get("ETag"))
	for _, want := range []int{http.StatusOK, http.StatusPreconditionFailed} { // the second comes with what is stale by then
		got, err := c.do(t.Context(), http.MethodPatch, address, header, strings.NewReader(`{"name": "changed.png"}`))
		if err != nil || got.status != want || got.header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("PATCH answered %d %s %v, %v; want %d", got.status, got.body, got.header, err, want)
		}
	}
}
