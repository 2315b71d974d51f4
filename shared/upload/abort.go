package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/schema"
)

// keepParts is how long after an import failed for its source the parts that it has are kept, for a retry that goes on with them.
const keepParts = lateBytes

// abort drops a multipart upload with its parts; "" names none.
func (s *Service) abort(ctx context.Context, key, upload string) error {
	if upload == "" {
		return nil
	}
	if err := s.Bucket.AbortParts(ctx, key, upload); err != nil {
		return fmt.Errorf("abort the upload of %s: %w", key, err)
	}
	return nil
}

// abortAll drops the open uploads under a prefix that are doomed; nil dooms all.
func (s *Service) abortAll(ctx context.Context, prefix string, doomed func(blob.Upload) bool) error {
	us, err := s.Bucket.Uploads(ctx, prefix)
	if err != nil {
		return fmt.Errorf("list uploads under %s: %w", prefix, err)
	}
	for _, u := range us {
		if doomed != nil && !doomed(u) {
			continue
		}
		if err := s.abort(ctx, u.Key, u.ID); err != nil {
			return err
		}
	}
	return nil
}

// inParts says whether the bucket may hold multipart uploads of an asset.
func inParts(a asset.Asset) bool { return a.Via == asset.ViaParts || a.Via == asset.ViaURL }

// abortRuledOut drops every open upload of an asset that its row, which may be stale, rules out.
func (s *Service) abortRuledOut(ctx context.Context, a asset.Asset) error {
	if !inParts(a) {
		return nil
	}
	return s.abortAll(ctx, schema.ObjectPrefix(a.Workspace, a.ID), func(u blob.Upload) bool { return s.uploadRuledOut(a, u) })
}

// uploadRuledOut says whether a row rules out an open upload for good: one of an earlier attempt, one of an attempt that is decided, and one
// that is not the attempt's own. While the row names none, it may be about to. Later attempts are none of its business.
func (s *Service) uploadRuledOut(a asset.Asset, u blob.Upload) bool {
	src, ok := schema.ParseSource(u.Key)
	if !ok || src.Generation > a.Generation {
		return false
	}
	if src.Generation < a.Generation {
		return true
	}
	if a.State == asset.Pending || s.keptForRetry(a) {
		return a.Upload != "" && u.ID != a.Upload
	}
	return true
}

// keptForRetry says whether the parts of an import that failed for its source are still kept: GrantUntil is when it failed.
func (s *Service) keptForRetry(a asset.Asset) bool {
	return a.State == asset.Failed && a.Cause == asset.Source && s.now().Before(a.GrantUntil.Add(keepParts))
}
