// Command on-import-requested copies files from addresses into the bucket: the queue that a rule of the event bus feeds with import.requested.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/importing"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket)
	web.Warm(s.WarmTable)
	trigger.Lambda(importing.Handler(s))
}
