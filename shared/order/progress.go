package order

import (
	"context"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// Progress is how much of the work on an order its workers have done, in percent: 0 before the first of them has begun, 100 when it is Completed. The
// caller has found the order, and with it the right to read this. known is false for an order that no worker is at.
func (s *Service) Progress(ctx context.Context, o Order) (percent int, known bool, err error) {
	switch o.Status {
	case Completed:
		return 100, true, nil
	case Processing:
	default:
		return 0, false, nil
	}
	it, err := s.Table.Get(ctx, schema.WorkKey(o.ID), table.Strong)
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return 0, false, fmt.Errorf("read the work on order %s: %w", o.ID, err)
	}
	if it.Int(schema.Attempt) != int64(o.Attempt) { // of an earlier submission, or none yet
		return 0, true, nil
	}
	return int(it.Int(schema.Percent)), true, nil
}
