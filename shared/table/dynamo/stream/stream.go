// Package stream reads and makes the records with which a DynamoDB table's stream reaches a Lambda function, without linking any
// AWS client: triggers read them, and the local stack makes them from its own change feed.
//
// The stream's view type is NEW_AND_OLD_IMAGES; records of any other view are refused, because a table.Change needs both images.
package stream

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/table"
)

// What the records of a table's stream say of themselves, from the AWS Lambda and DynamoDB Streams references.
const (
	source    = "aws:dynamodb"
	version   = "1.1"
	service   = "Service"                // type of the identity that deletes expired items
	principal = "dynamodb.amazonaws.com" // its id
)

// latest is the end of the times a record can carry: its time travels as a float that aws-lambda-go makes from nanoseconds.
var latest = time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)

// Decode reads one record. The error says what is wrong with it, and repeats nothing of it: such a record was not made by a table of ours.
func Decode(rec events.DynamoDBEventRecord) (table.Change, error) {
	d := rec.Change
	// Whole seconds, but they travelled as a float made of nanoseconds and may arrive a little short.
	c := table.Change{Seq: d.SequenceNumber, At: d.ApproximateCreationDateTime.UTC().Round(time.Second)}
	if c.Seq == "" {
		return table.Change{}, errors.New("stream record without a sequence number")
	}
	if d.StreamViewType != string(events.DynamoDBStreamViewTypeNewAndOldImages) {
		return table.Change{}, fmt.Errorf("stream record %s has another view type; set the stream to NEW_AND_OLD_IMAGES", c.Seq)
	}
	if c.At.Before(time.Unix(0, 0)) || c.At.After(latest) {
		return table.Change{}, fmt.Errorf("stream record %s was made at %s, which is no time of a stream", c.Seq, c.At)
	}
	if err := images(&c, d); err != nil {
		return table.Change{}, fmt.Errorf("stream record %s: %w", c.Seq, err)
	}
	if err := matches(rec.EventName, c); err != nil {
		return table.Change{}, fmt.Errorf("stream record %s: %w", c.Seq, err)
	}
	by := rec.UserIdentity
	c.Expired = c.New == nil && by != nil && by.Type == service && by.PrincipalID == principal
	return c, nil
}

// images reads the key and both images.
func images(c *table.Change, d events.DynamoDBStreamRecord) error {
	keys, err := item(d.Keys)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	c.Key = keys.Key()
	if err := table.ValidateKey(c.Key); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if c.Old, err = image(d.OldImage, c.Key); err != nil {
		return fmt.Errorf("old image: %w", err)
	}
	if c.New, err = image(d.NewImage, c.Key); err != nil {
		return fmt.Errorf("new image: %w", err)
	}
	return nil
}

func image(as map[string]events.DynamoDBAttributeValue, k table.Key) (table.Item, error) {
	it, err := item(as)
	if err != nil || it == nil {
		return nil, err
	}
	if it.Key() != k {
		return nil, errors.New("is of another item than the record")
	}
	return it, nil
}

// matches compares the event's name with the images that came.
func matches(name string, c table.Change) error {
	if got := nameOf(c); got != name {
		return fmt.Errorf("its event name does not go with old image %t and new image %t", c.Old != nil, c.New != nil)
	}
	return nil
}

func nameOf(c table.Change) string {
	switch {
	case c.Old == nil && c.New != nil:
		return string(events.DynamoDBOperationTypeInsert)
	case c.Old != nil && c.New != nil:
		return string(events.DynamoDBOperationTypeModify)
	case c.Old != nil:
		return string(events.DynamoDBOperationTypeRemove)
	}
	return "a change without images"
}

// Encode makes the record AWS would send for the change; the caller adds region and stream ARN. Decode gives the change back, its
// time cut to seconds as DynamoDB does; the zero time becomes the beginning of 1970.
func Encode(c table.Change) events.DynamoDBEventRecord {
	at := time.Unix(0, 0)
	if c.At.After(at) && c.At.Before(latest) {
		at = time.Unix(c.At.Unix(), 0)
	}
	key := table.Item{table.AttrPK: table.String(c.Key.PK), table.AttrSK: table.String(c.Key.SK)}
	rec := events.DynamoDBEventRecord{
		EventID: c.Seq, EventName: nameOf(c), EventSource: source, EventVersion: version,
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: at.UTC()},
			Keys:                        attributes(key),
			SequenceNumber:              c.Seq,
			SizeBytes:                   int64(key.Size() + c.Old.Size() + c.New.Size()),
			StreamViewType:              string(events.DynamoDBStreamViewTypeNewAndOldImages),
		},
	}
	if c.Old != nil {
		rec.Change.OldImage = attributes(c.Old)
	}
	if c.New != nil {
		rec.Change.NewImage = attributes(c.New)
	}
	if c.Expired {
		rec.UserIdentity = &events.DynamoDBUserIdentity{Type: service, PrincipalID: principal}
	}
	return rec
}
