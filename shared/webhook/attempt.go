package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/assetry/assetry/shared/redact"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// attempt sends a delivery that is in our hands, and notes what came of it. The error says that this could not be noted: then the lease ends
// and Due goes on.
func (s *Service) attempt(ctx context.Context, h Webhook, d Delivery) (Delivery, error) {
	switch turn, err := s.takeTurn(ctx, h, d); {
	case err != nil:
		return d, err
	case turn == tooLate:
		d.State, d.Failure = Superseded, fmt.Sprintf("A later version of the %s had been sent.", d.about())
		return s.settle(ctx, d)
	case turn == occupied || !s.now().Before(d.lease.Add(-SendTime)): // or we were held up: others may come before we are done
		return s.giveBack(ctx, d)
	}
	d = s.send(ctx, h, d)
	if err := ctx.Err(); err != nil {
		return d, fmt.Errorf("delivery %s to webhook %s: %w", d.ID, h.ID, err) // nothing is known of the receiver
	}
	d, err := s.conclude(ctx, h, d)
	if err != nil {
		return d, err
	}
	if d.Failure != "" {
		s.failed(d)
	}
	return d, s.endTurn(ctx, h, d)
}

// send posts a delivery once, and gives it with what came of it.
func (s *Service) send(ctx context.Context, h Webhook, d Delivery) Delivery {
	began := s.now()
	ctx, cancel := context.WithTimeout(ctx, SendTime)
	defer cancel()
	status, err := s.Sender.Send(ctx, h.URL, s.headers(h, d, began), []byte(d.Body))
	d.AttemptedAt, d.Took, d.Status, d.Failure = began.Truncate(time.Millisecond), s.now().Sub(began).Truncate(time.Millisecond), status, ""
	switch {
	case err != nil:
		d.Status, d.Failure = 0, redact.Clip(redact.Text(err.Error()), maxFailure) // senders leave secrets out already
	case status == gone:
		d.Failure = "The receiver answered 410 Gone: it wants nothing more."
	case status < statusOK || status >= statusEnd:
		d.Failure = fmt.Sprintf("The receiver answered %d; 200 to 299 are success.", status)
	}
	return d
}

// maxFailure bounds the text that is kept of a failure, in bytes.
const maxFailure = 200

// ours holds while the delivery is in our hands.
func (d Delivery) ours() table.Cond {
	return table.All(table.Eq(schema.Progress, table.String(Pending)), table.Eq(schema.Claims, table.Int(d.claims)))
}

// outcome are the edits that note what came of an attempt; nobody has the delivery in hand afterwards.
func (d Delivery) outcome() []table.Edit {
	edits := []table.Edit{table.Set(schema.Progress, table.String(d.State)), table.Remove(schema.Lease)}
	if !d.AttemptedAt.IsZero() {
		edits = append(edits, table.Set(schema.AttemptedAt, table.Int(d.AttemptedAt.UnixMilli())),
			table.Set(schema.Took, table.Int(d.Took.Milliseconds())), table.Set(schema.Status, table.Int(int64(d.Status))))
	}
	if d.Failure == "" {
		return append(edits, table.Remove(schema.Failure))
	}
	return append(edits, table.Set(schema.Failure, table.String(d.Failure)))
}

// giveBack lets go of a delivery without having tried: the due row that it has leads to it again.
func (s *Service) giveBack(ctx context.Context, d Delivery) (Delivery, error) {
	d.Attempts, d.lease = d.Attempts-1, time.Time{}
	_, err := s.Table.Write(ctx, table.Update(d.key(), d.ours(),
		table.Set(schema.Attempts, table.Int(int64(d.Attempts))), table.Remove(schema.Lease)))
	if _, lost := table.Lost(err); lost || err == nil {
		return d, nil
	}
	return d, fmt.Errorf("give back delivery %s: %w", d.ID, err)
}
