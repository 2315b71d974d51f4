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

// errNoBytes says that nothing has arrived for the attempt yet.
var errNoBytes = errors.New("no bytes have arrived")

// Arrived handles the news that a version of an object exists, however late, often and out of order it comes. An error means:
// deliver it again.
func (s *Service) Arrived(ctx context.Context, src schema.Source, version string) error {
	_, err := s.Finalize(ctx, src, version)
	switch {
	case fault.Is(err, fault.NotFound):
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

// Finalize is the only way to ready. It judges the bytes of an attempt, those of the named version or for "" the current one, and
// settles the attempt by one conditional write. What was announced the object says itself, so that the row is not read before; where it cannot
// be believed (schema.Source.InRow) it is read, once. Who loses the write gets the row as it is, and a version that the row rules out is
// removed: that of a superseded, settled or rejected attempt. It answers with the row as it is afterwards.
// The errors are errNoBytes, fault.NotFound without a row, and fault.Unavailable for an attempt the row does not know yet.
func (s *Service) Finalize(ctx context.Context, src schema.Source, version string) (asset.Asset, error) {
	said := s.promiseOf
	if src.InRow {
		a, err := s.Assets.Find(ctx, src.Workspace, src.Asset)
		if err != nil {
			return asset.Asset{}, err
		}
		if a.Source() != src || !open(a) {
			return s.ruled(ctx, src, a, version)
		}
		said = func(o blob.Object) (promise, error) { return s.promiseIn(a, o) }
	}
	v, err := s.inspect(ctx, src, version, said)
	if err != nil {
		return asset.Asset{}, err
	}
	return s.conclude(ctx, src, v)
}

// conclude settles an attempt by a verdict, or accepts what somebody else settled before.
func (s *Service) conclude(ctx context.Context, src schema.Source, v verdict) (asset.Asset, error) {
	key, err := s.Assets.Key(ctx, src.Workspace, src.Asset)
	if err != nil {
		return asset.Asset{}, err
	}
	it, err := s.Table.Write(ctx, table.Update(key, table.All(
		table.Eq(schema.Generation, table.Int(int64(src.Generation))), whileOpen,
	), v.edits()...))
	if current, lost := table.Lost(err); lost {
		return s.decided(ctx, src, current, v.object.Version)
	}
	if err != nil {
		return asset.Asset{}, fmt.Errorf("settle asset %s: %w", src.Asset, err)
	}
	a, err := asset.FromRow(it)
	if err == nil && a.State == asset.Ready {
		s.ready(a, s.now().Sub(a.CreatedAt()))
	}
	return a, err
}

// decided accepts a row that left nothing to settle. A version that it rules out is removed.
func (s *Service) decided(ctx context.Context, src schema.Source, current table.Item, version string) (asset.Asset, error) {
	if current == nil {
		return asset.Asset{}, asset.Missing()
	}
	a, err := asset.FromRow(current)
	if err != nil {
		return a, err
	}
	return s.ruled(ctx, src, a, version)
}

// ruled accepts an asset that left nothing to settle. A version that it rules out is removed.
func (s *Service) ruled(ctx context.Context, src schema.Source, a asset.Asset, version string) (asset.Asset, error) {
	switch {
	case src.Generation > a.Generation, src == a.Source() && open(a):
		return a, fault.New(fault.Unavailable, "the row of object %s is behind it; deliver the event again", src.Key())
	case src == a.Source() && a.State == asset.Ready && version == a.Object:
		return a, nil
	}
	return a, s.remove(ctx, src.Key(), version)
}

// whileOpen holds while bytes may still settle the row's generation; open says the same of an asset.
var whileOpen = table.Any(
	table.Eq(schema.State, table.String(asset.Pending)),
	table.All(table.Eq(schema.State, table.String(asset.Failed)),
		table.Any(table.Eq(schema.Cause, table.String(asset.Expired)), table.Eq(schema.Cause, table.String(asset.Source)))),
)

// open says whether bytes may still settle the current generation.
func open(a asset.Asset) bool {
	return a.State == asset.Pending || a.State == asset.Failed && (a.Cause == asset.Expired || a.Cause == asset.Source)
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
	checksum blob.Checksum // of the whole, where one is to be kept
	rejected string        // for people; "" is good
}

// inspect reads the bytes of an attempt, by one ranged read for most, and judges them by what was announced. Names and headers are not trusted
// beyond that comparison.
func (s *Service) inspect(ctx context.Context, src schema.Source, version string, said func(blob.Object) (promise, error)) (verdict, error) {
	key := src.Key()
	head, o, err := s.Bucket.Read(ctx, key, version, 0, media.HeadSize)
	if errors.Is(err, blob.ErrNotFound) {
		return verdict{}, errNoBytes
	}
	if err != nil {
		return verdict{}, fmt.Errorf("read %s: %w", key, err)
	}
	v := verdict{object: o}
	p, err := said(o)
	if err != nil {
		return v, err
	}
	if v.checksum, v.rejected, err = s.kept(ctx, p, o); err != nil || v.rejected != "" {
		return v, err
	}
	further := func(ctx context.Context, off, n int64) ([]byte, error) {
		b, _, err := s.Bucket.Read(ctx, key, o.Version, off, n)
		return b, err
	}
	v.info, v.rejected, err = judge(ctx, p.declared, media.Source{Size: o.Size, Head: head, Format: p.format, ReadAt: further})
	if err != nil {
		return verdict{}, fmt.Errorf("inspect %s: %w", key, err)
	}
	return v, nil
}

// judge says what bytes are, or why they are rejected.
func judge(ctx context.Context, declared string, src media.Source) (info media.Info, rejected string, err error) {
	inspect := media.Inspect
	if declared == media.JSON { // which nobody but Bring announces
		inspect = media.InspectJSON
	}
	info, err = inspect(ctx, src)
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
	if v.checksum != (blob.Checksum{}) {
		es = append(es, table.Set(schema.Checksum, table.String(v.checksum.String())))
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
