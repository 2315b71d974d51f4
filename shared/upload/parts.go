package upload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// PartsPage is how many parts are signed or listed at once: what S3 lists in one answer.
const PartsPage = 1000

// SignedPart is the signed upload of one part: PUT exactly its bytes to the URL, and keep the ETag of the answer.
type SignedPart struct {
	Number int
	URL    string
}

// PartsGrant is a page of signed ways in for the parts of a file.
type PartsGrant struct {
	Upload string // id of the bucket's multipart upload
	Plan
	Parts   []SignedPart
	Next    int       // first number of the next page; 0: there is none
	Expires time.Time // a part that is begun later is refused: ask for its URL again
}

// BeginParts announces an asset of size bytes and grants the upload of its first PartsPage parts; part size 0 lets the plan choose. Errors are
// those of Begin and PlanParts. The row comes first, so that wherever it is cut off the sweeper finds what it began.
func (s *Service) BeginParts(ctx context.Context, p access.Principal, d Draft, size, partSize int64) (asset.Asset, PartsGrant, error) {
	plan, err := PlanParts(size, partSize)
	ws, err := s.check(ctx, p, d, asset.ViaParts, fault.FieldsOf(err)...)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	a, err := s.draft(ctx, p, d, asset.ViaParts)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	a.Expected, a.PartSize = plan.Size, plan.PartSize
	return s.beginParts(ctx, ws, a, d)
}

// beginParts announces an asset by parts and grants the first page of them.
func (s *Service) beginParts(ctx context.Context, ws account.Workspace, a asset.Asset, d Draft) (asset.Asset, PartsGrant, error) {
	a.GrantUntil = s.end(s.partGrant)
	a, err := s.announce(ctx, ws, a, d, nil)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	return s.openParts(ctx, a, PartsQuery{Max: d.FirstParts})
}

// end is when a grant of some length ends that is given now.
func (s *Service) end(length time.Duration) time.Time {
	return s.now().Add(length).UTC().Truncate(time.Second)
}

// openParts begins the bucket's upload for a pending attempt and signs the first page.
func (s *Service) openParts(ctx context.Context, a asset.Asset, q PartsQuery) (asset.Asset, PartsGrant, error) {
	a, err := s.startParts(ctx, a)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	g, err := s.signParts(ctx, a, q)
	return a, g, err
}

// startParts begins the bucket's upload for a pending attempt that has none, and writes its id into the row, once for each generation. Who
// loses to another that began one drops its own. One that is forgotten on the way is aborted by the sweeper.
func (s *Service) startParts(ctx context.Context, a asset.Asset) (asset.Asset, error) {
	up, err := s.Bucket.StartParts(ctx, a.Source().Key(), partsOptions(a))
	if err != nil {
		return a, fmt.Errorf("begin the parts of asset %s: %w", a.ID, err)
	}
	it, err := s.Table.Write(ctx, table.Update(a.Key(), table.All(pendingAt(a), table.HasNot(schema.Upload)),
		table.Set(schema.Upload, table.String(up)), table.Add(schema.Version, table.Int(1))))
	if current, lost := table.Lost(err); lost {
		if err := s.abort(ctx, a.Source().Key(), up); err != nil {
			return a, err
		}
		return stillPending(a, current)
	}
	if err != nil {
		return a, fmt.Errorf("keep the upload of asset %s: %w", a.ID, err)
	}
	return asset.FromRow(it)
}

// partsOptions are what the object of an attempt by parts is stored with: all that Finalize has to know of what was announced.
func partsOptions(a asset.Asset) blob.PutOptions {
	o := blob.PutOptions{Type: declaredType(a), Meta: map[string]string{}, Checksum: blob.Checksum{Algorithm: a.Checksum.Algorithm}}
	if a.Expected > 0 {
		o.Meta[metaSize] = strconv.FormatInt(a.Expected, 10)
	}
	if a.Checksum != (blob.Checksum{}) {
		o.Meta[metaChecksum] = a.Checksum.String()
	}
	return o
}

// pendingAt holds while the generation of an asset is pending.
func pendingAt(a asset.Asset) table.Cond {
	return table.All(
		table.Eq(schema.Generation, table.Int(int64(a.Generation))),
		table.Eq(schema.State, table.String(asset.Pending)),
	)
}

// stillPending is the row that won against a write on a, if the same attempt is pending in it; else the error says what it is instead.
func stillPending(a asset.Asset, current table.Item) (asset.Asset, error) {
	if current == nil {
		return a, asset.Missing()
	}
	now, err := asset.FromRow(current)
	if err != nil {
		return a, err
	}
	if now.Generation != a.Generation {
		return now, fault.New(fault.Conflict, "The upload was superseded by a retry. Ask for the parts of the new one.")
	}
	return now, wantPending(now)
}

// wantPending refuses an asset whose bytes are no longer waited for.
func wantPending(a asset.Asset) error {
	switch a.State {
	case asset.Pending:
		return nil
	case asset.Failed:
		return fault.New(fault.Conflict, "The asset is %s; only an upload that is pending can be gone on with. Retry the asset to begin a new one.", a.State)
	}
	return fault.New(fault.Conflict, "The asset is %s; only an upload that is pending can be gone on with.", a.State)
}

// wantParts refuses an asset that does not come by parts, or whose parts are no longer waited for.
func wantParts(a asset.Asset) error {
	if a.Via != asset.ViaParts {
		return fault.New(fault.Conflict, "The asset does not come by parts: its way in is %s.", a.Via)
	}
	return wantPending(a)
}

// PartsQuery names parts to sign: these numbers, or else a page from a number on. The zero value is the first page.
type PartsQuery struct {
	Numbers []int // at most Max, each once
	From    int   // first number of the page, such as PartsGrant.Next; 0 is 1
	Max     int   // how many are signed at once, 1 to MaxParts; 0 is PartsPage
}

// SignParts grants the upload of parts of a pending upload again, or of further parts, under the same upload id. Each time the attempt is waited
// for anew. Errors are fault.Invalid about "part_numbers" or "cursor" and fault.Conflict for an asset that takes no parts (any more).
func (s *Service) SignParts(ctx context.Context, p access.Principal, aid id.Asset, q PartsQuery) (asset.Asset, PartsGrant, error) {
	a, err := s.Assets.Allowed(ctx, p, access.CompleteAsset, aid)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	if err := wantParts(a); err != nil {
		return a, PartsGrant{}, err
	}
	if err := q.check(PlanOf(a)); err != nil {
		return a, PartsGrant{}, err
	}
	if a, err = s.extend(ctx, a, s.end(s.partGrant)); err != nil {
		return a, PartsGrant{}, err
	}
	if a.Upload == "" { // whoever announced it was cut off
		if a, err = s.startParts(ctx, a); err != nil {
			return a, PartsGrant{}, err
		}
	}
	g, err := s.signParts(ctx, a, q)
	return a, g, err
}

func (q PartsQuery) check(p Plan) error {
	switch {
	case len(q.Numbers) > 0 && q.From != 0:
		return fault.BadField("part_numbers", "comes with a cursor; send one of both")
	case q.Max < 0 || q.Max > MaxParts:
		return fault.BadField("limit", "%d; want 1 to %d", q.Max, MaxParts)
	case len(q.Numbers) > q.most():
		return fault.BadField("part_numbers", "%d numbers; at most %d are signed at once", len(q.Numbers), q.most())
	case q.From != 0 && !p.has(q.From):
		return fault.BadField("cursor", "it goes on at part %d, which is not in the plan of parts 1 to %d", q.From, p.Count)
	}
	if says := p.strange(q.Numbers); says != "" {
		return fault.BadField("part_numbers", "%s", says)
	}
	return nil
}

// most is how many parts are signed at once.
func (q PartsQuery) most() int { return cmp.Or(q.Max, PartsPage) }

// of gives the numbers a checked query names, and the first of the next page.
func (q PartsQuery) of(p Plan) (numbers []int, next int) {
	if len(q.Numbers) > 0 {
		return q.Numbers, 0
	}
	from := max(q.From, 1)
	last := min(from+q.most()-1, p.Count)
	for n := from; n <= last; n++ {
		numbers = append(numbers, n)
	}
	if last < p.Count {
		next = last + 1
	}
	return numbers, next
}

// signParts signs parts of an upload until its grant ends. It writes nothing and asks nobody.
func (s *Service) signParts(ctx context.Context, a asset.Asset, q PartsQuery) (PartsGrant, error) {
	g := PartsGrant{Upload: a.Upload, Plan: PlanOf(a), Expires: a.GrantUntil}
	numbers, next := q.of(g.Plan)
	specs := make([]blob.PartSpec, len(numbers))
	for i, n := range numbers {
		specs[i] = blob.PartSpec{Number: n, Size: g.binds(n)}
	}
	urls, ends, err := s.Bucket.SignParts(ctx, a.Source().Key(), a.Upload, specs, a.GrantUntil)
	if err != nil {
		return PartsGrant{}, fmt.Errorf("sign parts of asset %s: %w", a.ID, err)
	}
	g.Next, g.Parts = next, make([]SignedPart, len(urls))
	if ends.Before(g.Expires) { // with the credentials that signed
		g.Expires = ends.UTC().Truncate(time.Second)
	}
	for i, u := range urls {
		g.Parts[i] = SignedPart{Number: numbers[i], URL: u}
	}
	return g, nil
}

// ListParts lists what the bucket has of a pending upload: the parts with numbers above after, in order, up to limit (1 to PartsPage). Next is
// after what to go on; 0 at the end. Errors are fault.Invalid about "limit" or "cursor" and fault.Conflict for an asset that takes no parts (any more).
func (s *Service) ListParts(ctx context.Context, p access.Principal, aid id.Asset, after, limit int) (ps []blob.Part, next int, err error) {
	if limit < 1 || limit > PartsPage {
		return nil, 0, fault.BadField("limit", "%d; want 1 to %d", limit, PartsPage)
	}
	if after < 0 || after > MaxParts {
		return nil, 0, fault.BadField("cursor", "it goes on after part %d; parts have the numbers 1 to %d", after, MaxParts)
	}
	a, err := s.Assets.Allowed(ctx, p, access.ReadAsset, aid)
	if err != nil {
		return nil, 0, err
	}
	if err := wantParts(a); err != nil || a.Upload == "" {
		return nil, 0, err
	}
	ps, more, err := s.Bucket.ListParts(ctx, a.Source().Key(), a.Upload, after, limit)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, 0, fault.New(fault.Conflict, "The upload has ended in the store of files. Complete the asset to learn how.")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list the parts of asset %s: %w", aid, err)
	}
	if more && len(ps) > 0 {
		next = ps[len(ps)-1].Number
	}
	return ps, next, nil
}
