package orders

import (
	"context"

	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/idempotency"
	"github.com/assetry/assetry/shared/redact"
)

// A mutation may carry an Idempotency-Key. What it means for each kind of mutation:
//
//	making:  it makes something that stays. A repeat answers that thing, as it stands, with fresh URLs.
//	again:   doing it again changes nothing. A repeat does it again.
//	once:    anything else. A repeat does nothing, and answers how things stand.
//
// For all of them another request under the key is refused.

// making runs a mutation under the id that was drawn for what it makes; earlier says that an earlier run may have made it. Whoever makes the thing
// meets it at its row, so that a repeat runs again, whether the first run is still under way, was cut off, or is done.
func making[T any](ctx context.Context, r resolvers, run func(ctx context.Context, thing id.UUID, earlier bool) (*T, error)) (*T, error) {
	return claimed(ctx, r, idempotency.Request{In: home(ctx), Evident: true}, func(ctx context.Context, c idempotency.Claim) (*T, error) {
		return run(ctx, c.Thing, c.Again)
	}, func(ctx context.Context, thing id.UUID) (*T, error) {
		return run(ctx, thing, true)
	})
}

// home is the one workspace of the client that asks. Whoever has none, or several, is refused by the domain.
func home(ctx context.Context) (w id.Workspace) {
	if ws := callOf(ctx).principal.Workspaces(); len(ws) == 1 {
		return ws[0]
	}
	return w
}

// again runs a mutation that changes nothing when it is done before.
func again[T any](ctx context.Context, r resolvers, run func(ctx context.Context) (*T, error)) (*T, error) {
	return once(ctx, r, run, run)
}

// once runs a mutation, or where it ran before answers what stands does.
func once[T any](ctx context.Context, r resolvers, run, stands func(ctx context.Context) (*T, error)) (*T, error) {
	return claimed(ctx, r, idempotency.Request{}, func(ctx context.Context, _ idempotency.Claim) (*T, error) {
		return run(ctx)
	}, func(ctx context.Context, _ id.UUID) (*T, error) { return stands(ctx) })
}

// claimed runs a mutation under the call's key, if it has one, or repeat where it was taken before. What is made in req.In gets the id that repeat
// is told too.
func claimed[T any](
	ctx context.Context, r resolvers, req idempotency.Request,
	run func(context.Context, idempotency.Claim) (*T, error), repeat func(context.Context, id.UUID) (*T, error),
) (*T, error) {
	in := callOf(ctx)
	if in.key == "" {
		return run(ctx, idempotency.Claim{})
	}
	req.Key, req.By, req.Sum = in.key, in.principal.Key, in.sum
	within, cancel := context.WithTimeout(ctx, idempotency.Run)
	defer cancel()
	c, err := r.s.Idempotency().Claim(within, req)
	if fault.Is(err, fault.Duplicate) {
		return repeat(ctx, c.Thing)
	}
	if err != nil {
		return nil, err
	}
	out, outcome := run(within, c)
	if err := r.s.Idempotency().Conclude(ctx, c, outcome); err != nil {
		web.Log(ctx).WarnContext(ctx, "end of a request not noted under its idempotency key", "error", redact.Error(err).Error())
	}
	return out, outcome
}
