// Command openapi serves the document of the Assets API: GET /api/v1/openapi.json.
package main

import (
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
)

func main() { web.Lambda(assets.OpenAPI()) }
