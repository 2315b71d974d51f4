// Command assets-content leads to the bytes of an asset: GET /api/v1/assets/{assetId}/content of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.Content(s))
}
