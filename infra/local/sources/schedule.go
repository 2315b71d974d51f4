package sources

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"
)

// Schedule invokes a function at once and then at a rate, until the context ends. A firing that fails is logged, and the next one goes on.
type Schedule struct {
	Function string // the folder's name
	Every    time.Duration
	Input    string // JSON that the function is given instead of the event; "": the event
	Place    Place
	Invoke   Invoke
}

// Run fires until the context ends.
func (s Schedule) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.fire(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "a schedule failed; the next time goes on", "function", s.Function, "err", err)
		}
		wait(ctx, nil, s.Every)
	}
}

func (s Schedule) fire(ctx context.Context) error {
	payload, err := s.event()
	if err != nil {
		return err
	}
	_, err = s.Invoke(ctx, s.Function, payload)
	return err
}

// event is what EventBridge sends.
func (s Schedule) event() ([]byte, error) {
	if s.Input != "" {
		return []byte(s.Input), nil
	}
	return json.Marshal(events.CloudWatchEvent{
		Version: "0", ID: uuid.NewString(), DetailType: "Scheduled Event", Source: "aws.events", AccountID: s.Place.Account,
		Time: time.Now().UTC().Truncate(time.Second), Region: s.Place.Region,
		Resources: []string{s.Place.arn("events", "rule/"+s.Place.Stack+"-"+s.Function)}, Detail: []byte("{}"),
	})
}
