// Command orders-token gives a client an access token for its id and secret: POST /v1/authentication/token of the Orders API.
package main

import (
	"github.com/assetry/assetry/shared/api/orders/oauth"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

func main() {
	s := boot.AWS(boot.Table)
	web.Warm(s.WarmTable)
	web.Lambda(oauth.Token(s))
}
