// Command fallback answers what no route matches ($default): 404, or 405 with Allow, in the dialect of the path.
package main

import (
	"github.com/assetry/assetry/shared/api/fallback"
	"github.com/assetry/assetry/shared/api/web"
)

func main() { web.Lambda(fallback.Handler()) }
