package upload

import (
	"context"
	"errors"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
)

// Complete is the client's word that the bytes are there. Ready and failed answer as they are, however often it is said; a
// pending asset whose bytes have not arrived is fault.Conflict and stays pending. For parts it is CompleteParts without a list.
func (s *Service) Complete(ctx context.Context, p access.Principal, aid id.Asset) (asset.Asset, error) {
	return s.CompleteParts(ctx, p, aid, nil)
}

// complete settles an open attempt by what has arrived. The parts of a pending one are joined first.
func (s *Service) complete(ctx context.Context, a asset.Asset, parts []blob.Part) (asset.Asset, error) {
	if a.Via == asset.ViaParts && a.State == asset.Pending {
		return s.completeParts(ctx, a, parts)
	}
	done, err := s.Finalize(ctx, a.Source(), "")
	if errors.Is(err, errNoBytes) {
		if a.State == asset.Failed {
			return a, nil
		}
		if a.Via == asset.ViaURL {
			return a, importing(a)
		}
		return s.noBytes(ctx, a)
	}
	return done, err
}

// noBytes answers a completion that found no bytes: with the row as it is if the attempt has been decided since it was read, because then they were
// there and are removed; else they are still to come.
func (s *Service) noBytes(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	now, err := s.Assets.Find(ctx, a.Workspace, a.ID)
	if err != nil || now.State != a.State || now.Generation != a.Generation {
		return now, err
	}
	with := "with the upload form"
	if a.Via == asset.ViaPut {
		with = "to its upload address"
	}
	return now, fault.New(fault.Conflict, "No bytes have arrived for this asset yet. Send the file %s first, then complete.", with)
}
