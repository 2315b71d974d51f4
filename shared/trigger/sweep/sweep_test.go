package sweep_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/upload"
)

// What a sweep does with uploads is tested in package trigger, where the bucket is real.

type services struct{ uploads *upload.Service }

func (s services) Uploads() *upload.Service { return s.uploads }

func on(t table.Table) services {
	accounts := account.New(t, account.Options{})
	assets := asset.New(t, accounts, page.NewSealer(secret.NewRoot()), asset.Options{})
	return services{upload.New(upload.Parts{Table: t, Assets: assets, Workspaces: accounts}, upload.Options{})}
}

func TestAnyScheduledEventStartsASweep(t *testing.T) {
	handle := sweep.Handler(on(domaintest.NewTable(t)))
	for name, text := range map[string]string{
		"of a rule":      `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","time":"2026-11-21T12:00:00Z","detail":{}}`,
		"of a scheduler": `{"source":"aws.scheduler","detail":"{}"}`,
		"by hand":        `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			var e events.CloudWatchEvent
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatal(err)
			}
			_, write, requests := domaintest.Spent(t, func(ctx context.Context) {
				if err := handle(ctx, e); err != nil {
					t.Errorf("sweep of an empty table: %v", err)
				}
			})
			if requests == 0 {
				t.Error("the sweep asked nothing of the table")
			}
			t.Logf("%d requests, %v write units", requests, write)
		})
	}
}

func TestASweepThatFailsIsAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		cause error
		want  fault.Kind
	}{
		"throttled":  {fault.New(fault.Throttled, "wait"), fault.Throttled},
		"unexpected": {errors.New("disk on fire"), fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			err := sweep.Handler(on(domaintest.Broken{Err: tt.cause}))(t.Context(), events.CloudWatchEvent{})
			domaintest.WantKind(t, "sweep", err, tt.want)
			if !errors.Is(err, tt.cause) {
				t.Errorf("the error %v does not hold its cause", err)
			}
		})
	}
}
