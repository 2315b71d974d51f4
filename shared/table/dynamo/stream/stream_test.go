package stream

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/table"
)

// overTheWire is the record as a function receives it.
func overTheWire(rec events.DynamoDBEventRecord) (events.DynamoDBEventRecord, error) {
	b, err := json.Marshal(rec)
	if err != nil {
		return events.DynamoDBEventRecord{}, err
	}
	var out events.DynamoDBEventRecord
	return out, json.Unmarshal(b, &out)
}

var (
	key   = table.Key{PK: "ws_1#a#0", SK: "0190"}
	older = table.Item{"pk": table.String(key.PK), "sk": table.String(key.SK), "version": table.Int(1)}
	newer = table.Item{"pk": table.String(key.PK), "sk": table.String(key.SK), "version": table.Int(2)}
	noon  = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

func TestChangesSurviveTheWire(t *testing.T) {
	all := table.Item{
		"pk": table.String(key.PK), "sk": table.String(key.SK),
		"text": table.String("naïve <b>&\u2028 \x00 🎈"), "empty text": table.String(""),
		"number": table.Number("-12345678901234567890123456789012345.678"), "small": table.Number("0." + strings.Repeat("0", 129) + "1"),
		"bytes": table.Bytes{0, 255, 128}, "empty bytes": table.Bytes{}, "nil bytes": table.Bytes(nil),
		"yes": table.Bool(true), "no": table.Bool(false), "null": table.Null{},
		"list": table.List{table.Int(1), table.Null{}, table.List{}, table.Map{}}, "empty list": table.List{}, "nil list": table.List(nil),
		"map": table.Map{"": table.Int(1), "a": table.Map{"b": table.List{table.Bytes{}}}}, "empty map": table.Map{}, "nil map": table.Map(nil),
	}
	for name, c := range map[string]table.Change{
		"insert":                {Key: key, New: all, Seq: "1", At: noon},
		"modify":                {Key: key, Old: older, New: newer, Seq: "2", At: noon},
		"remove":                {Key: key, Old: all, Seq: "300000000000000000000000001", At: noon},
		"removal by expiry":     {Key: key, Old: older, Seq: "4", At: noon, Expired: true},
		"at the epoch":          {Key: key, New: newer, Seq: "5", At: time.Unix(0, 0).UTC()},
		"in the far future":     {Key: key, New: newer, Seq: "6", At: time.Date(2261, 12, 31, 23, 59, 59, 0, time.UTC)},
		"one second before one": {Key: key, New: newer, Seq: "7", At: noon.Add(-time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			rec, err := overTheWire(Encode(c))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(rec)
			if err != nil {
				t.Fatal(err)
			}
			wantChange(t, got, c)
		})
	}
}

// wantChange compares changes; nil and empty bytes, lists and maps are the same value.
func wantChange(t interface {
	Helper()
	Fatalf(string, ...any)
}, got, want table.Change) {
	t.Helper()
	if got.Key != want.Key || got.Seq != want.Seq || !got.At.Equal(want.At) || got.Expired != want.Expired ||
		!table.EqualItems(got.Old, want.Old) || !table.EqualItems(got.New, want.New) {
		t.Fatalf("decoded (-want +got):\n%s", cmp.Diff(want, got))
	}
}

func TestTimesAreCutToSeconds(t *testing.T) {
	for _, c := range []struct{ name, at, want string }{
		{"a fraction", "2026-11-21T12:00:00.999999999Z", "2026-11-21T12:00:00Z"},
		{"another zone", "2026-11-21T13:00:00.5+01:00", "2026-11-21T12:00:00Z"},
		{"before 1970", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"},
		{"no time", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"after what a record can carry", "9999-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339Nano, c.at)
			if err != nil {
				t.Fatal(err)
			}
			rec, err := overTheWire(Encode(table.Change{Key: key, New: newer, Seq: "1", At: at}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(rec)
			if s := got.At.Format(time.RFC3339Nano); err != nil || s != c.want {
				t.Errorf("%s became %s, %v, want %s", c.at, s, err, c.want)
			}
		})
	}
}

func TestAnyChangeSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := table.Change{
			Key:     key,
			Seq:     rapid.StringMatching(`[1-9][0-9]{20,39}`).Draw(t, "seq"),
			At:      time.Unix(rapid.Int64Range(0, latest.Unix()-1).Draw(t, "at"), 0).UTC(),
			Expired: rapid.Bool().Draw(t, "expired"),
		}
		if c.Old = older; !c.Expired {
			c.New = drawItem(t)
		}
		rec, err := overTheWire(Encode(c))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(rec)
		if err != nil {
			t.Fatal(err)
		}
		wantChange(t, got, c)
	})
}

func drawItem(t *rapid.T) table.Item {
	it := table.Item(rapid.MapOfN(rapid.String(), drawValue(3), 0, 6).Draw(t, "item"))
	it["pk"], it["sk"] = table.String(key.PK), table.String(key.SK)
	return it
}

func drawValue(depth int) *rapid.Generator[table.Value] {
	asValue := func(v table.Value) table.Value { return v }
	kinds := []*rapid.Generator[table.Value]{
		rapid.Map(rapid.String(), func(s string) table.Value { return table.String(s) }),
		rapid.Map(rapid.Int64(), func(n int64) table.Value { return table.Int(n) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) table.Value { return table.Bytes(b) }),
		rapid.Map(rapid.Bool(), func(b bool) table.Value { return table.Bool(b) }),
		rapid.Map(rapid.Just(table.Value(table.Null{})), asValue),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(drawValue(depth-1), 0, 4), func(l []table.Value) table.Value { return table.List(l) }),
			rapid.Map(rapid.MapOfN(rapid.String(), drawValue(depth-1), 0, 4), func(m map[string]table.Value) table.Value { return table.Map(m) }))
	}
	return rapid.OneOf(kinds...)
}

// deletion is a time-to-live deletion in the shape AWS documents.
const deletion = `{
	"eventID": "c4ca4238a0b923820dcc509a6f75849b", "eventName": "REMOVE", "eventVersion": "1.1",
	"eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
	"dynamodb": {
		"ApproximateCreationDateTime": 1763726400,
		"Keys": {"pk": {"S": "gone#1"}, "sk": {"S": "gone"}},
		"OldImage": {"pk": {"S": "gone#1"}, "sk": {"S": "gone"}, "expires": {"N": "1.7637264E+9"}},
		"SequenceNumber": "111000000000000000000001", "SizeBytes": 60, "StreamViewType": "NEW_AND_OLD_IMAGES"
	},
	"eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/assetry/stream/2026-11-21T00:00:00.000",
	"userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
}`

func TestRecordOfAWSIsRead(t *testing.T) {
	var rec events.DynamoDBEventRecord
	if err := json.Unmarshal([]byte(deletion), &rec); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(rec)
	if err != nil {
		t.Fatal(err)
	}
	gone := table.Key{PK: "gone#1", SK: "gone"}
	wantChange(t, got, table.Change{
		Key: gone, Seq: "111000000000000000000001", At: time.Unix(1763726400, 0), Expired: true,
		Old: table.Item{"pk": table.String(gone.PK), "sk": table.String(gone.SK), "expires": table.Int(1763726400)},
	})
}

func TestRecordSaysWhatAWSSays(t *testing.T) {
	rec := Encode(table.Change{Key: key, Old: older, New: newer, Seq: "123", At: noon})
	// Keys: pk 2+8, sk 2+4; both images have the same and version 7+2.
	if want := int64(16 + 25 + 25); rec.Change.SizeBytes != want {
		t.Errorf("size %d, want %d", rec.Change.SizeBytes, want)
	}
	if rec.EventSource != "aws:dynamodb" || rec.EventName != "MODIFY" || rec.EventID == "" || rec.UserIdentity != nil {
		t.Errorf("record %+v, want a modification by nobody in particular", rec)
	}
	b, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"ApproximateCreationDateTime":1795262400,`) {
		t.Errorf("time is not in whole Unix seconds: %s", b)
	}
}

func TestBrokenRecordsAreRefused(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"without a sequence number":  cut(`"SequenceNumber": "111000000000000000000001", `),
		"of another view type":       swap("NEW_AND_OLD_IMAGES", "KEYS_ONLY"),
		"without keys":               cut(`"Keys": {"pk": {"S": "gone#1"}, "sk": {"S": "gone"}},`),
		"with a number as key":       swap(`"Keys": {"pk": {"S": "gone#1"}`, `"Keys": {"pk": {"N": "1"}`),
		"with an image of another":   swap(`"OldImage": {"pk": {"S": "gone#1"}`, `"OldImage": {"pk": {"S": "gone#2"}`),
		"with no image":              cut(`"OldImage": {"pk": {"S": "gone#1"}, "sk": {"S": "gone"}, "expires": {"N": "1.7637264E+9"}},`),
		"named otherwise":            swap(`"REMOVE"`, `"INSERT"`),
		"with a set":                 swap(`{"N": "1.7637264E+9"}`, `{"NS": ["1"]}`),
		"with a number that is none": swap(`1.7637264E+9`, `soon`),
		"from before 1970":           swap(`1763726400,`, `-5,`),
		"from beyond all time":       swap(`1763726400,`, `1e18,`),
		"with a set in a list":       swap(`{"N": "1.7637264E+9"}`, `{"L": [{"SS": ["x"]}]}`),
		"with a set in a map":        swap(`{"N": "1.7637264E+9"}`, `{"M": {"x": {"BS": []}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			text := edit(deletion)
			if text == deletion {
				t.Fatal("the edit changed nothing")
			}
			var rec events.DynamoDBEventRecord
			if err := json.Unmarshal([]byte(text), &rec); err != nil {
				t.Fatal(err)
			}
			if c, err := Decode(rec); err == nil {
				t.Errorf("decoded as %+v, want an error", c)
			}
		})
	}
	if _, err := Decode(events.DynamoDBEventRecord{}); err == nil {
		t.Error("an empty record was decoded")
	}
	rec := Encode(table.Change{Key: key, New: newer, Seq: "1", At: noon})
	rec.Change.NewImage["none"] = events.DynamoDBAttributeValue{}
	if _, err := Decode(rec); err == nil {
		t.Error("an attribute without a value was decoded")
	}
}

func cut(s string) func(string) string { return swap(s, "") }

func swap(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(deletion))
	for _, c := range []table.Change{
		{Key: key, New: newer, Seq: "1", At: noon},
		{Key: key, Old: older, New: newer, Seq: "2", At: noon},
		{Key: key, Old: newer, Seq: "3", At: noon, Expired: true},
	} {
		b, err := json.Marshal(Encode(c))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"dynamodb": {"Keys": {"pk": null}, "NewImage": {"a": {"L": [{"M": {"b": {"NULL": false}}}]}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		rec, ok := unmarshal(text)
		if !ok {
			return
		}
		c, err := Decode(rec)
		if err != nil {
			return
		}
		again, err := overTheWire(Encode(c))
		if err != nil {
			t.Fatalf("change %+v cannot be sent: %v", c, err)
		}
		got, err := Decode(again)
		if err != nil {
			t.Fatalf("change %+v was sent and not read: %v", c, err)
		}
		wantChange(t, got, c)
	})
}

// unmarshal reads a record; aws-lambda-go panics on a binary set that holds no strings, before our code sees it.
func unmarshal(text []byte) (rec events.DynamoDBEventRecord, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return rec, json.Unmarshal(text, &rec) == nil
}
