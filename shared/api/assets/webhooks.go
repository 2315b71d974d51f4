package assets

import (
	"net/http"
	"strconv"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/webhook"
)

// WebhookServices is what the routes of webhooks need.
type WebhookServices interface {
	Accounts() *account.Service
	Webhooks() *webhook.Service
}

// WebhookPostServices is what the routes need that make a webhook, or send.
type WebhookPostServices interface {
	WebhookServices
	Idempotency() *idempotency.Service
}

// webhookAnswer shows a webhook, without its secret.
type webhookAnswer struct {
	WebhookID      string   `json:"webhook_id"`
	WorkspaceID    string   `json:"workspace_id"`
	URL            string   `json:"url"`
	Description    *string  `json:"description"`
	Events         []string `json:"events"` // none: all types
	Enabled        bool     `json:"enabled"`
	DisabledAt     *string  `json:"disabled_at"`
	DisabledReason *string  `json:"disabled_reason"`
	FailureCount   int      `json:"failure_count"`
	CreatedAt      string   `json:"created_at"`
	Version        int64    `json:"version"`
}

func renderWebhook(h webhook.Webhook) webhookAnswer {
	a := webhookAnswer{
		WebhookID: h.ID.String(), WorkspaceID: h.Workspace.String(), URL: h.URL, Description: nullable(h.Description), Events: []string{},
		Enabled: h.Enabled, DisabledReason: nullable(h.Reason), FailureCount: h.Failures, CreatedAt: isoTime(h.CreatedAt()), Version: h.Version,
	}
	for _, t := range h.Events {
		a.Events = append(a.Events, string(t))
	}
	if !h.DisabledAt.IsZero() {
		a.DisabledAt = nullable(isoTime(h.DisabledAt))
	}
	return a
}

// secretAnswer is a webhook with its secret, which is shown when it is made and when it is rotated.
type secretAnswer struct {
	webhookAnswer
	Secret string `json:"secret"`
}

// showWebhook answers a webhook, with its version as ETag.
func showWebhook(w http.ResponseWriter, status int, h webhook.Webhook, answer any) error {
	w.Header().Set("ETag", `"`+strconv.FormatInt(h.Version, 10)+`"`)
	return web.JSON(w, status, answer)
}

func webhookID(s string) (id.Webhook, error) {
	h, err := id.ParseWebhook(s)
	if err != nil {
		return h, access.Missing("webhook")
	}
	return h, nil
}

func webhookPath(r *http.Request) (id.Workspace, id.Webhook, error) {
	w, err := workspaceID(web.PathValue(r, paramWorkspace))
	if err != nil {
		return w, id.Webhook{}, err
	}
	h, err := webhookID(web.PathValue(r, paramWebhook))
	return w, h, err
}

type createWebhookRequest struct {
	URL         string   `json:"url"`
	Description *string  `json:"description"`
	Events      []string `json:"events"`
}

func types(sent []string) []bus.Type {
	ts := make([]bus.Type, len(sent))
	for i, t := range sent {
		ts[i] = bus.Type(t)
	}
	return ts
}

// WebhooksCreate is POST /workspaces/{workspaceId}/webhooks, ours.
func WebhooksCreate(s WebhookPostServices) http.Handler {
	return post(patternWebhooks, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, err := workspaceID(web.PathValue(r, paramWorkspace))
		if err != nil {
			return err
		}
		var body createWebhookRequest
		if err := web.DecodeJSON(r, &body); err != nil {
			return err
		}
		if err := checkFields(field{"url", &body.URL, true}, field{"description", body.Description, false}); err != nil {
			return err
		}
		thing, _ := given(r.Context())
		h, secret, err := s.Webhooks().Create(r.Context(), p, workspace, webhook.Spec{
			ID: id.Webhook(thing), URL: body.URL, Description: value(body.Description), Events: types(body.Events),
		})
		if err != nil {
			return err
		}
		return showWebhook(w, http.StatusCreated, h, secretAnswer{renderWebhook(h), secret})
	})
}

type webhooksAnswer struct {
	Webhooks []webhookAnswer `json:"webhooks"`
	Meta     meta            `json:"meta"`
}

// WebhooksList is GET /workspaces/{workspaceId}/webhooks, ours: newest first.
func WebhooksList(s WebhookServices) http.Handler {
	return route(http.MethodGet, patternWebhooks, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, err := workspaceID(web.PathValue(r, paramWorkspace))
		if err != nil {
			return err
		}
		cursor, limit, err := pageQuery(r)
		if err != nil {
			return err
		}
		found, next, err := s.Webhooks().List(r.Context(), p, workspace, cursor, limit)
		if err != nil {
			return err
		}
		answer := webhooksAnswer{Webhooks: make([]webhookAnswer, len(found)), Meta: meta{nullable(next)}}
		for i, h := range found {
			answer.Webhooks[i] = renderWebhook(h)
		}
		return web.JSON(w, http.StatusOK, answer)
	})
}

// pageQuery reads the query of a list that has no filters.
func pageQuery(r *http.Request) (cursor string, limit int, err error) {
	q, err := readQuery(r)
	if err != nil {
		return "", 0, err
	}
	cursor, limit = q.text("cursor"), q.limit()
	return cursor, limit, q.err()
}

// WebhooksRetrieve is GET /workspaces/{workspaceId}/webhooks/{webhookId}, ours.
func WebhooksRetrieve(s WebhookServices) http.Handler {
	return route(http.MethodGet, patternWebhook, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookPath(r)
		if err != nil {
			return err
		}
		h, err := s.Webhooks().Get(r.Context(), p, workspace, wh)
		if err != nil {
			return err
		}
		return showWebhook(w, http.StatusOK, h, renderWebhook(h))
	})
}

type updateWebhookRequest struct {
	URL         *string   `json:"url"`
	Description *string   `json:"description"` // "" removes it
	Events      *[]string `json:"events"`      // none: all types
	Enabled     *bool     `json:"enabled"`
}

func (b updateWebhookRequest) change() (webhook.Change, error) {
	c := webhook.Change{URL: b.URL, Description: b.Description, Enabled: b.Enabled}
	if b.Events != nil {
		ts := types(*b.Events)
		c.Events = &ts
	}
	if c == (webhook.Change{}) {
		return c, fault.BadField(bodyField, "changes nothing; send url, description, events or enabled")
	}
	return c, nil
}

// WebhooksUpdate is PATCH /workspaces/{workspaceId}/webhooks/{webhookId}, ours; with If-Match only over that version.
func WebhooksUpdate(s WebhookServices) http.Handler {
	return route(http.MethodPatch, patternWebhook, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookPath(r)
		if err != nil {
			return err
		}
		version, err := ifMatch(r.Header)
		if err != nil {
			return err
		}
		var body updateWebhookRequest
		if err := web.DecodeJSON(r, &body); err != nil {
			return err
		}
		c, err := body.change()
		if err != nil {
			return err
		}
		h, err := s.Webhooks().Update(r.Context(), p, workspace, wh, c, version)
		if err != nil {
			return err
		}
		return showWebhook(w, http.StatusOK, h, renderWebhook(h))
	})
}

type deleteWebhookAnswer struct {
	Deleted     bool   `json:"deleted"`
	WebhookID   string `json:"webhook_id"`
	WorkspaceID string `json:"workspace_id"`
}

// WebhooksDelete is DELETE /workspaces/{workspaceId}/webhooks/{webhookId}, ours.
func WebhooksDelete(s WebhookServices) http.Handler {
	return route(http.MethodDelete, patternWebhook, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookPath(r)
		if err != nil {
			return err
		}
		if err := s.Webhooks().Delete(r.Context(), p, workspace, wh); err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, deleteWebhookAnswer{true, wh.String(), workspace.String()})
	})
}

// WebhooksRotateSecret is POST /workspaces/{workspaceId}/webhooks/{webhookId}/rotate-secret, ours.
func WebhooksRotateSecret(s WebhookPostServices) http.Handler {
	return post(patternWebhookRotate, s, func(w http.ResponseWriter, r *http.Request, p access.Principal) error {
		workspace, wh, err := webhookAction(r)
		if err != nil {
			return err
		}
		h, secret, err := s.Webhooks().RotateSecret(r.Context(), p, workspace, wh)
		if err != nil {
			return err
		}
		return showWebhook(w, http.StatusOK, h, secretAnswer{renderWebhook(h), secret})
	})
}

// webhookAction reads a request that has nothing but a webhook in its path.
func webhookAction(r *http.Request) (id.Workspace, id.Webhook, error) {
	w, h, err := webhookPath(r)
	if err != nil {
		return w, h, err
	}
	return w, h, emptyBody(r)
}
