package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/fault"
)

// BeginOpenParts announces an asset that comes in a number of parts, and grants the first of them: Draft.FirstParts, else PartsPage. Without a size
// the parts are of the client's own sizes, MinPartSize to MaxPartSize, of which the last may be smaller; with one they are planned, as
// PlanCount does. Errors are those of Begin and PlanCount, and fault.Invalid about "first". The row comes first, as with BeginParts.
func (s *Service) BeginOpenParts(ctx context.Context, p access.Principal, d Draft, count int, size int64) (asset.Asset, PartsGrant, error) {
	plan, err := PlanCount(count, size)
	bad := fault.FieldsOf(err)
	if d.MaxSize > 0 && size > d.MaxSize {
		bad = append(bad, fault.Field{Name: "size_bytes", Message: fmt.Sprintf("%d bytes; at most %d are taken", size, d.MaxSize)})
	}
	if d.FirstParts < 0 || d.FirstParts > MaxParts {
		bad = append(bad, fault.Field{Name: "first", Message: fmt.Sprintf("%d; want 1 to %d", d.FirstParts, MaxParts)})
	}
	ws, err := s.check(ctx, p, d, asset.ViaParts, bad...)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	a, err := s.draft(ctx, p, d, asset.ViaParts)
	if err != nil {
		return asset.Asset{}, PartsGrant{}, err
	}
	a.Expected, a.PartSize = plan.Size, plan.PartSize
	if plan.PartSize == 0 {
		a.Parts = plan.Count
	}
	return s.beginParts(ctx, ws, a, d)
}

// withinLimit refuses parts, each once, that have more bytes together than are taken, which is found out when they are to be joined.
func withinLimit(a asset.Asset, there []blob.Part) error {
	total := int64(0)
	for _, p := range there {
		total += p.Size
	}
	most := atMost(MaxSize, a)
	if total <= most {
		return nil
	}
	says := fmt.Sprintf("they have %d bytes together; at most %d are taken", total, most)
	return &fault.Error{Kind: fault.Conflict, Fields: []fault.Field{{Name: "parts", Message: says}},
		Message: "The parts cannot be joined: " + says + ". Send smaller parts in their places, or abandon the upload."}
}
