package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/media"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
)

// Upload is what a client says of an input whose bytes it is about to bring. What does not belong to its way is refused.
type Upload struct {
	Format string // e57 or xyz
	Way    string // WayURL, WaySingle or WayMulti
	Source string // the address, by WayURL
	Size   int64  // bytes of the whole, by WaySingle and WayMulti; 0: not said
	Parts  int    // how many parts it comes in, 1 to upload.MaxParts, by WayMulti; else 0
	First  int    // how many of them are granted by the answer, by WayMulti; 0 is upload.PartsPage

	// ID was drawn before, for a request that may be run again; zero: it is drawn now. Again says that it was given to an earlier run. If an
	// asset has it, that one is the answer, granted again where it is pending.
	ID    id.Asset
	Again bool
}

// check says what is wrong with an upload, by the names of the published arguments.
func (u Upload) check() error {
	var bad []fault.Field
	no := func(field, format string, args ...any) {
		bad = append(bad, fault.Field{Name: field, Message: fmt.Sprintf(format, args...)})
	}
	if !slices.Contains(media.Formats(), u.Format) {
		no("asset_type", "%.60q is no type of scan; send %s", u.Format, strings.Join(media.Formats(), " or "))
	}
	ways := []string{WayURL, WaySingle, WayMulti}
	if !slices.Contains(ways, u.Way) {
		no("upload_type", "%.60q is no way in; send %s", u.Way, strings.Join(ways, ", "))
		return fault.BadFields(bad)
	}
	if u.Way == WayURL && u.Source == "" {
		no("url", "is missing; upload_type url wants the address that the scan is read from")
	}
	if u.Way != WayURL && u.Source != "" {
		no("url", "comes with upload_type url, and this upload_type is %s; leave it out", u.Way)
	}
	if u.Way == WayMulti && (u.Parts < 1 || u.Parts > upload.MaxParts) {
		no("total_parts", "%d parts; upload_type multi wants 1 to %d", u.Parts, upload.MaxParts)
	}
	if u.Way != WayMulti && u.Parts != 0 {
		no("total_parts", "comes with upload_type multi, and this upload_type is %s; leave it out", u.Way)
	}
	if u.Way != WayMulti && u.First != 0 {
		no("first", "comes with upload_type multi, and this upload_type is %s; leave it out", u.Way)
	}
	if u.Way == WayURL && u.Size != 0 {
		no("size_bytes", "comes with upload_type single and multi, and this upload_type is url; leave it out")
	}
	return fault.BadFields(bad)
}

// BeginUpload announces an input of an order and grants the way in of its bytes, or lets a worker copy them. Asset, input and order are written at
// once, or not at all. An order in Error becomes Initialized by it. The errors are fault.Invalid about every argument that is wrong,
// fault.NotFound, fault.Forbidden, and fault.Conflict for an order that was submitted, is full or given up, and for a workspace that has as many
// uploads on their way as it may.
func (s *Service) BeginUpload(ctx context.Context, p access.Principal, o id.Order, u Upload) (Session, error) {
	found, err := s.allowed(ctx, p, access.ChangeOrder, o)
	if err != nil {
		return Session{}, err
	}
	if err := u.check(); err != nil {
		return Session{}, err
	}
	if u.Again {
		if se, err := s.begun(ctx, p, found, u); !fault.Is(err, fault.NotFound) {
			return se, err
		}
	}
	var c counter
	for now, tries := found, 0; tries < maxTries; tries++ {
		if tries > 0 {
			if now, err = s.Find(ctx, found.Workspace, o); err != nil {
				return Session{}, err
			}
		}
		if err := now.room(); err != nil {
			return Session{}, err
		}
		st, err := s.joining(ctx, now)
		if err != nil {
			return Session{}, err
		}
		st.uploads = 1
		if err := s.within(c, *st); err != nil {
			return Session{}, err
		}
		se, err := s.announce(ctx, p, now, u, func(a asset.Asset) []table.Write { return s.announced(now, *st, a, u, c) })
		if fault.Is(err, fault.Duplicate) {
			return s.begun(ctx, p, found, u)
		}
		if table.Refused(err) == nil {
			return se, published(err)
		}
		if c, err = s.counter(ctx, found.Workspace); err != nil {
			return Session{}, err
		}
	}
	return Session{}, busy()
}

// announced are the writes beside a new asset that make it an input.
func (s *Service) announced(now Order, st step, a asset.Asset, u Upload, c counter) []table.Write {
	st.uploads, st.also = 0, nil
	st.join(input{id: a.ID, workspace: a.Workspace, format: u.Format, open: true})
	_, ws := s.writes(now, st, c)
	return ws
}

// begun is the upload that an earlier run of the same request began, granted again.
func (s *Service) begun(ctx context.Context, p access.Principal, o Order, u Upload) (Session, error) {
	a, err := s.Assets.Find(ctx, o.Workspace, u.ID)
	if err != nil {
		return Session{}, err
	}
	se, err := session(a)
	if err != nil || se.Status != StatusPending {
		return se, err
	}
	return s.Reissue(ctx, p, u.ID, upload.PartsQuery{Max: u.First})
}

// announce begins the upload with its bytes' way in.
func (s *Service) announce(ctx context.Context, p access.Principal, o Order, u Upload, beside func(asset.Asset) []table.Write) (Session, error) {
	d := upload.Draft{
		Workspace: o.Workspace, Name: fmt.Sprintf("scan-%d.%s", o.Inputs+1, u.Format), Format: u.Format, MaxSize: s.maxUpload,
		Orders: asset.OrdersOf(o.ID), Beside: beside, ID: u.ID, Again: u.Again, FirstParts: u.First,
	}
	switch u.Way {
	case WayURL:
		d.Name = "" // the address has one
		a, err := s.Uploads.BeginImport(ctx, p, d, u.Source, s.maxUpload)
		if err != nil {
			return Session{}, err
		}
		return session(a)
	case WaySingle:
		a, g, err := s.Uploads.BeginPut(ctx, p, d, u.Size)
		if err != nil {
			return Session{}, err
		}
		return put(a, g)
	}
	a, g, err := s.Uploads.BeginOpenParts(ctx, p, d, u.Parts, u.Size)
	if err != nil {
		return Session{}, err
	}
	return parts(a, g)
}

// publishedNames are the published names of what package upload calls otherwise.
var publishedNames = map[string]string{"source": "url", "cursor": "after", "limit": "first", "format": "asset_type"}

// published is an error with the names of the published arguments.
func published(err error) error {
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Invalid {
		return err
	}
	fields := slices.Clone(e.Fields)
	for i, f := range fields {
		if name, other := publishedNames[f.Name]; other {
			fields[i].Name = name
		}
	}
	return fault.BadFields(fields)
}

// FinalizeUpload is the client's word that the bytes of an input are there; of a multi upload with the parts as they were answered, or without. The order and
// the upload id are compared where they are said. An upload that is over or copied by a worker is the answer as it stands, and one that takes
// longer to join than a request may is StatusCompleting. The errors are fault.Invalid about "order_id", "upload_id" and "parts", and
// fault.Conflict where bytes are missing or wrong; then the upload goes on.
func (s *Service) FinalizeUpload(ctx context.Context, p access.Principal, aid id.Asset, o id.Order, uploadID string, ps []blob.Part) (Session, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil {
		return Session{}, err
	}
	se, err := session(a)
	if err != nil {
		return se, err
	}
	if err := wantUpload(a, o, uploadID); err != nil {
		return se, err
	}
	if se.Status == StatusImporting && len(ps) == 0 {
		return se, nil
	}
	if a, err = s.Uploads.CompleteParts(ctx, p, aid, ps); err != nil {
		return se, err
	}
	if se, err = session(a); err == nil && se.Status == StatusPending {
		se.Status = StatusCompleting
	}
	return se, err
}

// wantUpload refuses an upload that is not the one that a client means.
func wantUpload(a asset.Asset, o id.Order, uploadID string) error {
	var bad []fault.Field
	if o != (id.Order{}) && !a.Orders.Has(o) && a.LeftOrder != o {
		bad = append(bad, fault.Field{Name: "order_id", Message: fmt.Sprintf("asset %s is no input of order %s", a.ID, o)})
	}
	switch {
	case uploadID == "" || uploadID == a.Upload:
	case a.Via != asset.ViaParts:
		bad = append(bad, fault.Field{Name: "upload_id", Message: "comes with upload_type multi, and the asset does not come by parts; leave it out"})
	default:
		bad = append(bad, fault.Field{Name: "upload_id", Message: fmt.Sprintf("%.80q is not the asset's; send the one that initializeUpload gave", uploadID)})
	}
	return fault.BadFields(bad)
}
