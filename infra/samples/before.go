package samples

import (
	"bytes"
	"context"
	"fmt"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
)

// before is what happens in the world of a sample event before it comes, by the event's file.
var before = map[string]func(*World, context.Context) error{
	"assets-complete":            (*World).posterArrives,
	"assets-complete-parts":      (*World).reelBegins,
	"assets-parts-sign":          (*World).reelBegins,
	"assets-parts-list":          (*World).reelBegins,
	"on-object-created":          (*World).posterArrives,
	"on-import-requested":        (*World).stockIsAnnounced,
	"on-object-created-replayed": (*World).holidayIsReplaced,
	"webhook-retries":            (*World).deliveryIsDue,
	"work-order":                 (*World).orderIsSubmitted,
	"orders-sweep":               (*World).orderIsDue,
}

// Prepare does in a filled world what happens before the event of a file, named without .json; of most that is nothing.
func (w *World) Prepare(ctx context.Context, sample string) error {
	f, ok := before[sample]
	if !ok {
		return nil
	}
	if err := f(w, ctx); err != nil {
		return fmt.Errorf("prepare the world for %s: %w", sample, err)
	}
	return nil
}

// posterArrives brings the poster's bytes.
func (w *World) posterArrives(ctx context.Context) error {
	_, err := w.store(ctx, w.Poster(), picture, PosterVersion)
	return err
}

// holidayIsReplaced uses the form of the holiday picture again, for other bytes.
func (w *World) holidayIsReplaced(ctx context.Context) error {
	_, err := w.store(ctx, w.Holiday("", ""), Other(), OtherVersion)
	return err
}

// reelBegins opens the reel's upload, and brings its first part.
func (w *World) reelBegins(ctx context.Context) error {
	key := w.Reel("").Source().Key()
	up, err := w.Bucket.StartParts(ctx, key, blob.PutOptions{Type: "video/mp4"})
	if err != nil {
		return err
	}
	if _, err := w.Bucket.PutPart(ctx, key, up, 1, bytes.NewReader(make([]byte, ReelPart)), ReelPart); err != nil {
		return err
	}
	return w.write(ctx, table.Put(w.Reel(up).Row(), table.Absent()))
}

// deliveryIsDue has the sample delivery wait for an attempt whose time has come.
func (w *World) deliveryIsDue(ctx context.Context) error {
	return w.write(ctx,
		table.Update(schema.DeliveryKey(WebhookID, w.DeliveryID()), table.Present(),
			table.Set(schema.Progress, table.String("pending")), table.Set(schema.Attempts, table.Int(3))),
		table.Put(Row(schema.WebhookDueKey(w.now, w.DeliveryID(), 19), table.Item{
			schema.Workspace: table.String(Workspace), schema.Hook: table.String(Webhook),
		}), table.Absent()))
}

// stockIsAnnounced announces the import of the stock picture.
func (w *World) stockIsAnnounced(ctx context.Context) error {
	return w.write(ctx, table.Put(w.Stock().Row(), table.Absent()), table.Put(w.StockRow(w.Origin), table.Absent()))
}

func (w *World) write(ctx context.Context, ws ...table.Write) error {
	for _, wr := range ws {
		if _, err := w.Table.Write(ctx, wr); err != nil {
			return err
		}
	}
	return nil
}
