package processing

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/product"
)

// job is the order as its product sees it, with its inputs as the submission held them.
func (r *run) job(ctx context.Context) (product.Job, error) {
	held, err := r.Orders.InputsOf(ctx, r.order)
	if err != nil {
		return product.Job{}, fmt.Errorf("read the inputs of order %s: %w", r.order.ID, err)
	}
	if len(held) < r.order.Inputs {
		return product.Job{}, product.Refuse("Of the %d inputs that were submitted %d are gone. Put others into the order, and submit it again.",
			r.order.Inputs, r.order.Inputs-len(held))
	}
	job := product.Job{Order: r.order.ID.String(), OrderName: r.order.Name, Units: r.order.Units}
	taken := map[string]bool{}
	for _, in := range held {
		if err := intact(in); err != nil {
			return job, err
		}
		job.Inputs = append(job.Inputs, product.Input{
			Asset: in.Asset.ID.String(), Name: unlike(taken, named(in.Asset)), Format: in.Format, Size: in.Asset.Size, Open: r.opener(in.Asset),
		})
	}
	return job, nil
}

// intact makes sure that an input is what was submitted: the hold keeps it so, and a table that was restored may not.
func intact(in order.Input) error {
	a := in.Asset
	if a.State != asset.Ready || in.HeldGeneration != 0 && in.HeldGeneration != a.Generation || in.HeldObject != "" && in.HeldObject != a.Object {
		return product.Refuse("The input %s is not what was submitted any more. Put it into the order again, and submit.", a.ID)
	}
	return nil
}

// named is what an input is called; without a name, by its id.
func named(a asset.Asset) string {
	if a.Name == "" {
		return a.ID.String()
	}
	return a.Name
}

// unlike gives a name that is not taken yet, and takes it: two scans may have one name, and what is made of them is called by it. Names are compared
// as file systems do that do not tell cases apart.
func unlike(taken map[string]bool, name string) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 2; taken[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
	taken[strings.ToLower(name)] = true
	return name
}

// opener reads the bytes of an input that is ready, which never change.
func (r *run) opener(a asset.Asset) func(context.Context, int64) (io.ReadCloser, error) {
	return func(ctx context.Context, off int64) (io.ReadCloser, error) {
		if off < 0 || off > a.Size {
			return nil, fmt.Errorf("byte %d of %s, which has %d", off, a.ID, a.Size)
		}
		return r.read(ctx, a.Source().Key(), a.Object, off, a.Size), nil
	}
}
