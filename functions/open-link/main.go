// Command open-link leads a link to the bytes of its asset: GET and HEAD /l/{token}.
package main

import (
	"github.com/assetry/assetry/shared/api/links"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket, boot.RootKey)
	web.Warm(s.Warm)
	web.Lambda(links.Open(s))
}
