package deployed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
)

// failures are the records that an answer reports as failed.
func failures(t *testing.T, answer []byte) []string {
	t.Helper()
	ids := []string{}
	for _, f := range decode[struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}](t, answer).BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// change is a record of the table's stream, with its number, from the given fields.
func change(seq, name, fields string) string {
	return fmt.Sprintf(`{"eventID": "e", "eventName": %q, "eventSource": "aws:dynamodb", "eventVersion": "1.1", "awsRegion": "us-east-1",
		"dynamodb": {"SequenceNumber": %q, "ApproximateCreationDateTime": 1768479000, %s}}`, name, seq, fields)
}

const (
	view  = `"StreamViewType": "NEW_AND_OLD_IMAGES"`
	keys  = `"Keys": {"pk": {"S": "a"}, "sk": {"S": "b"}}`
	image = `"NewImage": {"pk": {"S": "a"}, "sk": {"S": "b"}}`
)

// unreadable are records that no table of ours makes.
var unreadable = map[string]string{
	"a kind of record that nobody knows": change("7", "PURGE", view+", "+keys+", "+image),
	"no kind":                            change("7", "", view+", "+keys+", "+image),
	"a kind that its images deny":        change("7", "REMOVE", view+", "+keys+", "+image),
	"keys alone":                         change("7", "INSERT", `"StreamViewType": "KEYS_ONLY", `+keys),
	"no images":                          change("7", "MODIFY", view+", "+keys),
	"no keys":                            change("7", "INSERT", view+", "+image),
	"keys of another table":              change("7", "INSERT", view+`, "Keys": {"id": {"N": "1"}}, "NewImage": {"id": {"N": "1"}}`),
	"an image of another item":           change("7", "INSERT", view+", "+keys+`, "NewImage": {"pk": {"S": "a"}, "sk": {"S": "c"}}`),
	"a number that is none":              change("7", "INSERT", view+", "+keys+`, "NewImage": {"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "many"}}`),
}

// A record that nobody can read is told to the stream by its number, so that it goes on from there and, in the end, past it.
func TestARecordThatNobodyCanReadIsNamedToTheStream(t *testing.T) {
	w := newWorld(t)
	for _, f := range deployed(t) {
		if len(template.EventsOf[template.DynamoDB](f)) == 0 {
			continue
		}
		r := w.host(t, f)
		good := inner(t, w.sample(t, f.Folder))
		for name, record := range unreadable {
			answer, err := r.answered(t, name, records(record))
			if err != nil {
				t.Errorf("%s: %s alone is the error %v, want its number", f.Folder, name, err)
				continue
			}
			if d := cmp.Diff([]string{"7"}, failures(t, answer)); d != "" {
				t.Errorf("%s: %s alone (-want +got):\n%s", f.Folder, name, d)
			}
			answer, err = r.answered(t, name+" after others", records(good, record))
			if err != nil || !slices.Equal(failures(t, answer), []string{"7"}) {
				t.Errorf("%s: %s after others: %s, %v, want its number alone", f.Folder, name, answer, err)
			}
			if answer, err = r.answered(t, name+" before others", records(record, good)); err == nil {
				t.Errorf("%s: %s before others: %s, want an error, so that the batch is cut", f.Folder, name, answer)
			}
		}
		for name, record := range map[string]string{
			"an attribute of an unknown type": change("7", "INSERT", view+", "+keys+`, "NewImage": {"pk": {"S": "a"}, "sk": {"S": "b"}, "x": {"Q": "?"}}`),
			"a record of another stream":      `{"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "7", "data": "e30="}}`,
		} {
			if answer, err := r.answered(t, name, records(record)); err == nil && len(failures(t, answer)) == 0 {
				t.Errorf("%s: %s: %s, want it told", f.Folder, name, answer)
			}
		}
		r.survives(t)
	}
	if got, want := len(w.published()), len(unreadable); got < want {
		t.Errorf("%d events are on the bus, want those of the %d records before unreadable ones", got, want)
	}
}

// inner are the records of an event.
func inner(t *testing.T, event string) string {
	t.Helper()
	var rs []string
	for _, r := range decode[struct{ Records []json.RawMessage }](t, []byte(event)).Records {
		rs = append(rs, string(r))
	}
	return strings.Join(rs, ", ")
}

// message is a message of a queue.
func message(id, body string) string {
	return fmt.Sprintf(`{"messageId": %q, "receiptHandle": "r", "eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": "1"}, "body": %q}`, id, body)
}

// wanted is the type of an event that a rule leads to a function's queue.
func wanted(t *testing.T, f template.Function) string {
	t.Helper()
	queue := template.EventsOf[template.SQS](f)[0].Queue
	for _, r := range readTemplate(t).Rules {
		if slices.ContainsFunc(r.Targets, func(to template.Target) bool { return to.Queue == queue }) {
			return decode[map[string][]string](t, []byte(r.Pattern))["detail-type"][0]
		}
	}
	t.Fatalf("no rule leads to the queue %s", queue)
	return ""
}

// A message that nobody can read is told to the queue by its id, and after the last delivery is among the dead letters.
func TestAMessageThatNobodyCanReadIsNamedToTheQueue(t *testing.T) {
	w := newWorld(t)
	for _, f := range deployed(t) {
		if len(template.EventsOf[template.SQS](f)) == 0 {
			continue
		}
		r := w.host(t, f)
		good := inner(t, w.sample(t, f.Folder))
		for name, body := range map[string]string{
			"no body":               ``,
			"no JSON":               `asset.ready`,
			"null":                  `null`,
			"an empty object":       `{}`,
			"another's event":       `{"source": "aws.s3", "detail-type": "Object Created", "detail": {"schema_version": 1}}`,
			"no detail":             `{"source": "assetry", "detail-type": "asset.ready"}`,
			"a detail that is text": `{"source": "assetry", "detail-type": "asset.ready", "detail": "ready"}`,
			"no type":               `{"source": "assetry", "detail": {"schema_version": 1}}`,
			"a schema of tomorrow":  `{"source": "assetry", "detail-type": "asset.ready", "detail": {"schema_version": 99}}`,
			"ids that are none":     `{"source": "assetry", "detail-type": "` + wanted(t, f) + `", "detail": {"schema_version": 1, "workspace_id": "資産", "asset_id": "../1"}}`,
		} {
			answer, err := r.answered(t, name, records(message("m", body), message("n", body)))
			if err != nil || !slices.Equal(failures(t, answer), []string{"m", "n"}) {
				t.Errorf("%s: %s: %s, %v, want both messages named", f.Folder, name, answer, err)
			}
			answer, err = r.answered(t, name+" beside a good one", records(message("m", body), good))
			if err != nil || !slices.Equal(failures(t, answer), []string{"m"}) {
				t.Errorf("%s: %s beside a good one: %s, %v, want it alone named", f.Folder, name, answer, err)
			}
			if answer, err := r.answered(t, name+" without an id", records(message("", body))); err == nil {
				t.Errorf("%s: %s without an id: %s, want an error, since nothing can be named", f.Folder, name, answer)
			}
		}
		r.survives(t)
	}
}
