package assets_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// followed is what an address of the bucket answers, without a key.
func followed(t *testing.T, address string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestContentLeadsToTheBytes(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a := c.direct(t, c.keys.editor, c.home.ID.String(), "a b.png")
		for _, key := range []string{c.keys.owner, c.keys.editor, c.keys.viewer} {
			got := c.run(t, scenario{request: request{method: "GET", path: "/assets/" + a.AssetID + "/content", key: key}, status: 302}, nil)
			for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
				if v := got.header.Get(name); v != want {
					t.Errorf("%s is %q, want %q", name, v, want)
				}
			}
			resp, body := followed(t, got.header.Get("Location"))
			if resp.StatusCode != 200 || !bytes.Equal(body, picture(t, 2, 2)) || resp.Header.Get("Content-Type") != "image/png" {
				t.Errorf("the address answers %d with %d bytes of %s", resp.StatusCode, len(body), resp.Header.Get("Content-Type"))
			}
			if v := resp.Header.Get("Content-Disposition"); v != `inline; filename="a b.png"; filename*=UTF-8''a%20b.png` {
				t.Errorf("Content-Disposition is %s", v)
			}
		}
	})
}

func TestContentIsThereOnceTheAssetIsReady(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		pending, failed := c.reserve(t, "image/png"), c.failed(t)
		for _, a := range []created{pending, failed} {
			c.refused(t, request{method: "GET", path: "/assets/" + a.AssetID + "/content", key: c.keys.viewer}, 409, "conflict")
		}
		c.refused(t, request{method: "GET", path: "/assets/" + pending.AssetID + "/content", key: c.keys.stranger}, 404, "not_found")
		c.refused(t, request{method: "GET", path: "/assets/asset_x/content", key: c.keys.viewer}, 404, "not_found")
		c.refused(t, request{method: "GET", path: "/assets/" + pending.AssetID + "/content"}, 401, "unauthorized")
	})
}
