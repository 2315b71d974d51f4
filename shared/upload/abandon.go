package upload

import (
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// abandonTries bounds how often an upload is given up again after another writer of the row won.
const abandonTries = 5

// Abandon gives up an upload for good, in the name of who may complete it: a pending or failed asset becomes failed (abandoned) and leaves all its
// orders. Bytes that still come are removed, and what is there goes with the change feed. Also gives further writes of the same transaction;
// it sees the asset as it was before, with its orders, and may be asked again after another writer won. If one of these writes loses,
// nothing is written, and the error is a *table.TransactError with their reasons.
//
// It gives the row as it is afterwards. An asset that was abandoned before is answered as it is and nothing is written; a ready one is
// fault.Conflict, a missing one fault.NotFound.
func (s *Service) Abandon(ctx context.Context, p access.Principal, a asset.Asset, also func(asset.Asset) []table.Write) (asset.Asset, error) {
	if err := access.Authorize(p, access.CompleteAsset, a.Workspace); err != nil {
		return a, err
	}
	for range abandonTries {
		switch {
		case a.State == asset.Ready:
			return a, fault.New(fault.Conflict, "The asset is ready; only an upload that is not can be abandoned. Delete the asset instead.")
		case a.Cause == asset.Abandoned:
			return a, nil
		}
		ws := newRows{table.Update(a.Key(), table.Eq(schema.Version, table.Int(a.Version)), abandonEdits(a)...)}
		err := table.Decide(ctx, s.Table, ws.with(Draft{Beside: also}, a))
		if err == nil {
			return abandoned(a), nil
		}
		r := table.Refused(err)
		if r == nil {
			return a, fmt.Errorf("abandon asset %s: %w", a.ID, err)
		}
		if theirs := ws.theirs(r); theirs != nil {
			return a, theirs
		}
		if r.Current[0] == nil {
			return a, asset.Missing()
		}
		if a, err = asset.FromRow(r.Current[0]); err != nil {
			return a, err
		}
	}
	return a, fault.New(fault.Throttled, "The asset is being changed by others at this moment. Repeat the request.")
}

const abandonedMessage = "The upload was abandoned. Retry the asset to begin a new one."

// abandonEdits end an upload. The order that it came to last is kept as the one that it left.
func abandonEdits(a asset.Asset) []table.Edit {
	es := append(failed(asset.Abandoned, abandonedMessage), table.Remove(schema.Orders), table.Add(schema.Version, table.Int(1)))
	if ids := a.Orders.IDs(); len(ids) > 0 {
		es = append(es, table.Set(schema.LeftOrder, table.String(ids[len(ids)-1].String())))
	}
	return es
}

// abandoned is what abandonEdits make of an asset.
func abandoned(a asset.Asset) asset.Asset {
	if ids := a.Orders.IDs(); len(ids) > 0 {
		a.LeftOrder = ids[len(ids)-1]
	}
	a.State, a.Cause, a.Failure, a.Orders = asset.Failed, asset.Abandoned, abandonedMessage, ""
	a.Version++
	return a
}

func gaveUpForGood(a asset.Asset) bool { return a.State == asset.Failed && a.Cause == asset.Abandoned }
