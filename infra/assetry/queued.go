package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// How dead letters are read from a queue.
const (
	hideFor   = 2 * time.Minute // while a letter is looked at, nobody else gets it
	waitFor   = time.Second     // for servers of the queue that answer late
	mostEmpty = 3               // answers in a row without anything new, after which the queue counts as empty
	mostAtOne = 10              // messages of one request (SQS's limit)
)

// sqsLetters are the dead letters of a queue of SQS.
type sqsLetters struct {
	client      *sqs.Client
	name        string
	queue, dead string // addresses
}

var _ deadLetters = (*sqsLetters)(nil)

func (q *sqsLetters) source() string { return q.name }

// each receives until nothing new comes. A queue has no way to look without taking: what was not replayed is given back at the end.
func (q *sqsLetters) each(ctx context.Context, f func(context.Context, deadLetter) (bool, error)) (err error) {
	seen := map[string]*sqsLetter{}
	defer func() { q.giveBack(context.WithoutCancel(ctx), seen) }()
	for empty := 0; empty < mostEmpty; {
		out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.dead, MaxNumberOfMessages: mostAtOne, VisibilityTimeout: int32(hideFor.Seconds()), WaitTimeSeconds: int32(waitFor.Seconds()),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
			MessageAttributeNames:       []string{"All"},
		})
		if err != nil {
			return fmt.Errorf("read the dead letters of %s: %w", q.name, err)
		}
		fresh := q.note(seen, out.Messages)
		if empty++; len(fresh) > 0 {
			empty = 0
		}
		for _, l := range fresh {
			if more, err := f(ctx, l); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// note keeps the letters of an answer, all that have to be given back, and gives those that were not seen before.
func (q *sqsLetters) note(seen map[string]*sqsLetter, ms []types.Message) (fresh []*sqsLetter) {
	for _, m := range ms {
		id := aws.ToString(m.MessageId)
		if before, twice := seen[id]; twice {
			before.message.ReceiptHandle = m.ReceiptHandle // the latest is the one that holds
			continue
		}
		seen[id] = &sqsLetter{place: q, message: m}
		fresh = append(fresh, seen[id])
	}
	return fresh
}

// giveBack shows to others again what is still there. Where that fails they wait until the letters show by themselves.
func (q *sqsLetters) giveBack(ctx context.Context, seen map[string]*sqsLetter) {
	for _, l := range seen {
		if l.gone {
			continue
		}
		_, _ = q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &q.dead, ReceiptHandle: l.message.ReceiptHandle, VisibilityTimeout: 0,
		})
	}
}

// sqsLetter is one message.
type sqsLetter struct {
	place   *sqsLetters
	message types.Message
	gone    bool
}

func (l *sqsLetter) describe() letterJSON {
	ms, _ := strconv.ParseInt(l.message.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64)
	d := letterJSON{
		Source: l.place.name, ID: aws.ToString(l.message.MessageId), At: time.UnixMilli(ms).UTC(), About: aboutMessage(aws.ToString(l.message.Body)),
	}
	// EventBridge says in attributes why it gave an event up that it could not put on the queue itself.
	if why, ok := l.message.MessageAttributes["ERROR_CODE"]; ok {
		d.Reason = aws.ToString(why.StringValue)
	}
	return d
}

// replay puts the message on its queue once more, and removes it from the dead letters when the queue has it.
func (l *sqsLetter) replay(ctx context.Context) error {
	q := l.place
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.queue, MessageBody: l.message.Body}); err != nil {
		return err
	}
	l.gone = true
	if _, err := q.client.DeleteMessage(context.WithoutCancel(ctx), &sqs.DeleteMessageInput{QueueUrl: &q.dead, ReceiptHandle: l.message.ReceiptHandle}); err != nil {
		l.gone = false
		return fmt.Errorf("it is on its queue again, and could not be removed from the dead letters: %w", err)
	}
	return nil
}
