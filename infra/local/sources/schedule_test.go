package sources

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/polltest"
)

func TestAScheduleFiresAtOnceAndGoesOnAfterAFailure(t *testing.T) {
	f := &function{answer: func(string, int) (string, error) { return "", errSaid }}
	s := Schedule{Function: "sweep", Every: time.Millisecond, Place: here, Invoke: f.invoke}
	inBackground(t, s.Run)
	polltest.Eventually(t, "three firings", func() bool { return len(f.calls()) >= 3 })
	var e events.CloudWatchEvent
	if err := json.Unmarshal([]byte(f.calls()[0]), &e); err != nil {
		t.Fatal(err)
	}
	if e.Source != "aws.events" || e.DetailType != "Scheduled Event" || len(e.Resources) != 1 || e.Resources[0] != "arn:aws:events:us-east-1:000000000000:rule/assetry-sweep" || string(e.Detail) != "{}" {
		t.Errorf("event %+v", e)
	}
}

func TestAScheduleWaitsForItsTime(t *testing.T) {
	f := &function{}
	stop := inBackground(t, Schedule{Function: "sweep", Every: time.Hour, Place: here, Invoke: f.invoke}.Run)
	polltest.Eventually(t, "the first firing", func() bool { return len(f.calls()) == 1 })
	stop()
	if n := len(f.calls()); n != 1 {
		t.Errorf("it fired %d times within its pause", n)
	}
}
