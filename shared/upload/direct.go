package upload

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
)

// Direct creates an asset from bytes that came with the request, at most MaxDirect of them. Bytes that are no good are refused
// before anything is written (fault.Invalid about the field "file" or "checksum", fault.TooLarge). The row comes first, then the bytes, then the settling:
// wherever it is cut off, the event or the sweeper goes on, and so does a draft that comes again under its ID: it brings the bytes that are
// missing, and is fault.Duplicate when none are.
func (s *Service) Direct(ctx context.Context, p access.Principal, d Draft, body []byte) (asset.Asset, error) {
	ws, err := s.check(ctx, p, d, asset.ViaDirect)
	if err != nil {
		return asset.Asset{}, err
	}
	info, err := s.accept(ctx, d, body)
	if err != nil {
		return asset.Asset{}, err
	}
	a, err := s.draft(ctx, p, d, asset.ViaDirect)
	if err != nil {
		return asset.Asset{}, err
	}
	a, err = s.announce(ctx, ws, a, d, nil)
	if err != nil && !(d.Again && unfinished(a) && fault.Is(err, fault.Duplicate)) {
		return asset.Asset{}, err
	}
	a, err = s.store(ctx, a, info, body)
	if d.ID != (id.Asset{}) && fault.Is(err, fault.NotFound) {
		return asset.Asset{}, fault.New(fault.Duplicate, "The asset %s was created, and deleted since.", d.ID)
	}
	return a, err
}

// unfinished says whether an asset is a direct upload that still waits for its bytes. A retry would have made it another kind.
func unfinished(a asset.Asset) bool { return a.Via == asset.ViaDirect && open(a) }

// accept judges the bytes of a request.
func (s *Service) accept(ctx context.Context, d Draft, body []byte) (media.Info, error) {
	if len(body) > MaxDirect {
		return media.Info{}, fault.New(fault.TooLarge, "The file has %d bytes; at most %d are taken in the request itself. Create with source \"signed-url\" and send the file to the answered form.", len(body), MaxDirect)
	}
	info, rejected, err := judge(ctx, d.Declared, media.Source{
		Size: int64(len(body)), Head: body, Format: cmp.Or(d.Format, media.FormatOf(d.Declared)),
	})
	if err != nil {
		return media.Info{}, fmt.Errorf("inspect a direct upload: %w", err)
	}
	if rejected != "" {
		return media.Info{}, fault.BadField("file", "%s", rejected)
	}
	if c := d.Checksum; c != (blob.Checksum{}) {
		if says := differs(c, c.Algorithm.Of(body)); says != "" {
			return media.Info{}, fault.BadField("checksum", "%s", says)
		}
	}
	return info, nil
}

// store writes the bytes of an announced asset and settles it.
func (s *Service) store(ctx context.Context, a asset.Asset, info media.Info, body []byte) (asset.Asset, error) {
	o, err := s.Bucket.Put(ctx, a.Source().Key(), bytes.NewReader(body), int64(len(body)),
		blob.PutOptions{Type: declaredType(a), IfAbsent: true, Checksum: a.Checksum})
	if errors.Is(err, blob.ErrExists) || fault.Is(err, fault.Unavailable) { // perhaps our own write, whose answer was lost
		found, again := s.Finalize(ctx, a.Source(), "")
		switch {
		case again == nil:
			return found, nil
		case errors.Is(again, errNoBytes) && errors.Is(err, blob.ErrExists): // removed since
			err = fault.Wrap(again, fault.Unavailable, "The bytes could not be stored just now. Repeat the request.")
		case errors.Is(err, blob.ErrExists): // whoever put them there, they are still to be settled
			err = again
		}
	}
	if err != nil {
		return asset.Asset{}, fmt.Errorf("store the bytes of asset %s: %w", a.ID, err)
	}
	return s.conclude(ctx, a.Source(), verdict{object: o, info: info})
}
