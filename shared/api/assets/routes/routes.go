// Package routes lists the routes of the Assets API with their functions and handlers.
//
// It is for the local stack and the house tests only: whoever imports it links every handler.
package routes

import (
	"net/http"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/link"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// Services is what all routes together need.
type Services interface {
	Accounts() *account.Service
	Assets() *asset.Service
	Uploads() *upload.Service
	Links() *link.Service
	Projects() *project.Service
	Folders() *folder.Service
	Idempotency() *idempotency.Service
	Webhooks() *webhook.Service
	PublicURL() string
}

// Route is one route: where it answers, the name of its function, its handler.
type Route struct {
	web.Endpoint
	Function string
	Handler  http.Handler
}

// Routes are all routes of the API, in the order of its document's sections.
func Routes(s Services) []Route {
	return []Route{
		route("assets-create", assets.Create(s)),
		route("assets-list", assets.List(s)),
		route("assets-retrieve", assets.Retrieve(s)),
		route("assets-update", assets.Update(s)),
		route("assets-delete", assets.Delete(s)),
		route("assets-complete", assets.Complete(s)),
		route("assets-retry", assets.Retry(s)),
		route("assets-upload", assets.Upload(s)),
		route("assets-parts-sign", assets.PartsSign(s)),
		route("assets-parts-list", assets.PartsList(s)),
		route("assets-content", assets.Content(s)),
		route("assets-attach", assets.Attach(s)),
		route("workspaces-list", assets.Workspaces(s)),
		route("projects-create", assets.ProjectsCreate(s)),
		route("projects-list", assets.ProjectsList(s)),
		route("projects-retrieve", assets.ProjectsRetrieve(s)),
		route("projects-nodes", assets.ProjectNodes(s)),
		route("folders-create", assets.FoldersCreate(s)),
		route("folders-delete", assets.FoldersDelete(s)),
		route("folders-add-item", assets.FolderItemsAdd(s)),
		route("webhooks-create", assets.WebhooksCreate(s)),
		route("webhooks-list", assets.WebhooksList(s)),
		route("webhooks-retrieve", assets.WebhooksRetrieve(s)),
		route("webhooks-update", assets.WebhooksUpdate(s)),
		route("webhooks-delete", assets.WebhooksDelete(s)),
		route("webhooks-rotate-secret", assets.WebhooksRotateSecret(s)),
		route("webhooks-test", assets.WebhooksTest(s)),
		route("webhooks-deliveries", assets.WebhooksDeliveries(s)),
		route("webhooks-replay", assets.WebhooksReplay(s)),
		route("openapi", assets.OpenAPI()),
	}
}

// route joins a handler to where its function answers. A name that package assets does not know panics: both are written in code.
func route(function string, h http.Handler) Route {
	e, ok := assets.EndpointOf(function)
	if !ok {
		panic("no endpoint is called " + function)
	}
	return Route{Endpoint: e, Function: function, Handler: h}
}
