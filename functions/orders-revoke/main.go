// Command orders-revoke ends an access token of the client that asks: POST /v1/authentication/revoke of the Orders API.
package main

import (
	"github.com/assetry/assetry/shared/api/orders/oauth"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table)
	web.Warm(s.WarmTable)
	web.Lambda(oauth.Revoke(s))
}
