package upload

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// PutGrant is a way in for clients that know no header of ours: PUT the file to the URL, with any headers or none, begun before it expires.
type PutGrant struct {
	URL     string
	Expires time.Time
}

// BeginPut announces an asset and grants its upload by one PUT of exactly size bytes or, for 0, of any number up to MaxForm and Draft.MaxSize. The
// address binds the object and nothing else, so that what was announced is kept in the row alone, and the address works until it expires: the
// bytes that are judged first are the asset's, and all others are removed. The errors are those of Begin; size is "size_bytes".
func (s *Service) BeginPut(ctx context.Context, p access.Principal, d Draft, size int64) (asset.Asset, PutGrant, error) {
	ws, err := s.check(ctx, p, d, asset.ViaPut, checkPutSize(d, size)...)
	if err != nil {
		return asset.Asset{}, PutGrant{}, err
	}
	a, err := s.draft(ctx, p, d, asset.ViaPut)
	if err != nil {
		return asset.Asset{}, PutGrant{}, err
	}
	a.Expected = size
	var g PutGrant
	a, err = s.announce(ctx, ws, a, d, func(a *asset.Asset) (err error) {
		g, err = s.signPut(ctx, *a, s.end(s.grant))
		a.GrantUntil = g.Expires
		return err
	})
	if err != nil {
		return asset.Asset{}, PutGrant{}, err
	}
	return a, g, nil
}

// checkPutSize says what is wrong with a size that was announced for a PUT.
func checkPutSize(d Draft, size int64) []fault.Field {
	most := int64(MaxForm)
	if d.MaxSize > 0 {
		most = min(most, d.MaxSize)
	}
	if size >= 0 && size <= most {
		return nil
	}
	return []fault.Field{{Name: "size_bytes", Message: fmt.Sprintf("%d bytes; one PUT takes 1 to %d. Send a larger file by parts", size, most)}}
}

// signPut grants the current generation of an asset until a time. It writes nothing and asks nobody.
func (s *Service) signPut(ctx context.Context, a asset.Asset, until time.Time) (PutGrant, error) {
	url, ends, err := s.Bucket.SignBare(ctx, blob.BareSpec{Key: a.Source().Key(), Size: a.Expected, Expires: until})
	if err != nil {
		return PutGrant{}, fmt.Errorf("sign the PUT of asset %s: %w", a.ID, err)
	}
	return PutGrant{URL: url, Expires: ends.UTC().Truncate(time.Second)}, nil
}

// RegrantPut grants a pending upload by a bare PUT again, for the same attempt. The errors are fault.NotFound, fault.Forbidden, and
// fault.Conflict for an asset that takes no such PUT (any more).
func (s *Service) RegrantPut(ctx context.Context, p access.Principal, aid id.Asset) (asset.Asset, PutGrant, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil {
		return asset.Asset{}, PutGrant{}, err
	}
	if a.Via != asset.ViaPut {
		return a, PutGrant{}, fault.New(fault.Conflict, "The asset does not come by a PUT to an address: its way in is %s.", a.Via)
	}
	if err := wantPending(a); err != nil {
		return a, PutGrant{}, err
	}
	if a, err = s.extend(ctx, a, s.end(s.grant)); err != nil {
		return a, PutGrant{}, err
	}
	g, err := s.signPut(ctx, a, a.GrantUntil)
	return a, g, err
}

// retryPut starts the next attempt with a bare PUT.
func (s *Service) retryPut(ctx context.Context, a asset.Asset) (asset.Asset, Way, error) {
	next := a
	next.Generation++
	g, err := s.signPut(ctx, next, s.end(s.grant))
	if err != nil {
		return a, Way{}, err
	}
	next.GrantUntil = g.Expires
	if a, err = s.nextAttempt(ctx, a, next); err != nil {
		return a, Way{}, err
	}
	return a, Way{Put: &g}, nil
}
