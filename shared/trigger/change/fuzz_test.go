package change_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/trigger/change"
)

// FuzzStreamEvents gives any JSON to both consumers: they answer with a record of the batch or done, never with a panic, and
// what concerns no asset and no folder writes nothing.
func FuzzStreamEvents(f *testing.F) {
	deleted := becomesReady("deleted")
	deleted.Old, deleted.New = deleted.New, nil
	folderKey := schema.FolderKey(workspace, id.NewFolder(workspace, noon))
	folderRow := table.Item{table.AttrPK: table.String(folderKey.PK), table.AttrSK: table.String(folderKey.SK)}
	for _, cs := range [][]table.Change{
		nil,
		{announced("a"), becomesReady("b"), otherRow()},
		{deleted},
		{{Key: folderKey, Old: folderRow, At: noon}},
		{{Key: folderKey, Old: folderRow, At: noon, Expired: true}},
	} {
		b, err := json.Marshal(batch(f, cs...))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		`{"Records":[{}]}`, `{"Records":[null]}`, `{"Records":[{"dynamodb":{"Keys":{"pk":{"S":"ws_"},"sk":{"S":"folder#"}},"SequenceNumber":"1"}}]}`,
		`{"Records":[{"eventName":"REMOVE","dynamodb":{"Keys":{"pk":{"S":"a"},"sk":{"S":"b"}},"OldImage":{"pk":{"S":"a"},"sk":{"S":"b"},"n":{"N":"x"}},"SequenceNumber":"1","StreamViewType":"NEW_AND_OLD_IMAGES"}}]}`,
		`{"Records":[{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"N":"1"},"sk":{"B":"AA=="}},"NewImage":{},"SequenceNumber":"1","StreamViewType":"NEW_AND_OLD_IMAGES"}}]}`,
		`{"Records":[{"dynamodb":{"NewImage":{"a":{"X":"1"}}}}]}`, `[]`, `{"Records":"a"}`, `{`,
	} {
		f.Add([]byte(s))
	}
	c := newCellar(f)
	publish, cleanUp := change.Publish(&deaf{}), change.CleanUp(c)
	f.Fuzz(func(t *testing.T, b []byte) {
		before := c.changes(t)
		var e events.DynamoDBEvent
		if json.Unmarshal(b, &e) != nil {
			for _, consume := range []change.Consumer{publish, cleanUp} {
				if out, err := consume.Invoke(t.Context(), b); err == nil || c.changes(t) != before {
					t.Errorf("what nobody can read gave %s, %v", out, err)
				}
			}
			return
		}
		for _, consume := range []change.Consumer{publish, cleanUp} {
			r, err := consume(t.Context(), e)
			if got := reported(t, r, err); got != halved {
				wantOfBatch(t, e, got, len(r.BatchItemFailures) > 0)
			} else if len(e.Records) == 0 {
				t.Errorf("an empty batch gave %v", err)
			}
		}
		if !concernsUs(e) && c.changes(t) != before {
			t.Errorf("an event of foreign rows wrote something: %s", b)
		}
	})
}

// wantOfBatch complains when an answer names no record of the batch.
func wantOfBatch(t *testing.T, e events.DynamoDBEvent, seq string, failed bool) {
	t.Helper()
	if !failed {
		return
	}
	for _, r := range e.Records {
		if r.Change.SequenceNumber == seq {
			return
		}
	}
	t.Errorf("the stream goes on from %q, which is not of the batch", seq)
}

// concernsUs says whether an event is of an asset or a folder.
func concernsUs(e events.DynamoDBEvent) bool {
	text := func(v events.DynamoDBAttributeValue) string {
		if v.DataType() != events.DataTypeString {
			return ""
		}
		return v.String()
	}
	for _, r := range e.Records {
		k := table.Key{PK: text(r.Change.Keys[table.AttrPK]), SK: text(r.Change.Keys[table.AttrSK])}
		if _, err := id.ParseWorkspace(k.PK); err == nil {
			return true
		}
		if _, _, _, ok := schema.ParseAssetKey(k); ok {
			return true
		}
	}
	return false
}
