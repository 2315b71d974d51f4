package importing_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/trigger/importing"
	"github.com/assetry/assetry/shared/upload"
)

// house is an installation without imports.
type house struct{ uploads *upload.Service }

func (h house) Metrics() *metric.Log     { return nil }
func (h house) Uploads() *upload.Service { return h.uploads }

func TestRequestsAreReadStrictly(t *testing.T) {
	const ws, asset = "ws_01999999-0000-7000-8000-0000cafe0001", "0199aaaa-bbbb-7ccc-8ddd-eeeecafe0001"
	h := house{upload.New(upload.Parts{Table: domaintest.NewTable(t)}, upload.Options{})}
	for _, tt := range []struct {
		name string
		typ  bus.Type
		d    bus.Detail
		ok   bool
	}{
		{"a request for an import that is gone is done", bus.ImportRequested, bus.Detail{Workspace: ws, Asset: asset, Version: 1}, true},
		{"an event of another type", bus.AssetReady, bus.Detail{Workspace: ws, Asset: asset, Version: 1}, false},
		{"a workspace that is no id", bus.ImportRequested, bus.Detail{Workspace: "ws_1", Asset: asset, Version: 1}, false},
		{"an asset that is no id", bus.ImportRequested, bus.Detail{Workspace: ws, Asset: "..", Version: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.d.SchemaVersion = bus.SchemaVersion
			body, err := json.Marshal(map[string]any{
				"source": bus.Source, "detail-type": tt.typ, "time": "2026-01-15T12:10:00Z", "resources": []string{}, "detail": tt.d,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := importing.Handler(h)(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: string(body)}}})
			if err != nil || (len(got.BatchItemFailures) == 0) != tt.ok {
				t.Errorf("answer %+v, %v; want it taken: %t", got, err, tt.ok)
			}
		})
	}
}
