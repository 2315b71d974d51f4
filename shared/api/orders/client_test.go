package orders_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
)

// request is a request as a test states it.
type request struct {
	query     string
	variables string      // JSON; "": none
	token     string      // "": the stack's client; "-": none
	once      string      // Idempotency-Key
	header    http.Header // more headers
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	Data   map[string]json.RawMessage
	Errors []problem
}

// problem is one error of an answer.
type problem struct {
	Message    string
	Path       []any
	Extensions struct {
		Code   string
		Fields []struct{ Name, Message string }
	}
}

// ask sends a request to the function.
func (s *stack) ask(in request) answer {
	s.t.Helper()
	query, err := json.Marshal(in.query)
	if err != nil {
		s.t.Fatal(err)
	}
	body := fmt.Sprintf(`{"query": %s, "variables": %s}`, query, cmp.Or(in.variables, "null")) // as they are: Marshal would change them
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://api.example/v1/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	maps.Copy(r.Header, in.header)
	if in.token != "-" {
		r.Header.Set("Authorization", "Bearer "+cmp.Or(in.token, s.token))
	}
	if in.once != "" {
		r.Header.Set("Idempotency-Key", in.once)
	}
	w := httptest.NewRecorder()
	s.door.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Result().Header}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		s.t.Fatalf("%s answered %d %q: %v", in.query, w.Code, w.Body, err)
	}
	return a
}

// get asks for one field and decodes its value; an error ends the test.
func get[T any](s *stack, in request) (out T) {
	s.t.Helper()
	a := s.ask(in)
	if len(a.Errors) > 0 || len(a.Data) != 1 {
		s.t.Fatalf("%s\nanswered %d with %d fields and %+v", in.query, a.status, len(a.Data), a.Errors)
	}
	for _, v := range a.Data {
		if err := json.Unmarshal(v, &out); err != nil {
			s.t.Fatalf("%s\nanswered %s: %v", in.query, v, err)
		}
	}
	return out
}

// refused asks for one field, which must be refused with a code and at its path, and gives the message.
func (s *stack) refused(in request, code string) string {
	s.t.Helper()
	a := s.ask(in)
	if len(a.Errors) == 0 {
		s.t.Errorf("%s\nwas not refused", in.query)
		return ""
	}
	for _, e := range a.Errors {
		if e.Extensions.Code != code || e.Message == "" {
			s.t.Errorf("%s\nwas refused with %s: %s; want %s", in.query, e.Extensions.Code, e.Message, code)
		}
	}
	return a.Errors[0].Message
}

// The answers' fields, as clients read them.
type (
	gotOrder struct {
		OrderID       string          `json:"order_id"`
		Name          string          `json:"order_name"`
		Created       string          `json:"created"`
		Status        string          `json:"order_status"`
		Product       string          `json:"product"`
		SqFt          *int            `json:"estimated_sqft"`
		Address       *string         `json:"address"`
		Units         *string         `json:"model_units"`
		Metadata      json.RawMessage `json:"metadata"`
		Assets        []gotAsset      `json:"assets"`
		Deliverables  []gotAsset      `json:"deliverables"`
		FailureReason *string         `json:"failure_reason"`
		Problems      []gotProblem    `json:"problems"`
		Progress      *int            `json:"progress"`
		Version       int             `json:"version"`
	}
	gotProblem struct{ Path, Message string }
	gotAsset   struct {
		AssetID       string   `json:"asset_id"`
		Name          string   `json:"asset_name"`
		Type          *string  `json:"asset_type"`
		ContentType   string   `json:"content_type"`
		Size          *float64 `json:"size_bytes"`
		Status        string   `json:"upload_status"`
		FailureReason *string  `json:"failure_reason"`
		Created       string   `json:"created"`
	}
	gotUpload struct {
		AssetID       string    `json:"asset_id"`
		OrderID       string    `json:"order_id"`
		AssetType     string    `json:"asset_type"`
		UploadURL     *string   `json:"upload_url"`
		ExpiresIn     *int      `json:"expires_in"`
		PartURLs      []gotPart `json:"part_urls"`
		UploadID      *string   `json:"upload_id"`
		Status        string    `json:"upload_status"`
		UploadType    string    `json:"upload_type"`
		PartCount     *int      `json:"part_count"`
		PartsReceived *int      `json:"parts_received"`
		NextCursor    *string   `json:"next_cursor"`
	}
	gotPart struct {
		PartNumber int
		SignedURL  string `json:"signedUrl"`
	}
	gotDownload struct {
		AssetID   string `json:"asset_id"`
		URL       string `json:"download_url"`
		ExpiresIn int    `json:"expires_in"`
	}
	gotWebhook struct {
		WebhookID string   `json:"webhook_id"`
		Created   string   `json:"created"`
		URL       string   `json:"webhook_url"`
		Events    []string `json:"webhook_events"`
		Secret    *string  `json:"webhook_secret"`
	}
)

// Everything that can be selected of a type.
const (
	assetFields = "asset_id asset_name asset_type content_type size_bytes upload_status failure_reason created"
	orderFields = "order_id order_name created order_status product estimated_sqft address model_units metadata failure_reason " +
		"problems { path message } progress version assets { " + assetFields + " } deliverables { " + assetFields + " }"
	uploadFields  = "asset_id order_id asset_type upload_url expires_in part_urls upload_id upload_status upload_type part_count parts_received next_cursor"
	webhookFields = "webhook_id created webhook_url webhook_events webhook_secret"
)

// newOrder begins an order.
func (s *stack) newOrder() gotOrder {
	s.t.Helper()
	return get[gotOrder](s, request{query: `mutation { initializeOrder(order_name: "Town hall", product: "areaplan", model_units: "METRIC") { ` + orderFields + ` } }`})
}

// order reads an order.
func (s *stack) order(id string) gotOrder {
	s.t.Helper()
	return get[gotOrder](s, request{query: fmt.Sprintf(`{ order(order_id: %q) { %s } }`, id, orderFields)})
}

// begin begins an upload of an order; more are further arguments.
func (s *stack) begin(order, format, way, more string) gotUpload {
	s.t.Helper()
	return get[gotUpload](s, request{query: fmt.Sprintf(`mutation { initializeUpload(order_id: %q, asset_type: %q, upload_type: %q %s) { %s } }`,
		order, format, way, more, uploadFields)})
}

// finish finalizes an upload; more are further arguments.
func (s *stack) finish(asset, more string) gotUpload {
	s.t.Helper()
	return get[gotUpload](s, request{query: fmt.Sprintf(`mutation { finalizeUpload(asset_id: %q %s) { %s } }`, asset, more, uploadFields)})
}

// send puts bytes to an address as a client that knows nothing of us does, and gives the ETag.
func (s *stack) send(url string, body []byte) string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	if text, _ := io.ReadAll(got.Body); got.StatusCode != http.StatusOK {
		s.t.Fatalf("PUT answered %d %s", got.StatusCode, text)
	}
	return got.Header.Get("ETag")
}

// points is an xyz file of at least a size: a floor of points a hand apart.
func points(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "%.3f %.3f %.3f\n", float64(i%500)/10, float64(i/500)/10, float64(i%7)/1000)
	}
	return b.Bytes()
}
