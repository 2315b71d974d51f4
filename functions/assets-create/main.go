// Command assets-create announces an asset and grants its upload, or takes a small file at once: POST /api/v1/assets of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.Create(s))
}
