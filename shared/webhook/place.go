package webhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// place is where the row of a webhook is: by its own id among those of a workspace, or by the client whose only one it is. There another one may
// lie, made after the first was deleted.
type place struct {
	workspace id.Workspace
	client    id.Client  // zero: the workspace's
	hook      id.Webhook // zero: whichever is the client's
}

func (at place) key() table.Key {
	if at.client != (id.Client{}) {
		return schema.ClientWebhookKey(at.workspace, at.client)
	}
	return schema.WebhookKey(at.workspace, at.hook)
}

func (h Webhook) place() place { return place{h.Workspace, h.Client, h.ID} }

// placeOf reads from a row of a webhook where it is.
func placeOf(it table.Item) (at place, err error) {
	var ok bool
	if at.workspace, at.hook, ok = schema.ParseWebhookKey(it.Key()); ok {
		return at, nil
	}
	if at.workspace, at.client, ok = schema.ParseClientWebhookKey(it.Key()); !ok {
		return at, fmt.Errorf("row %s is no webhook's", it.Key())
	}
	if at.hook, err = id.ParseWebhook(it.Str(schema.Hook)); err != nil {
		return at, fmt.Errorf("row of a webhook %s: %s: %w", it.Key(), schema.Hook, err)
	}
	return at, nil
}

// found is the webhook that a row at the place tells of; nil is no row. The error is fault.NotFound where it is not the one that is meant.
func (at place) found(it table.Item) (Webhook, error) {
	if it == nil {
		return Webhook{}, access.Missing("webhook")
	}
	h, err := fromRow(it)
	if err == nil && at.hook != (id.Webhook{}) && at.hook != h.ID {
		return Webhook{}, access.Missing("webhook")
	}
	return h, err
}

// same holds where the row at the webhook's place is still that webhook's.
func (h Webhook) same() table.Cond {
	if h.Client != (id.Client{}) {
		return table.Eq(schema.Hook, table.String(h.ID.String()))
	}
	return table.Present()
}

// unchanged holds while nobody wrote the row since it was read.
func (h Webhook) unchanged() table.Cond {
	return table.All(h.same(), table.Eq(schema.Version, table.Int(h.Version)), table.Eq(schema.Failures, table.Int(int64(h.Failures))))
}

// read reads a webhook. The error is fault.NotFound when there is none.
func (s *Service) read(ctx context.Context, at place) (Webhook, error) {
	it, err := s.Table.Get(ctx, at.key(), table.Strong)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return Webhook{}, fmt.Errorf("read webhook %s: %w", at.key(), err)
	}
	return at.found(it)
}

// ofClient reads the webhook of a client. The error is fault.NotFound when there is none.
func (s *Service) ofClient(ctx context.Context, w id.Workspace, c id.Client) (Webhook, error) {
	return s.read(ctx, place{workspace: w, client: c})
}
