// Command sweep settles what events did not: a schedule.
package main

import (
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/trigger"
	"github.com/assetry/assetry/shared/trigger/sweep"
)

func main() {
	s := boot.AWS(boot.Table, boot.Bucket)
	web.Warm(s.WarmTable)
	trigger.Lambda(sweep.Handler(s))
}
