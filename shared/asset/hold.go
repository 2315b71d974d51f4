package asset

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/fault"
)

// Free refuses an asset that an order holds, with a fault.Conflict that names the order. An order that takes hold of its inputs counts in the
// version of each, so a write that names the version of a loses to it. Without Holds nobody holds anything.
func Free(ctx context.Context, h Holds, a Asset) error {
	if h == nil || a.Orders.Len() == 0 {
		return nil
	}
	o, held, err := h.Holding(ctx, a.Workspace, a.Orders.IDs())
	if err != nil {
		return fmt.Errorf("ask who holds asset %s: %w", a.ID, err)
	}
	if !held {
		return nil
	}
	return fault.New(fault.Conflict, "The order %s holds the asset, which is its input or its deliverable: it has been submitted and is not done. "+
		"Wait until it is, or cancel the order; then repeat the request.", o)
}
