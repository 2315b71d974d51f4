package dynamolocal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Repairing is an HTTP client for DynamoDB Local's streams. DynamoDB Local 3.1.0 sends an empty map in an image as {} where DynamoDB
// sends {"M": {}}, and the SDK reads that as the value before it. Everything else passes unchanged.
type Repairing struct{}

// Do sends the request and repairs the records in the answer.
func (Repairing) Do(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".GetRecords") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err := res.Body.Close(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if body, err = repairRecords(body); err != nil {
		return nil, fmt.Errorf("records of DynamoDB Local: %w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Del("X-Amz-Crc32")
	return res, nil
}

func repairRecords(body []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var answer map[string]any
	if err := d.Decode(&answer); err != nil {
		return nil, err
	}
	records, _ := answer["Records"].([]any)
	for _, r := range records {
		record, _ := r.(map[string]any)
		change, _ := record["dynamodb"].(map[string]any)
		for _, image := range []string{"OldImage", "NewImage"} {
			attributes, _ := change[image].(map[string]any)
			repairMap(attributes)
		}
	}
	return json.Marshal(answer)
}

func repairMap(attributes map[string]any) {
	for _, v := range attributes {
		repairValue(v)
	}
}

// repairValue names the type of a value that came without one.
func repairValue(v any) {
	value, ok := v.(map[string]any)
	if !ok {
		return
	}
	if len(value) == 0 {
		value["M"] = map[string]any{}
		return
	}
	if m, ok := value["M"].(map[string]any); ok {
		repairMap(m)
	}
	if l, ok := value["L"].([]any); ok {
		for _, e := range l {
			repairValue(e)
		}
	}
}
