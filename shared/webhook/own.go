package webhook

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/table"
)

// ownPlace is where the webhook of the client is that asks, if it may do an action. Only clients have one: for anybody else it is fault.Forbidden.
func ownPlace(p access.Principal, a access.Action) (place, error) {
	ws := p.Workspaces()
	if p.Client == (id.Client{}) || len(ws) != 1 {
		return place{}, fault.New(fault.Forbidden, "Only a client of one workspace has a webhook of its own; sign in as one, with its id and secret.")
	}
	return place{workspace: ws[0], client: p.Client}, access.Authorize(p, a, ws[0])
}

// CreateOwn makes the webhook of the client that asks, enabled, and gives its secret, which nothing but RotateOwn will show again. It hears of the
// orders that this client creates. h is its id where it was drawn before, for a request that may be run again; zero: it is drawn. An address that
// must not be reached is fault.Invalid about "url"; a second webhook is fault.Conflict; one whose id was given and that exists is fault.Duplicate.
func (s *Service) CreateOwn(ctx context.Context, p access.Principal, h id.Webhook, url string) (Webhook, string, error) {
	at, err := ownPlace(p, access.OwnWebhook)
	if err != nil {
		return Webhook{}, "", err
	}
	if _, err := s.check(&url, nil, nil); err != nil {
		return Webhook{}, "", err
	}
	given := h != (id.Webhook{})
	if !given {
		h = id.NewWebhook(at.workspace, s.now())
	}
	made := Webhook{ID: h, Workspace: at.workspace, Client: at.client, URL: url, Enabled: true, Epoch: 1, CreatedBy: p.Key, Version: 1}
	_, err = s.Table.Write(ctx, table.Put(made.row(), table.Absent()))
	there, lost := table.Lost(err)
	switch {
	case !lost && err != nil:
		return Webhook{}, "", fmt.Errorf("create the webhook of client %s: %w", at.client, err)
	case !lost:
		return made, s.secretText(made), nil
	}
	old, err := place{workspace: at.workspace, client: at.client}.found(there)
	switch {
	case err != nil:
		return Webhook{}, "", err
	case given && old.ID == h:
		return Webhook{}, "", exists(h)
	case old.ID == h: // written by an earlier attempt of the driver whose answer was lost
		return old, s.secretText(old), nil
	}
	return Webhook{}, "", fault.New(fault.Conflict, "The client has a webhook already, %s; change that one, or delete it first.", old.ID)
}

// Own reads the webhook of the client that asks. The error is fault.NotFound when it has none.
func (s *Service) Own(ctx context.Context, p access.Principal) (Webhook, error) {
	at, err := ownPlace(p, access.ReadOwn)
	if err != nil {
		return Webhook{}, err
	}
	return s.read(ctx, at)
}

// ShowOwn reads the webhook of the client that asks, with its present secret: for a request that made it or rotated its secret and is sent again,
// because its answer was lost. The error is fault.NotFound when h is not the client's.
func (s *Service) ShowOwn(ctx context.Context, p access.Principal, h id.Webhook) (Webhook, string, error) {
	at, err := ownPlace(p, access.OwnWebhook)
	if err != nil {
		return Webhook{}, "", err
	}
	at.hook = h
	found, err := s.read(ctx, at)
	if err != nil {
		return Webhook{}, "", err
	}
	return found, s.secretText(found), nil
}

// UpdateOwn gives the webhook of the client that asks another address, and enables it if its failures or a request had disabled it. The
// error is fault.NotFound when h is not the client's, and fault.Invalid about "url" for an address that must not be reached.
func (s *Service) UpdateOwn(ctx context.Context, p access.Principal, h id.Webhook, url string) (Webhook, error) {
	at, err := ownPlace(p, access.OwnWebhook)
	if err != nil {
		return Webhook{}, err
	}
	if _, err := s.check(&url, nil, nil); err != nil {
		return Webhook{}, err
	}
	at.hook = h
	return s.mutate(ctx, at, 0, func(now *Webhook) error {
		now.URL = url
		now.enable()
		return nil
	})
}

// RotateOwn gives the webhook of the client that asks another secret, as RotateSecret does.
func (s *Service) RotateOwn(ctx context.Context, p access.Principal, h id.Webhook) (Webhook, string, error) {
	at, err := ownPlace(p, access.OwnWebhook)
	if err != nil {
		return Webhook{}, "", err
	}
	at.hook = h
	return s.rotate(ctx, at)
}

// DeleteOwn removes the webhook of the client that asks, as Delete does, and gives it as it stood.
func (s *Service) DeleteOwn(ctx context.Context, p access.Principal, h id.Webhook) (Webhook, error) {
	at, err := ownPlace(p, access.OwnWebhook)
	if err != nil {
		return Webhook{}, err
	}
	at.hook = h
	return s.remove(ctx, at)
}

// RemoveOf removes the webhook of a client that is no more, if it has one. It is for the consumer of the table's changes: it asks for no
// principal, and may be called again.
func (s *Service) RemoveOf(ctx context.Context, w id.Workspace, c id.Client) error {
	_, err := s.remove(ctx, place{workspace: w, client: c})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// remove deletes the webhook of a client. Of many who do at once one succeeds.
func (s *Service) remove(ctx context.Context, at place) (Webhook, error) {
	old, err := s.read(ctx, at)
	if err != nil {
		return Webhook{}, err
	}
	_, err = s.Table.Write(ctx, table.Delete(old.key(), old.same()))
	if _, gone := table.Lost(err); gone {
		return Webhook{}, access.Missing("webhook")
	}
	if err != nil {
		return Webhook{}, fmt.Errorf("delete webhook %s: %w", old.ID, err)
	}
	return old, nil
}

// OwnEvents are the types of events that a client's webhook gets.
func OwnEvents() []bus.Type { return []bus.Type{bus.OrderUpdated} }
