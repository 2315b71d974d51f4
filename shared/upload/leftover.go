package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
)

// Leftover is a version of an object, or an open multipart upload, that no row names.
type Leftover struct {
	Asset   id.Asset
	Key     string
	Version string // of the object; "" for an upload
	Upload  string // id of the bucket's multipart upload; "" for a version
	Size    int64  // bytes of the version; those of an upload's parts are not known
	Why     Why
}

// Why says what is known of the asset of a leftover.
type Why string

// The reasons.
const (
	Superseded Why = "superseded" // the row has ruled it out: an earlier attempt, rejected bytes, or not those that are ready
	Deleted    Why = "deleted"    // the asset was deleted within asset.RememberDeleted
	Unknown    Why = "unknown"    // there is neither row nor memory, and no grant can be alive: deleted long ago, or of a table that was restored
)

// wholeList is up to how many versions of a workspace are looked at together: one page of S3's listing.
const wholeList = 1000

// Leftovers finds what no row names among the objects of a workspace's assets whose ids have one byte of random bits, by a listing of the versions
// and one of the open uploads, and says how many of both there are. Bytes of attempts that are still open are not among it, nor those of assets
// too young to be judged. Rows are read after the bucket, so that none is older than what it judges. For operators.
func (s *Service) Leftovers(ctx context.Context, w id.Workspace, spread byte) (ls []Leftover, seen int, err error) {
	prefix := schema.SpreadPrefix(w, spread)
	vs, err := s.Bucket.Versions(ctx, prefix, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("list versions under %s: %w", prefix, err)
	}
	return s.leftovers(ctx, w, prefix, vs)
}

// AllLeftovers is Leftovers of all bytes at once, for a workspace of few objects; whole is false when it has more, and then nothing was looked at.
func (s *Service) AllLeftovers(ctx context.Context, w id.Workspace) (ls []Leftover, seen int, whole bool, err error) {
	prefix := schema.WorkspacePrefix(w)
	vs, err := s.Bucket.Versions(ctx, prefix, wholeList)
	if err != nil {
		return nil, 0, false, fmt.Errorf("list versions under %s: %w", prefix, err)
	}
	if len(vs) >= wholeList {
		return nil, 0, false, nil
	}
	ls, seen, err = s.leftovers(ctx, w, prefix, vs)
	return ls, seen, true, err
}

// leftovers judges versions, and the open uploads under a prefix.
func (s *Service) leftovers(ctx context.Context, w id.Workspace, prefix string, vs []blob.Version) (ls []Leftover, seen int, err error) {
	us, err := s.Bucket.Uploads(ctx, prefix)
	if err != nil {
		return nil, 0, fmt.Errorf("list uploads under %s: %w", prefix, err)
	}
	j := &audit{Service: s, rows: map[id.Asset]asset.Asset{}, absent: map[id.Asset]Why{}}
	if err := j.read(ctx, w, vs, us); err != nil {
		return nil, 0, err
	}
	for _, v := range vs {
		if src, ok := schema.ParseSource(v.Key); ok {
			if why := j.version(src, v); why != "" {
				ls = append(ls, Leftover{Asset: src.Asset, Key: v.Key, Version: v.Version, Size: v.Size, Why: why})
			}
		}
	}
	for _, u := range us {
		if src, ok := schema.ParseSource(u.Key); ok {
			if why := j.upload(src, u); why != "" {
				ls = append(ls, Leftover{Asset: src.Asset, Key: u.Key, Upload: u.ID, Why: why})
			}
		}
	}
	return ls, len(vs) + len(us), nil
}

// audit compares what a bucket has with rows.
type audit struct {
	*Service
	rows   map[id.Asset]asset.Asset
	absent map[id.Asset]Why // why an asset has no row; "" is not known
}

// read reads the rows of all assets that a listing names, and looks for the memory of those that have none.
func (j *audit) read(ctx context.Context, w id.Workspace, vs []blob.Version, us []blob.Upload) error {
	var named []id.Asset
	note := func(key string) {
		src, ok := schema.ParseSource(key)
		if _, known := j.absent[src.Asset]; ok && !known {
			j.absent[src.Asset] = ""
			named = append(named, src.Asset)
		}
	}
	for _, v := range vs {
		note(v.Key)
	}
	for _, u := range us {
		note(u.Key)
	}
	rows, err := j.Assets.FindAll(ctx, w, named)
	if err != nil {
		return err
	}
	for _, a := range rows {
		j.rows[a.ID] = a
		delete(j.absent, a.ID)
	}
	for a := range j.absent {
		if j.absent[a], err = j.missing(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// missing says why an asset has no row; "" when that cannot be judged yet.
func (j *audit) missing(ctx context.Context, a id.Asset) (Why, error) {
	_, err := j.Assets.Gone(ctx, a)
	switch {
	case err == nil:
		return Deleted, nil
	case !fault.Is(err, fault.NotFound):
		return "", err
	case j.now().Before(a.Time().Add(asset.RememberDeleted)):
		return "", nil
	}
	return Unknown, nil
}

// version says why a version is left over; "" when it is not.
func (j *audit) version(src schema.Source, v blob.Version) Why {
	a, there := j.rows[src.Asset]
	switch {
	case !there:
		return j.absent[src.Asset]
	case src.Generation == a.Generation && open(a), !ruledOut(a, v):
		return ""
	}
	return Superseded
}

// upload says the same of an open upload.
func (j *audit) upload(src schema.Source, u blob.Upload) Why {
	a, there := j.rows[src.Asset]
	switch {
	case !there:
		return j.absent[src.Asset]
	case !j.uploadRuledOut(a, u):
		return ""
	}
	return Superseded
}

// RemoveLeftover removes a version, or drops an upload with its parts. It may be repeated. Of a deleted asset everything goes, also its places on
// projects and in folders.
func (s *Service) RemoveLeftover(ctx context.Context, l Leftover) error {
	if l.Why == Deleted {
		if err := s.detach(ctx, l.Asset); err != nil {
			return err
		}
		if err := s.dropImport(ctx, l.Asset); err != nil {
			return err
		}
	}
	if l.Upload != "" {
		return s.abort(ctx, l.Key, l.Upload)
	}
	return s.remove(ctx, l.Key, l.Version)
}

// Overdue says whether an upload is open whose time has passed: Expire settles it.
func (s *Service) Overdue(a asset.Asset) bool { return a.State == asset.Pending && s.expired(a) }

// ImportOver says whether the import of a ready asset is still kept, with its address: ForgetImport removes it.
func (s *Service) ImportOver(ctx context.Context, a asset.Asset) (bool, error) {
	if a.Via != asset.ViaURL || a.State != asset.Ready {
		return false, nil
	}
	_, known, err := s.importOf(ctx, a.ID)
	return known, err
}

// ForgetImport removes the row of an import that is over, and what its workers may have left open.
func (s *Service) ForgetImport(ctx context.Context, a asset.Asset) error {
	return s.forgetImport(ctx, a)
}
