package recorder_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/assetry/assetry/infra/identity"
)

// FuzzRequests sends whatever comes in a function's name: it arrives as it was sent, and is noted, if at all, as one of the function's.
func FuzzRequests(f *testing.F) {
	form := "--x\r\nContent-Disposition: form-data; name=\"x-amz-credential\"\r\n\r\n" + identity.AccessKey(function) +
		"/20260115/us-east-1/s3/aws4_request\r\n--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nw/a/source\r\n--x--"
	f.Add("s3", "GET", "/assetry/w/a/b/source", "versionId=1", "", "", "")
	f.Add("s3", "PUT", "/assetry/w/a/b/source", "partNumber=1&uploadId=u", "", "", "pixels")
	f.Add("s3", "POST", "/assetry", "delete", "", "", "<Delete><Object><Key>k</Key></Object></Delete>")
	f.Add("", "POST", "/assetry", "", "", "multipart/form-data; boundary=x", form)
	f.Add("dynamodb", "POST", "/", "", "DynamoDB_20120810.TransactWriteItems", "", `{"TransactItems":[{"Put":{"TableName":"assetry"}},{"Nothing":{}}]}`)
	f.Add("dynamodb", "POST", "/", "", "DynamoDB_20120810.BatchGetItem", "", `{"RequestItems":{"assetry":null,"":{}}}`)
	f.Add("events", "POST", "/", "", "AWSEvents.PutEvents", "", `{"Entries":[{"EventBusName":"arn:/assetry"}]}`)
	f.Add("secretsmanager", "POST", "/", "", "secretsmanager.GetSecretValue", "", `{"SecretId":1}`)
	f.Fuzz(func(t *testing.T, service, method, path, query, target, kind, body string) {
		r, out := watched(t, stack("assetry"))
		arrived, sent := "", httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		sent.Method, sent.URL = method, &url.URL{Path: path, RawQuery: query}
		if service != "" {
			sent.Header.Set("Authorization", authorization(service))
		}
		for name, value := range map[string]string{"X-Amz-Target": target, "Content-Type": kind} {
			if value != "" {
				sent.Header.Set(name, value)
			}
		}
		r.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, got *http.Request) {
			b, _ := io.ReadAll(got.Body)
			arrived = string(b)
		})).ServeHTTP(httptest.NewRecorder(), sent)
		if arrived != body {
			t.Errorf("sent %q, arrived %q", body, arrived)
		}
		for _, c := range out.calls(t) {
			if c.Function != function || (c.Unmapped == "") == (c.Action == "" || c.Resource == "") {
				t.Errorf("noted %+v: want a right of %s, or why there is none", c, function)
			}
		}
	})
}
