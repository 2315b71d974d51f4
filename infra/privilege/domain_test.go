package privilege_test

import (
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/guard"
	"github.com/assetry/assetry/shared/importer"
	"github.com/assetry/assetry/shared/page"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
	"github.com/assetry/assetry/shared/webhook/sender"
)

// domain are the product's services with the stack's own key, which is not recorded, and a clock: what happened at another time.
type domain struct {
	assets   *asset.Service
	uploads  *upload.Service
	webhooks *webhook.Service
}

func (w *world) domain(now func() time.Time) domain {
	sealer := page.NewLazySealer(func() secret.Root { return w.root })
	accounts := account.New(w.db, account.Options{})
	folders := folder.New(w.db, folder.Options{Now: now})
	assets := asset.New(w.db, accounts, sealer, asset.Options{Now: now, Folders: folders})
	here := guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}})}
	return domain{
		assets: assets,
		uploads: upload.New(upload.Parts{
			Table: w.db, Bucket: s3blob.New(w.s3.Client(), bucketName, s3blob.Options{Now: now}), Assets: assets, Workspaces: accounts, Folders: folders,
			Projects: project.New(w.db, assets, sealer, project.Options{Now: now}), Remote: importer.New(importer.Options{Guard: here}),
		}, upload.Options{Now: now}),
		webhooks: webhook.New(webhook.Parts{
			Table: w.db, Root: func() secret.Root { return w.root }, Sealer: sealer, Sender: sender.New(sender.Options{Guard: here}),
		}, webhook.Options{Now: now}),
	}
}
