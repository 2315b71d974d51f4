package assets_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/upload"
)

// points are a list of points as text.
func points(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "%d.5 %d 3\r\n", i, i%7)
	}
	return b.Bytes()
}

// maker is who makes inputs of orders in the client's workspace.
func (c *client) maker() access.Principal {
	return access.Principal{Key: id.NewKey(time.Now()), Grants: map[id.Workspace]access.Role{c.home.ID: access.Editor}}
}

// bare sends a body to an address without any header of ours.
func bare(t *testing.T, address string, body []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the bucket answered %d to a PUT", resp.StatusCode)
	}
}

func TestScansComeWhereTheyAreAnnounced(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		for _, declared := range []string{"model/x-xyz", "chemical/x-xyz"} {
			a := c.reserve(t, declared)
			c.send(t, a, points(300))
			var done created
			c.decode(t, c.action(t, a, "complete"), 200, &done)
			got := c.retrieve(t, c.keys.viewer, a.AssetID)
			if done.Status != "ready" || got.ContentType != "model/x-xyz" || *got.UploadContentType != declared {
				t.Errorf("points announced as %s: %+v", declared, got)
			}
		}
		for declared, says := range map[string]string{
			"application/octet-stream": "plain text", "image/png": "plain text", "model/e57": "was announced as e57, but it is plain text",
		} {
			a := c.reserve(t, declared)
			c.send(t, a, points(300))
			var done created
			c.decode(t, c.action(t, a, "complete"), 200, &done)
			if done.Status != "failed" || !strings.Contains(*done.FailureMessage, says) {
				t.Errorf("points announced as %s: %s", declared, done.Status)
			}
		}
	})
}

func TestAnInputOfAnOrderIsAnOrdinaryAsset(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		ctx := context.Background()
		d := upload.Draft{Workspace: c.home.ID, Name: "room.xyz", Format: "xyz", Orders: asset.OrdersOf(id.NewOrder(c.home.ID, time.Now()))}
		a, g, err := c.uploads.BeginPut(ctx, c.maker(), d, 0)
		if err != nil {
			t.Fatal(err)
		}
		named := created{AssetID: "asset_" + a.ID.String()}
		if got := c.retrieve(t, c.keys.viewer, named.AssetID); got.UploadedVia != "put" || got.Status != "pending_upload" || *got.Name != "room.xyz" {
			t.Errorf("an input that is on its way: %+v", got)
		}
		bare(t, g.URL, []byte("<html></html>"))
		var done created
		c.decode(t, c.action(t, named, "complete"), 200, &done)
		if done.Status != "failed" || !strings.Contains(*done.FailureMessage, "announced as xyz, but it is an HTML page") {
			t.Fatalf("a page: %+v", done)
		}
		var next created
		c.decode(t, c.action(t, named, "retry"), 200, &next)
		if next.Upload == nil || next.Upload.Method != "PUT" || next.Upload.URL == "" || next.UploadURL != next.Upload.URL || next.Upload.FormFields != nil {
			t.Fatalf("the next attempt is granted by %+v", next.Upload)
		}
		bare(t, next.UploadURL, points(300))
		c.decode(t, c.action(t, named, "complete"), 200, &done)
		if got := c.retrieve(t, c.keys.viewer, named.AssetID); got.Status != "ready" || got.ContentType != "model/x-xyz" {
			t.Errorf("with its points: %+v", got)
		}
	})
}

func TestPartsOfAnInputHaveSizesOfTheClientsOwn(t *testing.T) {
	inShapes(t, func(t *testing.T, c *client) {
		a, _, err := c.uploads.BeginOpenParts(context.Background(), c.maker(), upload.Draft{Workspace: c.home.ID, Format: "xyz"}, 2, 0)
		if err != nil {
			t.Fatal(err)
		}
		path := "/assets/asset_" + a.ID.String() + "/parts"
		raw := c.do(t, request{method: "POST", path: path, key: c.keys.editor})
		var p plan
		c.decode(t, raw, 200, &p)
		if !bytes.Contains(raw.body, []byte(`"part_size":null`)) || p.PartCount != 2 || len(p.Parts) != 2 {
			t.Errorf("the plan is %s", raw.body)
		}
		body := points(700_000)[:upload.MinPartSize+20_000]
		bare(t, p.Parts[0].URL, body[:upload.MinPartSize+7])
		bare(t, p.Parts[1].URL, body[upload.MinPartSize+7:])
		var done created
		c.decode(t, c.action(t, created{AssetID: "asset_" + a.ID.String()}, "complete"), 200, &done)
		if done.Status != "ready" {
			t.Errorf("completed: %+v", done)
		}
	})
}
