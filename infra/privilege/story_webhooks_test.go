package privilege_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/id"
	"time"
)

// tellWebhooks makes, tries, changes and deletes webhooks, sends what happened to one whose server takes it, and to one whose server does not,
// now and when it is tried again.
func tellWebhooks(t *testing.T, w *world) {
	var status atomic.Int32
	status.Store(http.StatusNoContent)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	t.Cleanup(server.Close)
	hooks := "/workspaces/" + w.workspace.String() + "/webhooks"
	const nobodys = "/wh_019bc1a2-1000-7000-8000-00ee5eed0001"
	hook := hooks + "/" + w.once(t, hooks, m{"url": server.URL, "events": []string{"asset.ready"}}).text(t, "webhook_id")
	w.refused(t, hooks, m{"url": "ftp://example.com/"})
	w.must(t, "GET", hooks+"?limit=1", nil)
	w.must(t, "GET", hook, nil)
	w.must(t, "PATCH", hook, m{"description": "Stories"})
	w.once(t, hook+"/rotate-secret", nil)
	w.refused(t, hooks+nobodys+"/rotate-secret", nil)
	delivery := w.once(t, hook+"/test", nil).text(t, "delivery_id")
	w.refused(t, hooks+nobodys+"/test", nil)
	w.must(t, "GET", hook+"/deliveries?limit=1", nil)
	w.once(t, hook+"/deliveries/"+delivery+"/replay", nil)
	w.refused(t, hooks+nobodys+"/deliveries/"+delivery+"/replay", nil)

	a := w.create(t)
	w.send(t, a, picture(0))
	w.becomes(t, a.text(t, "asset_id"), "ready")
	w.uses(t, "on-webhook-event", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "secretsmanager:GetSecretValue")

	status.Store(http.StatusServiceUnavailable)
	asset := id.NewAsset(w.workspace, time.Now().Add(past))
	if err := w.domain(later(past)).webhooks.Handle(t.Context(), bus.Event{Type: bus.AssetReady, Time: time.Now().Add(past), Detail: bus.Detail{
		SchemaVersion: bus.SchemaVersion, ID: asset.String() + ":2", Workspace: w.workspace.String(), Asset: asset.String(), Version: 2, State: "ready",
	}}); err != nil {
		t.Fatal(err)
	}
	w.schedule(t, "webhook-retries")
	w.uses(t, "webhook-retries", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "secretsmanager:GetSecretValue")
	w.must(t, "DELETE", hook, nil)
	w.deliver(t)
}
