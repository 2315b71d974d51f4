// Package assets is the Assets API: the HTTP contract of FLORA's published client, on /api/v1.
//
// Every route is one constructor that takes only the services it needs, so that a function links nothing else. The document of
// the API is openapi.json beside this file; package routes lists the routes for the local stack and the house tests.
//
// Choices that the published contract leaves open:
//   - ids that do not parse, ids of other workspaces and ids that were never given are the same 404;
//   - a list has 50 entries unless limit says otherwise; an empty query parameter counts as absent, unknown ones are ignored;
//   - unknown fields of a body are refused; null in an optional field counts as absent;
//   - whatever creates something answers 201: projects, folders and their items too;
//   - created_at in lists is Unix milliseconds; content_type before the bytes are known is the declared one, else
//     application/octet-stream;
//   - a direct upload without file_name takes the name of its file part;
//   - a node that shows a PDF is of type text, the only kind of document the contract knows;
//   - canvas_url is where this API lists the project's nodes.
//
// Ours, and marked so in the document: uploads by parts, checksums, change, deletion, content and the form again of an asset, webhooks,
// what Idempotency-Key adds to the contract, 405, 412, 413, 415 and 422.
package assets

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// Base is the path that every route of this API begins with.
const Base = "/api/v1"

// The patterns of the routes, as the gateway and the document spell them.
const (
	patternAssets        = Base + "/assets"
	patternAsset         = Base + "/assets/{assetId}"
	patternComplete      = Base + "/assets/{assetId}/complete"
	patternRetry         = Base + "/assets/{assetId}/retry"
	patternParts         = Base + "/assets/{assetId}/parts"
	patternUpload        = Base + "/assets/{assetId}/upload"
	patternContent       = Base + "/assets/{assetId}/content"
	patternAttach        = Base + "/projects/{projectId}/assets/{assetId}/attach"
	patternWorkspaces    = Base + "/workspaces"
	patternProjects      = Base + "/projects"
	patternProject       = Base + "/projects/{projectId}"
	patternProjectNodes  = Base + "/projects/{projectId}/nodes"
	patternFolders       = Base + "/workspaces/{workspaceId}/library/folders"
	patternFolder        = Base + "/workspaces/{workspaceId}/library/folders/{folderId}"
	patternFolderItems   = Base + "/workspaces/{workspaceId}/library/folders/{folderId}/items"
	patternWebhooks      = Base + "/workspaces/{workspaceId}/webhooks"
	patternWebhook       = Base + "/workspaces/{workspaceId}/webhooks/{webhookId}"
	patternWebhookRotate = Base + "/workspaces/{workspaceId}/webhooks/{webhookId}/rotate-secret"
	patternWebhookTest   = Base + "/workspaces/{workspaceId}/webhooks/{webhookId}/test"
	patternDeliveries    = Base + "/workspaces/{workspaceId}/webhooks/{webhookId}/deliveries"
	patternReplay        = Base + "/workspaces/{workspaceId}/webhooks/{webhookId}/deliveries/{deliveryId}/replay"
	patternOpenAPI       = Base + "/openapi.json"
)

// The parameters of the patterns.
const (
	paramAsset     = "assetId"
	paramProject   = "projectId"
	paramWorkspace = "workspaceId"
	paramFolder    = "folderId"
	paramWebhook   = "webhookId"
	paramDelivery  = "deliveryId"
)

// endpoints are the routes.
var endpoints = web.Rows{
	{Name: "assets-create", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternAssets}},
	{Name: "assets-list", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternAssets}},
	{Name: "assets-retrieve", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternAsset}},
	{Name: "assets-update", Endpoint: web.Endpoint{Method: http.MethodPatch, Pattern: patternAsset}},
	{Name: "assets-delete", Endpoint: web.Endpoint{Method: http.MethodDelete, Pattern: patternAsset}},
	{Name: "assets-complete", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternComplete}},
	{Name: "assets-retry", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternRetry}},
	{Name: "assets-upload", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternUpload}},
	{Name: "assets-parts-sign", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternParts}},
	{Name: "assets-parts-list", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternParts}},
	{Name: "assets-content", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternContent}},
	{Name: "assets-attach", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternAttach}},
	{Name: "workspaces-list", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternWorkspaces}},
	{Name: "projects-create", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternProjects}},
	{Name: "projects-list", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternProjects}},
	{Name: "projects-retrieve", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternProject}},
	{Name: "projects-nodes", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternProjectNodes}},
	{Name: "folders-create", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternFolders}},
	{Name: "folders-delete", Endpoint: web.Endpoint{Method: http.MethodDelete, Pattern: patternFolder}},
	{Name: "folders-add-item", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternFolderItems}},
	{Name: "webhooks-create", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternWebhooks}},
	{Name: "webhooks-list", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternWebhooks}},
	{Name: "webhooks-retrieve", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternWebhook}},
	{Name: "webhooks-update", Endpoint: web.Endpoint{Method: http.MethodPatch, Pattern: patternWebhook}},
	{Name: "webhooks-delete", Endpoint: web.Endpoint{Method: http.MethodDelete, Pattern: patternWebhook}},
	{Name: "webhooks-rotate-secret", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternWebhookRotate}},
	{Name: "webhooks-test", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternWebhookTest}},
	{Name: "webhooks-deliveries", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternDeliveries}},
	{Name: "webhooks-replay", Endpoint: web.Endpoint{Method: http.MethodPost, Pattern: patternReplay}},
	{Name: "openapi", Endpoint: web.Endpoint{Method: http.MethodGet, Pattern: patternOpenAPI}},
}

// Endpoints are method and path of every route, without handlers: what package web's Fallback needs to tell 405 from 404.
func Endpoints() []web.Endpoint { return endpoints.Endpoints() }

// Rows are the functions of this API with where they answer, without handlers.
func Rows() web.Rows { return slices.Clone(endpoints) }

// AccountServices is what every route but the document's needs: it says who is asking.
type AccountServices interface {
	Accounts() *account.Service
}

// handler answers a request of a known principal.
type handler func(w http.ResponseWriter, r *http.Request, p access.Principal) error

// route puts a handler behind a method, a pattern and the API key. POST panics: post puts the idempotency key before it too.
func route(method, pattern string, s AccountServices, h handler) http.Handler {
	if method == http.MethodPost {
		panic("POST " + pattern + " is to be made by post")
	}
	return authenticated(method, pattern, s, h)
}

// authenticated puts a handler behind a method, a pattern and the API key.
func authenticated(method, pattern string, s AccountServices, h handler) http.Handler {
	return web.Route(method, pattern, Dialect{}, func(w http.ResponseWriter, r *http.Request) error {
		p, err := authenticate(r, s.Accounts())
		if err != nil {
			return err
		}
		web.SetActor(r.Context(), p.Key.String())
		noteWorkspace(r, p)
		return h(w, r, p)
	})
}

// noteWorkspace tells the log whose request it is, as far as path and key say: bodies and assets say more.
func noteWorkspace(r *http.Request, p access.Principal) {
	if w, err := id.ParseWorkspace(web.PathValue(r, paramWorkspace)); err == nil {
		web.SetWorkspace(r.Context(), w)
	} else if own := p.Workspaces(); len(own) == 1 {
		web.SetWorkspace(r.Context(), own[0])
	}
}

// authenticate reads Authorization: Bearer <key>; the scheme's case does not matter (RFC 9110, 11.1).
func authenticate(r *http.Request, accounts *account.Service) (access.Principal, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "Bearer") || key == "" {
		return access.Principal{}, fault.New(fault.NoCredentials,
			"No API key was sent. Send one as Authorization: Bearer %s...", account.SecretPrefix)
	}
	return accounts.Authenticate(r.Context(), key)
}

// isoTime is how moments are written: RFC 3339 in UTC to the millisecond, which is what ids keep.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
