package link

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
)

// GrantFor is how long the address that a link leads to works: enough to start a download on a slow connection, too short to be
// passed on instead of the link.
const GrantFor = 5 * time.Minute

// minGrant is the shortest grant that can be signed: S3 counts whole seconds.
const minGrant = time.Second

// Assets finds assets.
type Assets interface {
	// Find reads an asset as it is now, for whoever holds a link to it. The error is fault.NotFound when there is none.
	Find(ctx context.Context, w id.Workspace, a id.Asset) (asset.Asset, error)
}

// Workspaces finds workspaces.
type Workspaces interface {
	// Workspace may answer from a cache, which is how long a rotated link may still work. The error is fault.NotFound when
	// there is none.
	Workspace(ctx context.Context, w id.Workspace) (account.Workspace, error)
}

// Signer signs reads of the bucket.
type Signer interface {
	SignGet(ctx context.Context, s blob.GetSpec) (string, error)
}

// Options are what a Service may be given. The zero value works.
type Options struct {
	Now func() time.Time // nil is time.Now
}

// Service leads from a token to the bytes. Safe for concurrent use.
type Service struct {
	minter     *Minter
	assets     Assets
	workspaces Workspaces
	signer     Signer
	now        func() time.Time
}

// NewService makes a Service.
func NewService(m *Minter, assets Assets, workspaces Workspaces, signer Signer, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{minter: m, assets: assets, workspaces: workspaces, signer: signer, now: o.Now}
}

// Token is the stable token of an asset: it never expires, and is the same until the workspace's links are rotated.
func (s *Service) Token(a asset.Asset, w account.Workspace) string {
	return s.minter.Mint(Claims{Workspace: a.Workspace, Asset: a.ID, Epoch: w.LinkEpoch})
}

// TokenUntil is a token of an asset that ends at a time, to the second, or when the links of the workspace are rotated, whichever comes first.
func (s *Service) TokenUntil(a asset.Asset, w account.Workspace, expires time.Time) string {
	return s.minter.Mint(Claims{Workspace: a.Workspace, Asset: a.ID, Epoch: w.LinkEpoch, Expires: expires})
}

// Resolve gives an address of the bucket from which the asset's verified bytes can be had by method, "GET" or "HEAD", for GrantFor,
// or until the link ends. Types that browsers show without running anything (media.Inline) are served inline under the type that
// was found, everything else as a download.
// The error is fault.NotFound when the link is made up, expired or rotated away, or the asset is not ready; nothing is read before
// the token has proved to be ours. Any other method is fault.MethodNotAllowed.
func (s *Service) Resolve(ctx context.Context, token, method string) (url string, err error) {
	if method != "GET" && method != "HEAD" {
		return "", fault.New(fault.MethodNotAllowed, "The method %.20q is not allowed on a link; use GET or HEAD.", method)
	}
	now := s.now()
	c, err := s.minter.Open(token, now)
	if err != nil {
		return "", err
	}
	a, err := s.follow(ctx, c)
	if err != nil {
		return "", err
	}
	return s.sign(ctx, a, method, grantEnd(now, c.Expires))
}

// Owner is the workspace of a link that is ours, alive or not any more. Nothing is read.
func (s *Service) Owner(token string) (w id.Workspace, ok bool) {
	c, err := s.minter.Open(token, time.Time{})
	return c.Workspace, err == nil
}

// Content gives the address that a link to an asset would lead to by GET, for a caller who was allowed to read the asset. The error is
// fault.Conflict while there is nothing to read.
func (s *Service) Content(ctx context.Context, a asset.Asset) (url string, err error) {
	if a.State != asset.Ready {
		return "", fault.New(fault.Conflict, "The asset is %s; only a ready one has content. Wait until it is, or retry it if it failed.", a.State)
	}
	return s.sign(ctx, a, "GET", grantEnd(s.now(), time.Time{}))
}

func (s *Service) sign(ctx context.Context, a asset.Asset, method string, ends time.Time) (string, error) {
	spec := getSpec(a)
	spec.Method = method
	spec.Expires = ends
	url, err := s.signer.SignGet(ctx, spec)
	if err != nil {
		return "", fmt.Errorf("sign link to asset %s: %w", a.ID, err)
	}
	return url, nil
}

// follow finds the asset that claims lead to, if it may be read now.
func (s *Service) follow(ctx context.Context, c Claims) (asset.Asset, error) {
	w, err := s.workspaces.Workspace(ctx, c.Workspace)
	if err == nil && c.Epoch < w.LinkEpoch {
		return asset.Asset{}, dead()
	}
	var a asset.Asset
	if err == nil {
		a, err = s.assets.Find(ctx, c.Workspace, c.Asset)
	}
	if fault.Is(err, fault.NotFound) {
		return asset.Asset{}, dead()
	}
	if err != nil {
		return asset.Asset{}, fmt.Errorf("follow link to asset %s: %w", c.Asset, err)
	}
	if a.State != asset.Ready {
		return asset.Asset{}, dead()
	}
	return a, nil
}

func grantEnd(now, linkEnds time.Time) time.Time {
	end := now.Add(GrantFor)
	if !linkEnds.IsZero() && linkEnds.Before(end) {
		end = linkEnds
	}
	if soonest := now.Add(minGrant); end.Before(soonest) {
		end = soonest
	}
	return end
}

// getSpec names the bytes of a ready asset, and what a browser is told about them.
func getSpec(a asset.Asset) blob.GetSpec {
	file := fileName(a.Name, a.ID.String()+media.Extension(a.Type))
	spec := blob.GetSpec{Key: a.Source().Key(), Version: a.Object}
	if media.Inline(a.Type) {
		spec.Type = a.Type
		spec.Disposition = disposition("inline", file)
		return spec
	}
	spec.Type = "application/octet-stream"
	spec.Disposition = disposition("attachment", file)
	return spec
}
