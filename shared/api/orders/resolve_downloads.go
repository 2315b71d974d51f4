package orders

import (
	"cmp"
	"context"
	"time"

	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/link"
)

// downloadFor is how long a download's link is good, as the documented example has it.
const downloadFor = 24 * time.Hour

// InitializeDownload makes a link to what may be downloaded. It names its end, so that nothing is kept of it, and leads to the bucket when it is
// opened: no credentials are in it.
func (r mutationFields) InitializeDownload(ctx context.Context, sent string) (*graph.DownloadSession, error) {
	id, err := assetID(sent)
	if err != nil {
		return nil, err
	}
	return again(ctx, r.resolvers, func(ctx context.Context) (*graph.DownloadSession, error) {
		in := callOf(ctx)
		a, err := r.s.Orders().Downloadable(ctx, in.principal, id)
		if err != nil {
			return nil, err
		}
		web.SetWorkspace(ctx, a.Workspace)
		w, err := r.s.Accounts().Workspace(ctx, a.Workspace)
		if err != nil {
			return nil, err
		}
		token := r.s.Links().TokenUntil(a, w, r.now().Add(downloadFor+time.Second-1)) // a token names whole seconds: at least as long as said
		return &graph.DownloadSession{
			AssetID: a.ID.String(), DownloadURL: cmp.Or(r.s.PublicURL(), in.origin) + link.Path + token, ExpiresIn: int32(downloadFor / time.Second),
		}, nil
	})
}
