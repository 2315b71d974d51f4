package surface

import (
	"context"
	"strconv"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/ratelimit"
)

// The headers that say where a limit stands, as the published service names them.
const (
	headerLimit     = "X-RateLimit-Limit"
	headerRemaining = "X-RateLimit-Remaining"
	headerReset     = "X-RateLimit-Reset" // seconds since 1970
)

// SetRate tells the client where its limit stands, whatever else is answered. A zero state is not told.
func SetRate(ctx context.Context, st ratelimit.State) {
	if st.Limit == 0 {
		return
	}
	web.Always(ctx, headerLimit, strconv.Itoa(st.Limit))
	web.Always(ctx, headerRemaining, strconv.Itoa(st.Remaining))
	web.Always(ctx, headerReset, strconv.FormatInt(st.Reset.Unix(), 10))
}
