package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// CompleteParts is the client's word that all parts are there, with their ETags or, for none, without. What the bucket has is held against the
// plan either way. Ready and failed answer as they are, however often it is said. Parts that are wrong or missing are fault.Conflict, which names
// them all, and a list that makes no sense is fault.Invalid about "parts"; then nothing is lost and the upload goes on. An upload whose joining
// takes longer than Options.CompleteWithin is answered pending, and its event settles it.
func (s *Service) CompleteParts(ctx context.Context, p access.Principal, aid id.Asset, parts []blob.Part) (asset.Asset, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil || !open(a) {
		return a, err
	}
	if a.Via != asset.ViaParts && len(parts) > 0 {
		return a, fault.BadField("parts", "%d were sent, but the asset does not come by parts; complete it without", len(parts))
	}
	return s.complete(ctx, a, parts)
}

// completeParts joins the parts of an open attempt and settles it.
func (s *Service) completeParts(ctx context.Context, a asset.Asset, sent []blob.Part) (asset.Asset, error) {
	sent = unquoted(sent)
	plan := PlanOf(a)
	senseless := plan.checkSent(sent)
	if len(sent) > MaxParts {
		return a, senseless
	}
	there, err := s.allParts(ctx, a)
	if senseless != nil && (err == nil || errors.Is(err, blob.ErrNotFound)) { // all that is wrong is named at once
		return a, together(senseless, plan.compare(there, sent))
	}
	if errors.Is(err, blob.ErrNotFound) {
		return s.ended(ctx, a)
	}
	if err != nil {
		return a, fmt.Errorf("list the parts of asset %s: %w", a.ID, err)
	}
	if err := plan.compare(there, sent); err != nil {
		return a, err
	}
	if err := withinLimit(a, there); err != nil {
		return a, err
	}
	return s.join(ctx, a, there)
}

// unquoted takes the quotes off ETags, which HTTP puts around them.
func unquoted(ps []blob.Part) []blob.Part {
	ps = slices.Clone(ps)
	for i := range ps {
		ps[i].ETag = strings.Trim(ps[i].ETag, `"`)
	}
	return ps
}

// allParts lists what the bucket has of an upload, the pages of the planned numbers at once; where numbers are missing a page reaches into the
// next, and parts come twice. The error is blob.ErrNotFound when it has no such upload.
func (s *Service) allParts(ctx context.Context, a asset.Asset) ([]blob.Part, error) {
	if a.Upload == "" {
		return nil, nil
	}
	pages := make([][]blob.Part, (PlanOf(a).Count+PartsPage-1)/PartsPage)
	errs := make([]error, len(pages))
	var wg sync.WaitGroup
	for i := range pages {
		wg.Go(func() {
			pages[i], _, errs[i] = s.Bucket.ListParts(ctx, a.Source().Key(), a.Upload, i*PartsPage, PartsPage)
		})
	}
	wg.Wait()
	if err := cmp.Or(errs...); err != nil {
		return nil, err
	}
	return slices.Concat(pages...), nil
}

// join makes the object of parts that fit, and settles. Joining may take long: an attempt whose grant has ended is waited for anew, so that nobody
// gives it up meanwhile.
func (s *Service) join(ctx context.Context, a asset.Asset, parts []blob.Part) (asset.Asset, error) {
	if s.now().After(a.GrantUntil) {
		now, err := s.extend(ctx, a, s.end(s.partGrant))
		if fault.Is(err, fault.Conflict) && now.State != asset.Pending {
			return now, nil
		}
		if err != nil {
			return now, err
		}
	}
	return s.joinWithin(ctx, a, parts)
}

// joinWithin waits for the joining as long as a request may.
func (s *Service) joinWithin(ctx context.Context, a asset.Asset, parts []blob.Part) (asset.Asset, error) {
	within, cancel := context.WithTimeout(ctx, s.completeWithin)
	defer cancel()
	o := partsOptions(a)
	o.Checksum = blob.Checksum{}
	if a.Checksum.Value != "" {
		o.Checksum = a.Checksum
	}
	whole, err := s.Bucket.CompleteParts(within, a.Source().Key(), a.Upload, parts, o)
	switch {
	case err == nil:
		return s.joined(ctx, a, whole.Version)
	case within.Err() != nil && ctx.Err() == nil:
		return a, nil // the bucket goes on with it, and its event settles
	case errors.Is(err, blob.ErrChecksum):
		return s.reject(ctx, a, fmt.Sprintf("The file does not have the %s %s that was announced.", a.Checksum.Algorithm, a.Checksum.Value))
	case errors.Is(err, blob.ErrNotFound):
		return s.ended(ctx, a)
	case fault.Is(err, fault.Invalid):
		return a, fault.Wrap(err, fault.Conflict, "Parts were sent again while they were being joined. Complete again.")
	case fault.Is(err, fault.Unavailable): // perhaps it was done, and only the answer is lost
		if found, again := s.Finalize(ctx, a.Source(), ""); again == nil {
			return found, nil
		}
	}
	return a, fmt.Errorf("join the parts of asset %s: %w", a.ID, err)
}

// joined settles an attempt by the version that its parts became. One that is gone again was removed by whoever decided the attempt.
func (s *Service) joined(ctx context.Context, a asset.Asset, version string) (asset.Asset, error) {
	done, err := s.Finalize(ctx, a.Source(), version)
	if !errors.Is(err, errNoBytes) {
		return done, err
	}
	now, err := s.Assets.Find(ctx, a.Workspace, a.ID)
	if err == nil && now.Generation == a.Generation && open(now) {
		err = fault.New(fault.Unavailable, "The joined parts of asset %s cannot be read. Complete again.", a.ID)
	}
	return now, err
}

// ended settles an attempt whose upload the bucket no longer has: by the object that it became, else as failed, because no part of it can come
// any more. It is looked for once more in between: who is joining it may hold it back, and give it back if the parts do not fit.
func (s *Service) ended(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	done, err := s.Finalize(ctx, a.Source(), "")
	if !errors.Is(err, errNoBytes) {
		return done, err
	}
	_, _, err = s.Bucket.ListParts(ctx, a.Source().Key(), a.Upload, 0, 1)
	if err == nil {
		return a, fault.New(fault.Unavailable, "The parts are being joined by another request at this moment. Repeat the request.")
	}
	if !errors.Is(err, blob.ErrNotFound) {
		return a, fmt.Errorf("look for the upload of asset %s: %w", a.ID, err)
	}
	return s.giveUp(ctx, a, table.Eq(schema.Upload, table.String(a.Upload)),
		"The upload no longer exists in the store of files: it was aborted, or left open for too long. Retry the asset to begin a new one.")
}

// reject settles an open attempt as rejected without an object.
func (s *Service) reject(ctx context.Context, a asset.Asset, message string) (asset.Asset, error) {
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))), whileOpen,
	), append(failed(asset.Rejected, message), table.Add(schema.Version, table.Int(1)))...))
	if current, lost := table.Lost(err); lost {
		return asItIs(a, current)
	}
	if err != nil {
		return a, fmt.Errorf("reject asset %s: %w", a.ID, err)
	}
	return asset.FromRow(it)
}

// asItIs accepts the row that won against the settling of a.
func asItIs(a asset.Asset, current table.Item) (asset.Asset, error) {
	if current == nil {
		return a, asset.Missing()
	}
	now, err := asset.FromRow(current)
	if err == nil && now.Generation != a.Generation {
		return stillPending(a, current)
	}
	return now, err
}
