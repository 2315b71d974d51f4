package dynamolocal

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEmptyMapsAreNamedAndNothingElseChanges(t *testing.T) {
	const local = `{"Records": [{"eventName": "MODIFY", "dynamodb": {"ApproximateCreationDateTime": 1795271100.000, "SizeBytes": 40,
		"Keys": {"pk": {"S": "p"}}, "OldImage": {"v": {}},
		"NewImage": {"v": {"M": {"w": {"L": [{}, {"L": []}, {"M": {"q": {}}}, {"S": ""}]}}}, "n": {"N": "12345678901234567890"}}}}],
		"NextShardIterator": "it"}`
	const named = `{"Records": [{"eventName": "MODIFY", "dynamodb": {"ApproximateCreationDateTime": 1795271100.000, "SizeBytes": 40,
		"Keys": {"pk": {"S": "p"}}, "OldImage": {"v": {"M": {}}},
		"NewImage": {"v": {"M": {"w": {"L": [{"M": {}}, {"L": []}, {"M": {"q": {"M": {}}}}, {"S": ""}]}}}, "n": {"N": "12345678901234567890"}}}}],
		"NextShardIterator": "it"}`
	got, err := repairRecords([]byte(local))
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(named), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("repaired (-want +got):\n%s", diff)
	}
}
