package orders

import (
	"context"

	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/webhook"
)

// CreateWebhook makes the client's webhook. A repeat under the same Idempotency-Key answers that webhook, with its present secret; one that was
// deleted meanwhile is not made again.
func (r mutationFields) CreateWebhook(ctx context.Context, url string) (*graph.Webhook, error) {
	return claimed(ctx, r.resolvers, idempotency.Request{In: home(ctx)}, func(ctx context.Context, c idempotency.Claim) (*graph.Webhook, error) {
		h, secret, err := r.s.Webhooks().CreateOwn(ctx, callOf(ctx).principal, id.Webhook(c.Thing), url)
		if fault.Is(err, fault.Duplicate) { // an earlier run had made it, and was cut off
			return r.withSecret(ctx, id.Webhook(c.Thing))
		}
		return renderWebhook(h, secret, err)
	}, func(ctx context.Context, thing id.UUID) (*graph.Webhook, error) {
		return r.withSecret(ctx, id.Webhook(thing))
	})
}

// UpdateWebhook gives the client's webhook another address.
func (r mutationFields) UpdateWebhook(ctx context.Context, sent, url string) (*graph.Webhook, error) {
	h, err := webhookID(sent)
	if err != nil {
		return nil, err
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.Webhook, error) {
		found, err := r.s.Webhooks().UpdateOwn(ctx, callOf(ctx).principal, h, url)
		return renderWebhook(found, "", err)
	})
}

// RotateWebhookSecret gives the client's webhook another secret. A repeat under the same Idempotency-Key answers the present one.
func (r mutationFields) RotateWebhookSecret(ctx context.Context, sent string) (*graph.Webhook, error) {
	h, err := webhookID(sent)
	if err != nil {
		return nil, err
	}
	return once(ctx, r.resolvers, func(ctx context.Context) (*graph.Webhook, error) {
		return renderWebhook(r.s.Webhooks().RotateOwn(ctx, callOf(ctx).principal, h))
	}, func(ctx context.Context) (*graph.Webhook, error) { return r.withSecret(ctx, h) })
}

// DeleteWebhook deletes the client's webhook, and answers it as it was.
func (r mutationFields) DeleteWebhook(ctx context.Context, sent string) (*graph.Webhook, error) {
	h, err := webhookID(sent)
	if err != nil {
		return nil, err
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.Webhook, error) {
		found, err := r.s.Webhooks().DeleteOwn(ctx, callOf(ctx).principal, h)
		return renderWebhook(found, "", err)
	})
}

// withSecret answers the client's webhook, with its present secret, to a repeat of the request that had shown it.
func (r mutationFields) withSecret(ctx context.Context, h id.Webhook) (*graph.Webhook, error) {
	return renderWebhook(r.s.Webhooks().ShowOwn(ctx, callOf(ctx).principal, h))
}

// Webhooks lists the client's webhook, if it has one.
func (r queryFields) Webhooks(ctx context.Context) ([]graph.Webhook, error) {
	h, err := r.s.Webhooks().Own(ctx, callOf(ctx).principal)
	if fault.Is(err, fault.NotFound) {
		return []graph.Webhook{}, nil
	}
	found, err := renderWebhook(h, "", err)
	if err != nil {
		return nil, err
	}
	return []graph.Webhook{*found}, nil
}

func renderWebhook(h webhook.Webhook, secret string, err error) (*graph.Webhook, error) {
	if err != nil {
		return nil, named(err, "url", "webhook_url")
	}
	out := &graph.Webhook{WebhookID: h.ID.String(), Created: h.CreatedAt(), WebhookURL: h.URL, WebhookSecret: nullable(secret)}
	for _, t := range webhook.OwnEvents() {
		out.WebhookEvents = append(out.WebhookEvents, string(t))
	}
	return out, nil
}
