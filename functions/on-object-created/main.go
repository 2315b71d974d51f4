// Command on-object-created finalizes uploads: S3 object-created events of the bucket, for keys w/.../source.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/object"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket)
	web.Warm(s.WarmTable)
	trigger.Lambda(object.Handler(s))
}
