//go:build !assetry_local_sources

package boot

import "github.com/assetry/assetry/shared/guard"

// reach is what outgoing connections reach, for imports and webhooks: what is public, over TLS, and nothing else.
func reach() guard.Options { return guard.Options{} }
