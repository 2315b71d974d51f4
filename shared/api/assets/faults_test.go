package assets_test

import (
	"errors"
	"testing"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/secret"
)

// TestFaultsOfTheHouse breaks the table behind the assets: what goes wrong on our side says so, when to come back, and nothing more.
func TestFaultsOfTheHouse(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		status     int
		retryAfter string
		body       string
	}{
		{
			"a bug", errors.New("row 17 of secret-table is torn"), 500, "",
			`{"error":{"code":"unknown_error","message":"An unknown error occurred."}}`,
		},
		{
			"a throttled table", fault.New(fault.Throttled, "Too many requests at once; wait a moment and repeat."), 429, "1",
			`{"error":{"code":"rate_limited","message":"Too many requests at once; wait a moment and repeat."}}`,
		},
		{
			"a lost answer", fault.Wrap(errors.New("dial 10.0.0.7"), fault.Unavailable, "The table did not answer; repeat."), 503, "1",
			`{"error":{"code":"service_unavailable","message":"The table did not answer; repeat."}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inShapes(t, func(t *testing.T, c *client) {
				a := c.reserve(t, "image/png")
				c.assets = asset.New(domaintest.Broken{Err: tt.err}, c.accounts, page.NewSealer(secret.NewRoot()), asset.Options{})
				for _, in := range []request{
					{method: "GET", path: "/assets/" + a.AssetID, key: c.keys.owner},
					{method: "GET", path: "/assets", key: c.keys.owner},
					{method: "DELETE", path: "/assets/" + a.AssetID, key: c.keys.owner},
				} {
					got := c.run(t, scenario{request: in, status: tt.status}, nil)
					if string(got.body) != tt.body+"\n" || got.header.Get("Retry-After") != tt.retryAfter {
						t.Errorf("%s %s answered %s with Retry-After %q, want %s with %q",
							in.method, in.path, got.body, got.header.Get("Retry-After"), tt.body, tt.retryAfter)
					}
				}
			})
		})
	}
}
