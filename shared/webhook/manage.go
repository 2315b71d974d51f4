package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/name"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Spec is what a new webhook is made from.
type Spec struct {
	ID          id.Webhook // drawn before, for a request that may be run again; zero: Create draws
	URL         string
	Description string
	Events      []bus.Type // wanted types; none: all, also those that are yet to come
}

// Change is what Update changes; nil leaves a thing as it is.
type Change struct {
	URL         *string
	Description *string
	Events      *[]bus.Type
	Enabled     *bool
}

// Create makes a webhook, enabled, and gives its secret, which nothing but RotateSecret will show again. An address that must not be reached, a
// text that is too long and a type that is not of Types are fault.Invalid; the eleventh webhook of a workspace is fault.Conflict; one whose id was
// given and that exists is fault.Duplicate.
func (s *Service) Create(ctx context.Context, p access.Principal, w id.Workspace, spec Spec) (Webhook, string, error) {
	if err := access.Authorize(p, access.CreateWebhook, w); err != nil {
		return Webhook{}, "", err
	}
	events, err := s.check(&spec.URL, &spec.Description, spec.Events)
	if err != nil {
		return Webhook{}, "", err
	}
	for range maxTries {
		h := Webhook{
			ID: spec.ID, Workspace: w, URL: spec.URL, Description: spec.Description, Events: events,
			Enabled: true, Epoch: 1, CreatedBy: p.Key, Version: 1,
		}
		given := h.ID != (id.Webhook{})
		if !given {
			h.ID = id.NewWebhook(w, s.now())
		}
		done, err := s.insert(ctx, h, given)
		if err != nil {
			return Webhook{}, "", err
		}
		if done {
			return h, s.secretText(h), nil
		}
	}
	return Webhook{}, "", busy()
}

// busy is for a caller that lost to others maxTries times.
func busy() error {
	return fault.New(fault.Throttled, "Others are changing webhooks of this workspace; wait a moment and repeat.")
}

// insert writes a webhook and counts it; not done means that another was counted at the same time, or that the drawn id is taken.
func (s *Service) insert(ctx context.Context, h Webhook, given bool) (done bool, err error) {
	row, count := h.row(), schema.WebhookCountKey(h.Workspace)
	number, err := s.Table.Get(ctx, count, table.Strong)
	counted := table.Update(count, table.Less(schema.Count, table.Int(MaxWebhooks)), table.Add(schema.Count, table.Int(1)))
	if errors.Is(err, table.ErrNotFound) {
		counted = table.Put(table.Item{
			table.AttrPK: table.String(count.PK), table.AttrSK: table.String(count.SK), schema.Count: table.Int(1),
		}, table.Absent())
	} else if err != nil {
		return false, fmt.Errorf("count webhooks of %s: %w", h.Workspace, err)
	}
	if number.Int(schema.Count) >= MaxWebhooks {
		if _, err := s.read(ctx, h.place()); given && err == nil {
			return false, exists(h.ID)
		}
		return false, fault.New(fault.Conflict, "Workspace %s has %d webhooks, which is as many as there may be; delete one first.", h.Workspace, MaxWebhooks)
	}
	err = table.Decide(ctx, s.Table, []table.Write{table.Put(row, table.Absent()), counted})
	if refused := table.Refused(err); refused != nil {
		there := refused.Current[0]
		if given && there != nil {
			return false, exists(h.ID)
		}
		return there != nil && table.EqualItems(there, row), nil // written by an earlier attempt of the driver whose answer was lost
	}
	if err != nil {
		return false, fmt.Errorf("create webhook: %w", err)
	}
	return true, nil
}

func exists(h id.Webhook) error {
	return fault.New(fault.Duplicate, "The webhook %s exists already.", h)
}

// check says what is wrong with what a client sent, all of it, and gives the types sorted. nil texts are not looked at.
func (s *Service) check(url, description *string, events []bus.Type) ([]bus.Type, error) {
	var bad []fault.Field
	if url != nil {
		bad = append(bad, s.checkURL(*url)...)
	}
	if description != nil {
		bad = append(bad, fault.FieldsOf(name.CheckText("description", *description, MaxDescription))...)
	}
	if len(events) > len(Types()) {
		bad = append(bad, fault.Field{Name: "events", Message: fmt.Sprintf("has %d entries; send each type once at most: %s", len(events), known())})
		events = nil
	}
	sorted := slices.Sorted(slices.Values(events))
	for i, t := range sorted {
		if !slices.Contains(Types(), t) {
			bad = append(bad, fault.Field{Name: "events", Message: fmt.Sprintf("%.60q is no type of event; known are %s", string(t), known())})
		} else if i > 0 && sorted[i-1] == t {
			bad = append(bad, fault.Field{Name: "events", Message: fmt.Sprintf("%q is there twice; send it once", string(t))})
		}
	}
	return sorted, fault.BadFields(bad)
}

func known() string {
	var ts []string
	for _, t := range Types() {
		ts = append(ts, string(t))
	}
	return strings.Join(ts, ", ")
}

func (s *Service) checkURL(url string) []fault.Field {
	if len(url) > MaxURL {
		return []fault.Field{{Name: "url", Message: fmt.Sprintf("has %d bytes; at most %d are allowed", len(url), MaxURL)}}
	}
	return fault.FieldsOf(s.Sender.Check(url))
}

// Get reads a webhook of a workspace. The error is fault.NotFound when there is none.
func (s *Service) Get(ctx context.Context, p access.Principal, w id.Workspace, h id.Webhook) (Webhook, error) {
	if err := access.Authorize(p, access.ReadWebhook, w); err != nil {
		return Webhook{}, err
	}
	return s.read(ctx, place{workspace: w, hook: h})
}

// Update changes a webhook. A version other than 0 must be the present one, else the error is fault.Stale. Enabling forgets the failures
// that disabled it.
func (s *Service) Update(ctx context.Context, p access.Principal, w id.Workspace, h id.Webhook, c Change, version int64) (Webhook, error) {
	if err := access.Authorize(p, access.ManageWebhook, w); err != nil {
		return Webhook{}, err
	}
	var events []bus.Type
	if c.Events != nil {
		events = *c.Events
	}
	events, err := s.check(c.URL, c.Description, events)
	if err != nil {
		return Webhook{}, err
	}
	if c.Events != nil {
		c.Events = &events
	}
	return s.mutate(ctx, place{workspace: w, hook: h}, version, func(now *Webhook) error {
		s.apply(now, c)
		return nil
	})
}

// apply changes a webhook as asked.
func (s *Service) apply(h *Webhook, c Change) {
	if c.URL != nil {
		h.URL = *c.URL
	}
	if c.Description != nil {
		h.Description = *c.Description
	}
	if c.Events != nil {
		h.Events = *c.Events
	}
	switch {
	case c.Enabled == nil:
	case *c.Enabled:
		h.enable()
	case h.Enabled:
		h.disable(s.now(), "It was disabled by request.")
	}
}

// mutate reads a webhook, changes it, and writes it unless somebody else did in between: then again. A version other than 0 must be
// that of the row. What does not change anything is not written.
func (s *Service) mutate(ctx context.Context, at place, version int64, change func(*Webhook) error) (Webhook, error) {
	old, err := s.read(ctx, at)
	for range maxTries {
		if err != nil {
			return Webhook{}, err
		}
		if version != 0 && version != old.Version {
			return Webhook{}, fault.New(fault.Stale, "The webhook is at version %d, not %d; read it again and decide anew.", old.Version, version)
		}
		changed := old
		if err := change(&changed); err != nil {
			return Webhook{}, err
		}
		if table.EqualItems(old.row(), changed.row()) {
			return old, nil
		}
		changed.Version++
		_, err = s.Table.Write(ctx, table.Put(changed.row(), old.unchanged()))
		if err == nil {
			return changed, nil
		}
		current, lost := table.Lost(err)
		if !lost {
			return Webhook{}, fmt.Errorf("change webhook %s: %w", at.key(), err)
		}
		if table.EqualItems(current, changed.row()) {
			return changed, nil // an earlier attempt of the driver had written it, and its answer was lost
		}
		old, err = at.found(current)
	}
	return Webhook{}, busy()
}

// RotateSecret gives a webhook another secret, and shows it. The former one signs beside it for OverlapTime. After MaxRotations within
// that time the error is fault.Conflict.
func (s *Service) RotateSecret(ctx context.Context, p access.Principal, w id.Workspace, h id.Webhook) (Webhook, string, error) {
	if err := access.Authorize(p, access.ManageWebhook, w); err != nil {
		return Webhook{}, "", err
	}
	return s.rotate(ctx, place{workspace: w, hook: h})
}

func (s *Service) rotate(ctx context.Context, at place) (Webhook, string, error) {
	found, err := s.mutate(ctx, at, 0, func(h *Webhook) error {
		now := s.now().UTC().Truncate(time.Millisecond)
		overlapping := len(h.epochs(now)) - 1
		if overlapping >= MaxRotations {
			return fault.New(fault.Conflict, "The secret was rotated %d times within a day, and all %d former ones still sign; use the last one, or wait.",
				overlapping, overlapping)
		}
		h.Rotated = append(slices.Clone(h.Rotated[len(h.Rotated)-overlapping:]), now)
		h.Epoch++
		return nil
	})
	if err != nil {
		return Webhook{}, "", err
	}
	return found, s.secretText(found), nil
}

// Delete removes a webhook; nothing is sent to it from then on, and its deliveries go a little later (RemoveDeliveries). Of many who delete it
// at once one succeeds; to the others, and afterwards, it is fault.NotFound.
func (s *Service) Delete(ctx context.Context, p access.Principal, w id.Workspace, h id.Webhook) error {
	if err := access.Authorize(p, access.ManageWebhook, w); err != nil {
		return err
	}
	err := table.Decide(ctx, s.Table, []table.Write{
		table.Delete(schema.WebhookKey(w, h), table.Present()),
		table.Update(schema.WebhookCountKey(w), table.Greater(schema.Count, table.Int(0)), table.Add(schema.Count, table.Int(-1))),
	})
	refused := table.Refused(err)
	switch {
	case err == nil:
		return nil
	case refused == nil:
		return fmt.Errorf("delete webhook %s: %w", h, err)
	case refused.Reasons[0] == table.ConditionLost:
		return access.Missing("webhook")
	}
	return fmt.Errorf("delete webhook %s: the workspace's count of webhooks is not above 0", h)
}
