//go:build assetry_local_sources

package boot

import "github.com/assetry/assetry/shared/guard"

// reach is what outgoing connections reach: also this machine, at every port and over plain http. It is another program, because no setting of a
// deployed one may open this; only the local stack builds it, for those who try it out.
func reach() guard.Options {
	return guard.Options{Permission: guard.Permit(guard.Exceptions{Loopback: true, PlainHTTP: true, Ports: []int{0}})}
}
