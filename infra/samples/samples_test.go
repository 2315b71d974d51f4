package samples_test

import (
	"strings"
	"testing"
	"time"

	"github.com/assetry/assetry/infra/samples"
)

// later is a time of no roundness, far from Now.
var later = samples.Now.Add(7451*time.Hour + 13*time.Minute + 7*time.Millisecond)

func TestAtNowTheIdsAreThoseOfTheEvents(t *testing.T) {
	s := samples.At(samples.Now)
	for want, got := range map[string]string{
		samples.Holiday: s.Holiday("", "").ID.String(), samples.Poster: s.Poster().ID.String(), samples.Draft: s.Draft().ID.String(),
		samples.Reel: s.Reel("").ID.String(), samples.Stock: s.Stock().ID.String(), samples.Delivery: s.DeliveryID().String(),
	} {
		if got != want {
			t.Errorf("the id is %s, want %s", got, want)
		}
	}
}

func TestIdsMoveWithTheTimeOfTheScene(t *testing.T) {
	was, is := samples.At(samples.Now).Poster(), samples.At(later).Poster()
	if moved, want := is.CreatedAt().Sub(was.CreatedAt()), later.Sub(samples.Now); moved != want {
		t.Errorf("the poster was made %s later, want %s", moved, want)
	}
	if moved, want := is.GrantUntil.Sub(was.GrantUntil), later.Sub(samples.Now); moved != want {
		t.Errorf("its grant ends %s later, want %s", moved, want)
	}
	if got, want := is.ID.String()[14:], samples.Poster[14:]; got != want {
		t.Errorf("the rest of its id is %s, want %s", got, want)
	}
}

func TestSettleUndoesWhatPayloadDoes(t *testing.T) {
	w := &samples.World{Scene: samples.At(later), BucketURL: "http://127.0.0.1:1/test-1"}
	event := strings.Join([]string{samples.Workspace, samples.Holiday, samples.Poster, samples.Draft, samples.Reel, samples.Stock, samples.Delivery}, "\n")
	payload := string(w.Payload([]byte(event)))
	for _, moved := range []string{samples.Holiday, samples.Poster, samples.Draft, samples.Reel, samples.Stock, samples.Delivery} {
		if strings.Contains(payload, moved) {
			t.Errorf("the payload for another time still names %s", moved)
		}
	}
	if got := w.Settle(payload); got != event {
		t.Errorf("Settle(Payload) = %s\nwant %s", got, event)
	}
}

func TestPayloadMintsLinksAnew(t *testing.T) {
	now := samples.At(samples.Now)
	w := &samples.World{Scene: samples.At(later)}
	got := string(w.Payload([]byte(now.Link() + " " + now.ForgedLink())))
	if want := w.Link() + " " + w.ForgedLink(); got != want || now.Link() == w.Link() || w.Link() == w.ForgedLink() {
		t.Errorf("the links are %s, want %s", got, want)
	}
}

func TestPayloadMovesTimesAndNamesTheBucket(t *testing.T) {
	w := &samples.World{Scene: samples.At(samples.Now.Add(90 * time.Minute)), BucketName: "sample-1"}
	for in, want := range map[string]string{
		`"grant_until":{"N":"1768479300"}`:                    `"grant_until":{"N":"1768484700"}`,
		`"timeEpoch": 1768479000000`:                          `"timeEpoch": 1768484400000`,
		`"eventTime": "2026-01-15T12:10:00.000Z"`:             `"eventTime": "2026-01-15T13:40:00.000Z"`,
		`"time": "2026-01-15T12:10:00Z"`:                      `"time": "2026-01-15T13:40:00Z"`,
		`"SequenceNumber": "4421584500000000017450439001"`:    `"SequenceNumber": "4421584500000000017450439001"`,
		`"name": "` + samples.Bucket + `", "size": 176847900`: `"name": "sample-1", "size": 176847900`,
	} {
		if got := string(w.Payload([]byte(in))); got != want {
			t.Errorf("Payload(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestSettleNamesWhatDiffersFromRunToRun(t *testing.T) {
	w := &samples.World{Scene: samples.At(samples.Now), BucketURL: "http://127.0.0.1:1/test-1"}
	for _, tt := range []struct{ name, in, want string }{
		{"an id that was drawn, the same every time", "a 019cc000-0000-7000-8000-000000000001 b 019cc000-0000-7000-8000-000000000002 a 019cc000-0000-7000-8000-000000000001", "a (new 1) b (new 2) a (new 1)"},
		{"an id of the samples stays", "asset_" + samples.Poster + " " + samples.Node, "asset_" + samples.Poster + " " + samples.Node},
		{"the bucket's address", "http://127.0.0.1:1/test-1/w/x", "https://assetry-123456789012-us-east-1.s3.amazonaws.com/w/x"},
		{"a signature", "X-Amz-Signature=" + strings.Repeat("0f", 32), "X-Amz-Signature=(signature)"},
		{"an upload of the bucket's", "019cc000-0000-4000-8000-000000000001", "(upload)"},
	} {
		if got := w.Settle(tt.in); got != tt.want {
			t.Errorf("%s: Settle(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestTimelessKnowsEverySpellingOfATime(t *testing.T) {
	for in, want := range map[string]string{
		`"expires_at": "2026-01-15T12:25:00.000Z"`:                          `"expires_at": "(time)"`,
		"grant_until: 1768479900":                                           "grant_until: (time)",
		"lease: 1768479030000, was 1768479029999":                           "lease: (time), was (time)",
		"&X-Amz-Expires=3599&":                                              "&X-Amz-Expires=(duration)&",
		"X-Amz-Date=20260115T121000Z":                                       "X-Amz-Date=(time)",
		"AKIA/20260115/us-east-1":                                           "AKIA/(day)/us-east-1",
		"AKIA%2F20260115%2Fus-east-1":                                       "AKIA%2F(day)%2Fus-east-1",
		"insert due#2026-01-16T14#2 / x":                                    "insert due#(time)#(shard) / x",
		"took: 12, was 87":                                                  "took: (duration)",
		"size: 1768, 85 bytes, " + samples.Poster + ", version 20260115abc": "size: 1768, 85 bytes, " + samples.Poster + ", version 20260115abc",
	} {
		if got := samples.Timeless(in); got != want {
			t.Errorf("Timeless(%q) = %q, want %q", in, got, want)
		}
	}
}
