// Command assets-attach puts an asset on a project: POST /api/v1/projects/{projectId}/assets/{assetId}/attach of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table)
	web.Warm(s.WarmTable)
	web.Lambda(assets.Attach(s))
}
