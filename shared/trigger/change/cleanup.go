package change

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/order"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/upload"
	"github.com/assetry/assetry/shared/webhook"
)

// CleanUpServices is what clean-up needs.
type CleanUpServices interface {
	Uploads() *upload.Service
	Orders() *order.Service
	Folders() *folder.Service
	Webhooks() *webhook.Service
	Search() *search.Service // nil: no search index is kept
	Metrics() *metric.Log
}

// CleanUp removes what changes leave behind: bytes of failed, superseded and deleted attempts, the items of deleted folders, the webhooks of
// deleted clients, and the deliveries of deleted webhooks. It moves the orders on that wait for an asset, because what is left of an upload and
// what follows from it are told by the same changes. Beside that it keeps the search index, because a stream has two consumers at most: neither work waits for the
// other, nor is held up by its failures.
func CleanUp(s CleanUpServices) Consumer {
	both := beside(Each(func(ctx context.Context, c table.Change) error { return tidy(ctx, s, c) }), index(s))
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		s.Metrics().Waited(metric.CleanUp, made(e)...)
		return both(ctx, e)
	}
}

// tidy removes what one change leaves behind.
func tidy(ctx context.Context, s CleanUpServices, c table.Change) error {
	if _, _, _, ok := schema.ParseAssetKey(c.Key); ok {
		return errors.Join(s.Uploads().CleanUp(ctx, c), orders(ctx, s, c))
	}
	if w, f, ok := deletedFolder(c); ok {
		return s.Folders().RemoveItems(ctx, w, f)
	}
	if w, client, ok := deletedClient(c); ok {
		return s.Webhooks().RemoveOf(ctx, w, client)
	}
	if wh, ok := webhook.Deleted(c); ok {
		return s.Webhooks().RemoveDeliveries(ctx, wh)
	}
	return nil
}

// orders brings the orders of an asset up to a change of it. An asset without orders costs nothing.
func orders(ctx context.Context, s CleanUpServices, c table.Change) error {
	if c.Old.Str(schema.Orders) == "" && c.New.Str(schema.Orders) == "" {
		return nil
	}
	return s.Orders().InputChanged(ctx, c)
}

// indexPatience is for how long a change that the search index does not take is delivered again: half of what the stream keeps trying
// for (template.yaml), so that an index that is out of order cannot make clean-up lose changes.
const indexPatience = 6 * time.Hour

// index brings the search index up to the changes of a batch.
func index(s CleanUpServices) Consumer {
	return Each(func(ctx context.Context, c table.Change) error {
		x := s.Search()
		if x == nil {
			return nil
		}
		err := x.Apply(ctx, c)
		if err != nil && time.Since(c.At) > indexPatience {
			slog.LogAttrs(ctx, slog.LevelError, "search index goes without a change; index the workspace again",
				append(invocation.Cause(err), slog.String("key", c.Key.String()))...)
			return nil
		}
		return err
	})
}

// beside hands every batch to two consumers at the same time. The stream goes on from the first record that failed with either; what the other
// did behind it is then done again.
func beside(a, b Consumer) Consumer {
	return func(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		type outcome struct {
			events.DynamoDBEventResponse
			err error
		}
		other := make(chan outcome, 1)
		go func() {
			r, err := b(ctx, e)
			other <- outcome{r, err}
		}()
		r, err := a(ctx, e)
		o := <-other
		if err == nil {
			err = o.err
		}
		if place(e, o.DynamoDBEventResponse) < place(e, r) {
			r = o.DynamoDBEventResponse
		}
		return r, err
	}
}

// place is the record of a batch that an answer wants the stream to go on from; their number when all are done.
func place(e events.DynamoDBEvent, r events.DynamoDBEventResponse) int {
	for i, record := range e.Records {
		if len(r.BatchItemFailures) > 0 && record.Change.SequenceNumber == r.BatchItemFailures[0].ItemIdentifier {
			return i
		}
	}
	return len(e.Records)
}

func deletedClient(c table.Change) (w id.Workspace, client id.Client, ok bool) {
	if c.New != nil || !strings.HasPrefix(c.Key.SK, schema.ClientPrefix) {
		return w, client, false
	}
	w, err := id.ParseWorkspace(c.Key.PK)
	if err != nil {
		return w, client, false
	}
	client, err = schema.ParseListedClient(c.Key.SK)
	return w, client, err == nil
}

func deletedFolder(c table.Change) (w id.Workspace, f id.Folder, ok bool) {
	rest, is := strings.CutPrefix(c.Key.SK, schema.FolderPrefix)
	if c.New != nil || !is {
		return w, f, false
	}
	w, err := id.ParseWorkspace(c.Key.PK)
	if err != nil {
		return w, f, false
	}
	u, err := id.Parse(rest)
	return w, id.Folder(u), err == nil
}
