// Command assets-parts-list says which parts of a pending upload have arrived: GET /api/v1/assets/{assetId}/parts of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket)
	web.Warm(s.WarmTable)
	web.Lambda(assets.PartsList(s))
}
