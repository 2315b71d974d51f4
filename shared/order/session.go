package order

import (
	"context"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/upload"
)

// The ways in of an input, as the published schema spells them.
const (
	WayURL    = "url"    // copied from an address
	WaySingle = "single" // one PUT
	WayMulti  = "multi"  // parts
)

// Where the upload of an input stands, as the published schema spells it.
const (
	StatusPending    = "pending"    // bytes may be sent
	StatusImporting  = "importing"  // a worker copies them
	StatusCompleting = "completing" // they are all there, and being joined
	StatusReady      = "ready"      // they were verified
	StatusFailed     = "failed"     // they are no good, or did not come in time
	StatusAbandoned  = "abandoned"  // they are no longer wanted
)

// Session is the upload of an input as it stands, with the ways in that were granted just now.
type Session struct {
	Asset  asset.Asset
	Order  id.Order // the input's, or the one that it left last
	Format string   // e57 or xyz; "": not known before the bytes of an attached asset are there
	Way    string   // WayURL, WaySingle or WayMulti
	Status string   // one of the Status constants

	PutURL   string             // of a single upload, where it was granted
	Grant    *upload.PartsGrant // of a multi upload, where it was granted
	Expires  time.Time          // of what was granted; zero: nothing was
	Parts    int                // how many parts there are, of a multi upload
	Received int                // how many of them have arrived, where it was asked
	Next     int                // after which part the next page of grants begins; 0: there is none
}

// session is an asset's as it stands. The error is fault.NotFound for an asset that never was an input.
func session(a asset.Asset) (Session, error) {
	o := a.LeftOrder
	if ids := a.Orders.IDs(); len(ids) > 0 {
		o = ids[len(ids)-1]
	}
	if o == (id.Order{}) {
		return Session{}, fault.New(fault.NotFound, "The asset %s is no input of an order. Attach it to one first.", a.ID)
	}
	se := Session{Asset: a, Order: o, Format: FormatOf(a), Way: wayOf(a), Status: StatusOf(a)}
	if se.Way == WayMulti {
		se.Parts = upload.PlanOf(a).Count
	}
	return se, nil
}

func wayOf(a asset.Asset) string {
	switch a.Via {
	case asset.ViaURL:
		return WayURL
	case asset.ViaParts:
		return WayMulti
	}
	return WaySingle
}

// StatusOf is where the upload of an asset stands: one of the Status constants.
func StatusOf(a asset.Asset) string {
	switch {
	case a.State == asset.Ready:
		return StatusReady
	case a.State == asset.Failed && a.Cause == asset.Abandoned:
		return StatusAbandoned
	case a.State == asset.Failed:
		return StatusFailed
	case a.Via == asset.ViaURL:
		return StatusImporting
	}
	return StatusPending
}

// Session is the upload of an input as it stands. Of a multi upload that is pending it counts the parts that have arrived, above the number after; 0
// is all. The errors are fault.Invalid about "after", and fault.NotFound also for an asset that never was an input.
func (s *Service) Session(ctx context.Context, p access.Principal, aid id.Asset, after int) (Session, error) {
	if after < 0 || after > upload.MaxParts {
		return Session{}, fault.BadField("after", "it goes on after part %d; parts have the numbers 1 to %d", after, upload.MaxParts)
	}
	a, err := s.Assets.Allowed(ctx, p, access.ReadAsset, aid)
	if err != nil {
		return Session{}, err
	}
	se, err := session(a)
	if err != nil || se.Way != WayMulti || se.Status != StatusPending {
		return se, err
	}
	there, err := s.arrived(ctx, p, a, after)
	if fault.Is(err, fault.Conflict) { // the bucket has no such upload any more: it was joined, and nobody has judged the whole yet
		se.Status, se.Received = StatusCompleting, se.Parts
		return se, nil
	}
	se.Received = len(there)
	return se, err
}

// arrived are the parts of a pending upload that the bucket has, with numbers above after.
func (s *Service) arrived(ctx context.Context, p access.Principal, a asset.Asset, after int) (ps []blob.Part, err error) {
	for {
		some, next, err := s.Uploads.ListParts(ctx, p, a.ID, after, upload.PartsPage)
		if err != nil {
			return nil, err
		}
		if ps = append(ps, some...); next == 0 {
			return ps, nil
		}
		after = next
	}
}

// Reissue grants a pending upload again, under the same upload id: the one PUT, or of the parts those that the query names, those of its page, or
// for neither all that have not arrived, as many as its Max. The errors are fault.Invalid about "part_numbers", "after" and "first", and
// fault.Conflict for an upload whose bytes a client does not send (any more).
func (s *Service) Reissue(ctx context.Context, p access.Principal, aid id.Asset, q upload.PartsQuery) (Session, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil {
		return Session{}, err
	}
	se, err := session(a)
	if err != nil {
		return se, err
	}
	if se.Status != StatusPending {
		return se, fault.New(fault.Conflict, "The upload is %s; only one that is pending takes bytes. Abandon it and begin another, if it is not ready.", se.Status)
	}
	switch a.Via {
	case asset.ViaPut:
		return s.reissuePut(ctx, p, a)
	case asset.ViaParts:
		return s.reissueParts(ctx, p, a, q)
	}
	return se, fault.New(fault.Conflict, "The asset was not begun as an upload of an order: its way in is %s. Send its bytes by the API that began it.", a.Via)
}

func (s *Service) reissuePut(ctx context.Context, p access.Principal, a asset.Asset) (Session, error) {
	a, g, err := s.Uploads.RegrantPut(ctx, p, a.ID)
	if err != nil {
		return Session{}, err
	}
	return put(a, g)
}

func (s *Service) reissueParts(ctx context.Context, p access.Principal, a asset.Asset, q upload.PartsQuery) (Session, error) {
	next := 0
	if len(q.Numbers) == 0 && q.From == 0 {
		there, err := s.arrived(ctx, p, a, 0)
		if err != nil {
			return Session{}, err
		}
		if q.Numbers, next = missing(upload.PlanOf(a).Count, there, q.Max); len(q.Numbers) == 0 {
			se, err := session(a)
			se.Received = len(there)
			return se, err
		}
	}
	a, g, err := s.Uploads.SignParts(ctx, p, a.ID, q)
	if err != nil {
		return Session{}, published(err)
	}
	if next > 0 {
		g.Next = next
	}
	return parts(a, g)
}

// missing are the numbers of the parts that have not arrived, at most some (0: upload.PartsPage), and the number to go on from; 0: these are all.
func missing(count int, there []blob.Part, most int) (numbers []int, next int) {
	if most <= 0 {
		most = upload.PartsPage
	}
	has := make(map[int]bool, len(there))
	for _, p := range there {
		has[p.Number] = true
	}
	for n := 1; n <= count; n++ {
		switch {
		case has[n]:
		case len(numbers) == most:
			return numbers, n
		default:
			numbers = append(numbers, n)
		}
	}
	return numbers, 0
}

// put is a session with the grant of a PUT.
func put(a asset.Asset, g upload.PutGrant) (Session, error) {
	se, err := session(a)
	se.PutURL, se.Expires = g.URL, g.Expires
	return se, err
}

// parts is a session with a grant of parts.
func parts(a asset.Asset, g upload.PartsGrant) (Session, error) {
	se, err := session(a)
	se.Grant, se.Expires = &g, g.Expires
	if g.Next > 0 {
		se.Next = g.Next - 1
	}
	return se, err
}
