package upload

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// settleTries bounds how often a settling write is tried again on a row that others changed meanwhile.
const settleTries = 5

// errNoBytes says that nothing has arrived for the attempt yet.
var errNoBytes = errors.New("no bytes have arrived")

// Arrived handles the news that a version of an object exists, however late, often and out of order it comes. An error means:
// deliver it again.
func (s *Service) Arrived(ctx context.Context, src schema.Source, version string) error {
	a, err := s.Assets.Find(ctx, src.Workspace, src.Asset)
	if fault.Is(err, fault.NotFound) {
		return s.orphan(ctx, src, version)
	}
	if err != nil {
		return err
	}
	_, err = s.Finalize(ctx, a, src.Generation, version)
	switch {
	case fault.Is(err, fault.NotFound): // deleted meanwhile
		return s.orphan(ctx, src, version)
	case errors.Is(err, errNoBytes):
		return s.vanished(ctx, src, version)
	}
	return err
}

// vanished handles an event whose version cannot be read. If the attempt has been decided since, it was removed for that; if
// not, something is wrong with the bucket or with the right to read it, and the event must not be lost.
func (s *Service) vanished(ctx context.Context, src schema.Source, version string) error {
	a, err := s.Assets.Find(ctx, src.Workspace, src.Asset)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Generation == src.Generation && open(a) {
		return fault.New(fault.Unavailable, "version %s of %s cannot be read; deliver the event again", version, src.Key())
	}
	return nil
}

// orphan handles bytes without a row. A deleted asset's are removed; else the row may be about to be restored, so the event is
// returned to be delivered again until the id is older than any grant.
func (s *Service) orphan(ctx context.Context, src schema.Source, version string) error {
	_, err := s.Assets.Gone(ctx, src.Asset)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil && s.now().Before(src.Asset.Time().Add(asset.RememberDeleted)) {
		return fault.New(fault.Unavailable, "object %s has no asset yet; deliver the event again", src.Key())
	}
	return s.remove(ctx, src.Key(), version)
}

// Finalize is the only way to ready. It is given the row as last read, and says what becomes of the bytes that are there for a
// generation: of the named version, or of the current one for version "". It answers with the row as it is afterwards.
func (s *Service) Finalize(ctx context.Context, a asset.Asset, generation int, version string) (asset.Asset, error) {
	if done, err := s.decided(ctx, a, generation, version); done || err != nil {
		return a, err
	}
	v, err := s.inspect(ctx, a, version)
	if err != nil {
		return a, err
	}
	return s.conclude(ctx, a, v)
}

// conclude settles the current generation of an asset by a verdict, or accepts what somebody else settled first.
func (s *Service) conclude(ctx context.Context, a asset.Asset, v verdict) (asset.Asset, error) {
	generation := a.Generation
	for range settleTries {
		settled, current, err := s.settle(ctx, a, v)
		if settled || err != nil {
			return current, err
		}
		if current.ID != a.ID { // deleted meanwhile: the clean-up removes its bytes
			return a, asset.Missing()
		}
		a = current
		if done, err := s.decided(ctx, a, generation, v.object.Version); done || err != nil {
			return a, err
		}
	}
	return a, fault.New(fault.Throttled, "The asset is being changed by others at this moment. Repeat the request.")
}

// decided says whether the row leaves nothing to decide about a version. A version that the row rules out is removed.
func (s *Service) decided(ctx context.Context, a asset.Asset, generation int, version string) (bool, error) {
	src := schema.Source{Workspace: a.Workspace, Asset: a.ID, Generation: generation}
	switch {
	case generation > a.Generation:
		return false, fault.New(fault.Unavailable, "object %s is of an attempt the row does not know yet; deliver the event again", src.Key())
	case generation == a.Generation && open(a):
		return false, nil
	case generation == a.Generation && a.State == asset.Ready && (version == "" || version == a.Object):
		return true, nil
	}
	return true, s.remove(ctx, src.Key(), version)
}

// open says whether bytes may still settle the current generation.
func open(a asset.Asset) bool {
	return a.State == asset.Pending || a.State == asset.Failed && a.Cause == asset.Expired
}

// remove deletes one version; "" names none and is left.
func (s *Service) remove(ctx context.Context, key, version string) error {
	if version == "" {
		return nil
	}
	if err := s.Bucket.DeleteVersion(ctx, key, version); err != nil {
		return fmt.Errorf("remove version %s of %s: %w", version, key, err)
	}
	return nil
}

// verdict is what an inspection found: good bytes, or why they are rejected.
type verdict struct {
	object   blob.Object
	info     media.Info
	rejected string // for people; "" is good
}

// inspect reads the bytes of the current generation, by one ranged read for most, and judges them. It never trusts names or headers.
func (s *Service) inspect(ctx context.Context, a asset.Asset, version string) (verdict, error) {
	key := a.Source().Key()
	head, o, err := s.Bucket.Read(ctx, key, version, 0, media.HeadSize)
	if errors.Is(err, blob.ErrNotFound) {
		return verdict{}, errNoBytes
	}
	if err != nil {
		return verdict{}, fmt.Errorf("read %s: %w", key, err)
	}
	v := verdict{object: o}
	if o.Size > s.maxSize {
		v.rejected = fmt.Sprintf("The file has %d bytes; at most %d are taken.", o.Size, s.maxSize)
		return v, nil
	}
	v.info, v.rejected, err = judge(ctx, a.Declared, media.Source{Size: o.Size, Head: head, ReadAt: func(ctx context.Context, off, n int64) ([]byte, error) {
		b, _, err := s.Bucket.Read(ctx, key, o.Version, off, n)
		return b, err
	}})
	if err != nil {
		return verdict{}, fmt.Errorf("inspect %s: %w", key, err)
	}
	return v, nil
}

// judge says what bytes are, or why they are rejected.
func judge(ctx context.Context, declared string, src media.Source) (info media.Info, rejected string, err error) {
	info, err = media.Inspect(ctx, src)
	var no *media.Rejected
	if errors.As(err, &no) {
		return media.Info{}, no.Message, nil
	}
	if err != nil {
		return media.Info{}, "", err
	}
	if !media.Agree(declared, info.Type) {
		return media.Info{}, fmt.Sprintf("The file was announced as %s, but it is %s. Announce what it is, or send what was announced.", declared, info.Type), nil
	}
	return info, "", nil
}

// settle writes a verdict by one conditional write. Not settled: the row as it is now, without an id if it is gone.
func (s *Service) settle(ctx context.Context, a asset.Asset, v verdict) (settled bool, current asset.Asset, err error) {
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))),
		table.Eq(schema.State, table.String(a.State)),
		causeIs(a.Cause),
	), v.edits()...))
	if cur, lost := table.Lost(err); lost {
		if cur == nil {
			return false, asset.Asset{}, nil
		}
		current, err = asset.FromRow(cur)
		return false, current, err
	}
	if err != nil {
		return false, a, fmt.Errorf("settle asset %s: %w", a.ID, err)
	}
	current, err = asset.FromRow(it)
	return true, current, err
}

func causeIs(c asset.Cause) table.Cond {
	if c == "" {
		return table.HasNot(schema.Cause)
	}
	return table.Eq(schema.Cause, table.String(c))
}

// edits are what a verdict changes in the row.
func (v verdict) edits() []table.Edit {
	count := table.Add(schema.Version, table.Int(1))
	if v.rejected != "" {
		return append(failed(asset.Rejected, v.rejected), count)
	}
	es := []table.Edit{
		count,
		table.Set(schema.State, table.String(asset.Ready)),
		table.Set(schema.Type, table.String(v.info.Type)),
		table.Set(schema.Size, table.Int(v.object.Size)),
		table.Set(schema.ETag, table.String(v.object.ETag)),
		table.Set(schema.Object, table.String(v.object.Version)),
		table.Remove(schema.Failure),
		table.Remove(schema.Cause),
	}
	if v.info.Width > 0 && v.info.Height > 0 {
		es = append(es, table.Set(schema.Width, table.Int(int64(v.info.Width))), table.Set(schema.Height, table.Int(int64(v.info.Height))))
	}
	return es
}

func failed(c asset.Cause, message string) []table.Edit {
	return []table.Edit{
		table.Set(schema.State, table.String(asset.Failed)),
		table.Set(schema.Cause, table.String(c)),
		table.Set(schema.Failure, table.String(message)),
	}
}
