package processing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/product"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// MaxCheckpoint is how large a checkpoint may be, in bytes: it is held in memory twice.
const MaxCheckpoint = 256 << 20

// steps runs what is left of the order's product, from where the row says the work stands, and completes the order.
func (r *run) steps(ctx context.Context) error {
	p, ok := r.product(r.order.Product)
	if !ok {
		return fmt.Errorf("product %q is not made here", r.order.Product)
	}
	job, err := r.job(ctx)
	if err != nil {
		return err
	}
	plan := p.Plan(job)
	begin, err := stand(plan, r.row.last)
	if err != nil {
		return fmt.Errorf("plan of %s: %w", p.Name(), err)
	}
	for i := begin; i < len(plan); i++ {
		if i > begin && r.spent(0) {
			return errHandOver
		}
		if err := r.step(ctx, p, job, plan, i); err != nil {
			return err
		}
	}
	return r.complete(ctx)
}

// stand is how many steps of a plan are done, by the name of the last one.
func stand(plan []product.Step, last string) (done int, err error) {
	seen := map[string]bool{}
	for i, s := range plan {
		if s.Name == "" || seen[s.Name] {
			return 0, fmt.Errorf("the name of step %d, %q, is not its own", i, s.Name)
		}
		seen[s.Name] = true
		if s.Name == last {
			done = i + 1
		}
	}
	if last != "" && done == 0 {
		return 0, fmt.Errorf("no step is called %q, which was done", last)
	}
	return done, nil
}

// step runs one step to its end, or until the time is up.
func (r *run) step(ctx context.Context, p product.Product, job product.Job, plan []product.Step, i int) error {
	checkpoint, err := r.recall(ctx)
	if err != nil {
		return err
	}
	r.done(i, len(plan), 0)
	for {
		res, err := r.call(ctx, p, &product.Task{
			Job: job, Step: plan[i], Checkpoint: checkpoint, Spent: r.spent,
			Progress: func(fraction float64) { r.done(i, len(plan), fraction) },
		})
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if res.Done {
			if err := r.deliver(ctx, plan[i], res.Deliverables); err != nil {
				return err
			}
			return r.finishStep(ctx, plan[i], len(res.Deliverables))
		}
		if err := r.keep(ctx, res.Checkpoint); err != nil {
			return err
		}
		checkpoint = res.Checkpoint
		if r.spent(0) {
			return errHandOver
		}
	}
}

// call runs the product's code. A panic is a failure of the step, and not of the worker.
func (r *run) call(ctx context.Context, p product.Product, t *product.Task) (res product.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("product %s panicked in step %s: %v\n%s", p.Name(), t.Step.Name, v, debug.Stack())
		}
	}()
	res, err = p.Run(ctx, t)
	if err != nil && refusal(err) == "" {
		return res, fmt.Errorf("step %s of order %s: %w", t.Step.Name, t.Job.Order, err)
	}
	return res, err
}

// recall reads the checkpoint that the row names; nil where it names none.
func (r *run) recall(ctx context.Context) ([]byte, error) {
	if r.row.checkpoint == "" {
		return nil, nil
	}
	key := r.checkpointKey()
	b, o, err := r.Bucket.Read(ctx, key, r.row.checkpoint, 0, MaxCheckpoint)
	if errors.Is(err, blob.ErrNotFound) { // only a bucket that was meddled with: the step begins anew
		return nil, r.forgetCheckpoint(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w", key, err)
	}
	if int64(len(b)) != o.Size {
		return nil, fmt.Errorf("checkpoint %s has %d bytes, of which %d came", key, o.Size, len(b))
	}
	return b, nil
}

func (r *run) forgetCheckpoint(ctx context.Context) error {
	r.row.checkpoint = ""
	return r.note(ctx, table.Remove(schema.Checkpoint))
}

func (r *run) checkpointKey() string {
	return schema.CheckpointKey(r.row.workspace, r.row.order, r.row.attempt)
}

// keep stores a checkpoint, and then names it in the row: from then on the work stands there, and its tries are counted anew. The one before
// goes. A version that the row does not come to name goes too, unless this worker dies: then with all others at the end of the attempt.
func (r *run) keep(ctx context.Context, checkpoint []byte) error {
	if len(checkpoint) > MaxCheckpoint {
		return fmt.Errorf("a checkpoint of %d bytes is larger than %d", len(checkpoint), MaxCheckpoint)
	}
	if err := r.fence(ctx); err != nil {
		return err
	}
	key, before := r.checkpointKey(), r.row.checkpoint
	o, err := r.Bucket.Put(ctx, key, bytes.NewReader(checkpoint), int64(len(checkpoint)), blob.PutOptions{Type: "application/octet-stream"})
	if err != nil {
		return fmt.Errorf("store checkpoint %s: %w", key, err)
	}
	err = r.note(ctx, table.Set(schema.Checkpoint, table.String(o.Version)), table.Set(schema.Tries, table.Int(1)),
		table.Set(schema.Percent, table.Int(int64(r.percent()))))
	if errors.Is(err, errTaken) {
		return errors.Join(err, r.drop(ctx, key, o.Version))
	}
	if err != nil {
		return err
	}
	r.row.checkpoint, r.row.tries = o.Version, 1
	return r.drop(ctx, key, before)
}

// drop removes a version of an object; "" names none.
func (s *Service) drop(ctx context.Context, key, version string) error {
	if version == "" {
		return nil
	}
	if err := s.Bucket.DeleteVersion(ctx, key, version); err != nil {
		return fmt.Errorf("remove version %s of %s: %w", version, key, err)
	}
	return nil
}

// finishStep notes that a step is done, with so many deliverables, and that the next one begins.
func (r *run) finishStep(ctx context.Context, s product.Step, made int) error {
	if err := r.note(ctx, table.Set(schema.LastStep, table.String(s.Name)), table.Add(schema.Planned, table.Int(int64(made))),
		table.Set(schema.Tries, table.Int(1)), table.Remove(schema.Checkpoint), table.Set(schema.Percent, table.Int(int64(r.percent())))); err != nil {
		return err
	}
	before := r.row.checkpoint
	r.row.last, r.row.planned, r.row.tries, r.row.checkpoint = s.Name, r.row.planned+made, 1, ""
	return r.drop(ctx, r.checkpointKey(), before)
}
