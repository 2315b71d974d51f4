// Command health says which build answers, and in which region: GET /health without a key. It needs no service of AWS.
package main

import (
	"github.com/assetry/assetry/shared/api/health"
	"github.com/assetry/assetry/shared/api/web"
)

func main() { web.Lambda(health.Handler(health.Region())) }
