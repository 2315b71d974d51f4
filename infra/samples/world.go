package samples

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/project"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/search"
	"github.com/assetry/assetry/shared/table"
)

// Bytes is what a world does with its bucket; blob.Bucket has more.
type Bytes interface {
	Put(ctx context.Context, key string, body io.ReadSeeker, size int64, o blob.PutOptions) (blob.Object, error)
	StartParts(ctx context.Context, key string, o blob.PutOptions) (string, error)
	PutPart(ctx context.Context, key, upload string, number int, body io.ReadSeeker, size int64) (blob.Part, error)
	Versions(ctx context.Context, prefix string, limit int) ([]blob.Version, error)
}

var _ Bytes = blob.Bucket(nil)

// World is an empty table and bucket that the sample things are put into.
type World struct {
	Scene
	Table      table.Table
	Index      *search.Service // nil: no search index is kept
	Bucket     Bytes
	BucketName string // in events; "" is what they say: Bucket
	BucketURL  string // how the bucket is addressed, without a slash at its end
	Origin     string // address that the stock picture is copied from

	versions map[string]string // what the bucket gave to what samples say
}

// Fill writes the sample rows and objects. Call it once.
func (w *World) Fill(ctx context.Context) error {
	o, err := w.store(ctx, w.Holiday("", ""), picture, HolidayVersion)
	if err != nil {
		return err
	}
	rows := append(append(w.account(), w.client()...), w.library()...)
	rows = append(rows, w.Holiday(o.Version, o.ETag).Row(), w.Poster().Row(), w.Draft().Row(),
		project.NodePut(ProjectID, w.Holiday("", "").ID, NodeID).Item)
	for _, it := range append(append(rows, w.hooks()...), w.markers()...) {
		if err := w.put(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) put(ctx context.Context, it table.Item) error {
	if _, err := w.Table.Write(ctx, table.Put(it, table.Absent())); err != nil {
		return fmt.Errorf("write %s: %w", it.Key(), err)
	}
	if w.Index == nil {
		return nil
	}
	if err := w.Index.Apply(ctx, table.Change{Key: it.Key(), New: it}); err != nil {
		return fmt.Errorf("index %s: %w", it.Key(), err)
	}
	return nil
}

// account are the workspace and its key.
func (w *World) account() []table.Item {
	return []table.Item{
		Row(schema.WorkspaceKey(WorkspaceID), table.Item{schema.Name: table.String("Studio"), schema.LinkEpoch: table.Int(1), schema.Version: table.Int(1)}),
		Row(schema.APIKeyKey(sha256.Sum256([]byte(Secret))), table.Item{
			schema.KeyID: table.String(Key), schema.Home: table.String(Workspace), schema.Name: table.String("samples"),
			schema.Grants: table.Map{Workspace: table.String("owner")}, schema.Version: table.Int(1),
		}),
	}
}

// client are the client, which may do everything, and a token of it.
func (w *World) client() []table.Item {
	secret, token := sha256.Sum256([]byte(ClientSecret)), sha256.Sum256([]byte(Token))
	scopes := table.List{table.String("read"), table.String("write")}
	return []table.Item{
		Row(schema.ClientKey(ClientID), table.Item{
			schema.Workspace: table.String(Workspace), schema.Name: table.String("samples"), schema.Scopes: scopes,
			schema.Tier: table.String("standard"), schema.NextSecret: table.Int(2), schema.Version: table.Int(1),
			schema.Secrets: table.List{table.Map{
				schema.SecretNo: table.Int(1), schema.SecretSum: table.Bytes(secret[:]), schema.SecretFrom: table.Int(id.UUID(ClientID).Time().UnixMilli()),
			}},
		}),
		Row(schema.ListedClientKey(WorkspaceID, ClientID), nil),
		Row(schema.TokenKey(token), table.Item{
			schema.OrderClient: table.String(Client), schema.SecretNo: table.Int(1), schema.Scopes: scopes,
			table.AttrExpires: table.Int(w.now.Add(time.Hour).Unix()),
		}),
	}
}

// library are the project, the folder and the note in it.
func (w *World) library() []table.Item {
	f := folder.Folder{ID: FolderID, Workspace: WorkspaceID, Name: "Campaign"}
	return []table.Item{
		Row(schema.ProjectKey(WorkspaceID, ProjectID), table.Item{
			schema.Name: table.String("Spring campaign"), schema.CreatedBy: table.String(Key), schema.Version: table.Int(1),
		}),
		Row(schema.FolderKey(WorkspaceID, f.ID), table.Item{
			schema.Name: table.String(f.Name), schema.CreatedBy: table.String(Key), schema.Version: table.Int(1),
		}),
		Row(schema.FolderNameKey(WorkspaceID, "campaign"), table.Item{schema.Name: table.String(f.Name), schema.FolderID: table.String(Folder)}),
		Row(schema.FolderItemKey(WorkspaceID, f.ID, NoteID), table.Item{
			schema.NodeID: table.String(Note), schema.NodeType: table.String("text"), schema.Text: table.String("Warm light, no people."),
			schema.CreatedBy: table.String(Key), schema.Version: table.Int(1),
		}),
	}
}

// hooks are the webhook and a delivery to it that was given up.
func (w *World) hooks() []table.Item {
	return []table.Item{
		Row(schema.WebhookCountKey(WorkspaceID), table.Item{schema.Count: table.Int(1)}),
		Row(schema.WebhookKey(WorkspaceID, WebhookID), table.Item{
			schema.URL: table.String("https://shop.example.com/hooks"), schema.Enabled: table.Bool(true), schema.Epoch: table.Int(1),
			schema.Events: table.List{table.String("asset.ready")}, schema.Failures: table.Int(0),
			schema.CreatedBy: table.String(Key), schema.Version: table.Int(1),
		}),
		Row(schema.DeliveryKey(WebhookID, w.DeliveryID()), table.Item{
			schema.Event: table.String(w.id(Draft) + ":7"), schema.EventType: table.String("asset.ready"), schema.Progress: table.String("dead"),
			schema.Body:    table.String(`{"type":"asset.ready","timestamp":"2026-01-15T09:00:00Z","data":{"schema_version":1}}`),
			schema.OnAsset: table.String(w.id(Draft)), schema.AssetVersion: table.Int(7), schema.Attempts: table.Int(10), schema.Claims: table.Int(20),
			schema.Due: table.Int(w.now.UnixMilli()), schema.DueSeq: table.Int(19), schema.AttemptedAt: table.Int(w.now.UnixMilli()),
			schema.Took: table.Int(87), schema.Status: table.Int(503), schema.Failure: table.String("The receiver answered 503; 200 to 299 are success."),
			table.AttrExpires: table.Int(w.now.Add(20 * 24 * time.Hour).Unix()),
		}),
	}
}

// markers are what the sweeper goes by: an hour with uploads, and how far it has come.
func (w *World) markers() []table.Item {
	hour := w.now.UTC().Truncate(time.Hour)
	return []table.Item{
		Row(schema.ActiveKey(hour, WorkspaceID), nil),
		Row(schema.SweepKey(), table.Item{schema.Hour: table.String(hour.Format(schema.HourFormat))}),
	}
}

// store puts bytes where the asset's belong.
func (w *World) store(ctx context.Context, a asset.Asset, body []byte, version string) (blob.Object, error) {
	o, err := w.Bucket.Put(ctx, a.Source().Key(), bytes.NewReader(body), int64(len(body)), blob.PutOptions{Type: "image/png"})
	if err != nil {
		return o, fmt.Errorf("store %s: %w", a.Source().Key(), err)
	}
	if w.versions == nil {
		w.versions = map[string]string{}
	}
	w.versions[o.Version] = version
	return o, nil
}
