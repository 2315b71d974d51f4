package assets

import (
	"encoding/json"
	"net/http"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/webhook"
)

// deliveryAnswer shows a delivery: what was sent and what came of it.
type deliveryAnswer struct {
	DeliveryID     string          `json:"delivery_id"`
	WebhookID      string          `json:"webhook_id"`
	EventID        string          `json:"event_id"`
	EventType      string          `json:"event_type"`
	Status         string          `json:"status"`
	Attempts       int             `json:"attempts"`
	AttemptedAt    *string         `json:"attempted_at"`
	NextAttemptAt  *string         `json:"next_attempt_at"`
	ResponseStatus *int            `json:"response_status"`
	DurationMS     *int64          `json:"duration_ms"`
	FailureMessage *string         `json:"failure_message"`
	Payload        json.RawMessage `json:"payload"`
	CreatedAt      string          `json:"created_at"`
}

func renderDelivery(d webhook.Delivery) deliveryAnswer {
	a := deliveryAnswer{
		DeliveryID: d.ID.String(), WebhookID: d.Webhook.String(), EventID: d.Event, EventType: string(d.Type), Status: string(d.State),
		Attempts: d.Attempts, ResponseStatus: nullable(d.Status), FailureMessage: nullable(d.Failure), Payload: json.RawMessage(d.Body),
		CreatedAt: isoTime(d.CreatedAt()),
	}
	if !d.AttemptedAt.IsZero() {
		took := d.Took.Milliseconds()
		a.AttemptedAt, a.DurationMS = nullable(isoTime(d.AttemptedAt)), &took
	}
	if next := d.NextAt(); !next.IsZero() {
		a.NextAttemptAt = nullable(isoTime(next))
	}
	return a
}

// WebhooksTest is POST /workspaces/{workspaceId}/webhooks/{webhookId}/test, ours: the answer is the delivery, whatever the receiver said.
func WebhooksTest(s WebhookPostServices) http.Handler {
	return post(patternWebhookTest, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookAction(r)
		if err != nil {
			return err
		}
		d, err := s.Webhooks().Test(r.Context(), p, workspace, wh)
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, renderDelivery(d))
	})
}

type deliveriesAnswer struct {
	Deliveries []deliveryAnswer `json:"deliveries"`
	Meta       meta             `json:"meta"`
}

// WebhooksDeliveries is GET /workspaces/{workspaceId}/webhooks/{webhookId}/deliveries, ours: newest event first.
func WebhooksDeliveries(s WebhookServices) http.Handler {
	return route(http.MethodGet, patternDeliveries, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookPath(r)
		if err != nil {
			return err
		}
		cursor, limit, err := pageQuery(r)
		if err != nil {
			return err
		}
		found, next, err := s.Webhooks().Deliveries(r.Context(), p, workspace, wh, cursor, limit)
		if err != nil {
			return err
		}
		answer := deliveriesAnswer{Deliveries: make([]deliveryAnswer, len(found)), Meta: meta{nullable(next)}}
		for i, d := range found {
			answer.Deliveries[i] = renderDelivery(d)
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

// WebhooksReplay is POST /workspaces/{workspaceId}/webhooks/{webhookId}/deliveries/{deliveryId}/replay, ours.
func WebhooksReplay(s WebhookPostServices) http.Handler {
	return post(patternReplay, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookPath(r)
		if err != nil {
			return err
		}
		did, err := id.ParseDelivery(web.PathValue(r, paramDelivery))
		if err != nil {
			return access.Missing("delivery")
		}
		if err := emptyBody(r); err != nil {
			return err
		}
		d, err := s.Webhooks().Replay(r.Context(), p, workspace, wh, did)
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, renderDelivery(d))
	})
}
