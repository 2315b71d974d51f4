// Package routes lists the routes of the Assets API with their functions and handlers.
//
// It is for the local stack and the house tests only: whoever imports it links every handler.
package routes

import (
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

// Routes are all routes of the API, in the order of its document's sections.
func Routes(s Services) web.Rows {
	of := assets.Rows()
	return web.Rows{
		of.With("assets-create", assets.Create(s)),
		of.With("assets-list", assets.List(s)),
		of.With("assets-retrieve", assets.Retrieve(s)),
		of.With("assets-update", assets.Update(s)),
		of.With("assets-delete", assets.Delete(s)),
		of.With("assets-complete", assets.Complete(s)),
		of.With("assets-retry", assets.Retry(s)),
		of.With("assets-upload", assets.Upload(s)),
		of.With("assets-parts-sign", assets.PartsSign(s)),
		of.With("assets-parts-list", assets.PartsList(s)),
		of.With("assets-content", assets.Content(s)),
		of.With("assets-attach", assets.Attach(s)),
		of.With("workspaces-list", assets.Workspaces(s)),
		of.With("projects-create", assets.ProjectsCreate(s)),
		of.With("projects-list", assets.ProjectsList(s)),
		of.With("projects-retrieve", assets.ProjectsRetrieve(s)),
		of.With("projects-nodes", assets.ProjectNodes(s)),
		of.With("folders-create", assets.FoldersCreate(s)),
		of.With("folders-delete", assets.FoldersDelete(s)),
		of.With("folders-add-item", assets.FolderItemsAdd(s)),
		of.With("webhooks-create", assets.WebhooksCreate(s)),
		of.With("webhooks-list", assets.WebhooksList(s)),
		of.With("webhooks-retrieve", assets.WebhooksRetrieve(s)),
		of.With("webhooks-update", assets.WebhooksUpdate(s)),
		of.With("webhooks-delete", assets.WebhooksDelete(s)),
		of.With("webhooks-rotate-secret", assets.WebhooksRotateSecret(s)),
		of.With("webhooks-test", assets.WebhooksTest(s)),
		of.With("webhooks-deliveries", assets.WebhooksDeliveries(s)),
		of.With("webhooks-replay", assets.WebhooksReplay(s)),
		of.With("openapi", assets.OpenAPI()),
	}
}
