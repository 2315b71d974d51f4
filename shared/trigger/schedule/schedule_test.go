package schedule_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/trigger/schedule"
)

func TestItIsTimeWhateverTheEventSays(t *testing.T) {
	for name, payload := range map[string]string{
		"as EventBridge sends it": `{"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"aws.events","time":"2026-01-15T14:00:00Z","detail":{}}`,
		"an input of the user's":  `"now"`, "a time that is none": `{"time":"noon","detail":7}`, "nothing": ``, "no JSON": `{"time"`, "null": `null`,
	} {
		t.Run(name, func(t *testing.T) {
			times := 0
			out, err := schedule.Consumer(func(context.Context, events.CloudWatchEvent) error {
				times++
				return nil
			}).Invoke(t.Context(), []byte(payload))
			if err != nil || string(out) != "null" || times != 1 {
				t.Errorf("it was done %d times; the answer is %s, %v", times, out, err)
			}
		})
	}
}

func TestWhatCouldNotBeDoneIsAnError(t *testing.T) {
	said := errors.New("said by the test")
	_, err := schedule.Consumer(func(context.Context, events.CloudWatchEvent) error { return said }).Invoke(t.Context(), nil)
	if !errors.Is(err, said) {
		t.Errorf("the error is %v", err)
	}
	if _, err = schedule.Consumer(func(context.Context, events.CloudWatchEvent) error { panic("loud") }).Invoke(t.Context(), nil); err == nil {
		t.Error("a panic gave no error")
	}
}
