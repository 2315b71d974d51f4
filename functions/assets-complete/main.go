// Command assets-complete takes the client's word that the bytes are there: POST /api/v1/assets/{assetId}/complete of the Assets API.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(assets.Complete(s))
}
