package house

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/asset"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/folder"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/table/dynamo/stream"
)

var update = flag.Bool("update", false, "write events/ and testdata/ anew")

// call is a request of which a sample event is made.
type call struct {
	file    string   // without .json
	route   string   // "POST /api/v1/assets/{assetId}/complete"; $default takes method and path from at
	at      string   // of $default: "PUT /api/v1/assets"
	params  []string // values of the route's parameters, in order
	query   string
	json    any
	form    bool   // the direct upload instead of a JSON body
	keyless bool   // without an API key
	basic   bool   // with the client's id and secret instead of it
	token   bool   // with the client's access token instead of it
	match   string // If-Match
}

const assetPrefix = "asset_"

// calls are the sample requests; several of one function are named <function>-<case>.
var calls = []call{
	{file: "assets-create", route: "POST /api/v1/assets", json: m{"source": "signed-url", "workspace_id": samples.Workspace, "file_name": "Straße 🌆.png", "content_type": "image/png", "folder": "Campaign", "project_id": samples.Project}},
	{file: "assets-create-direct", route: "POST /api/v1/assets", form: true},
	{file: "assets-create-refused", route: "POST /api/v1/assets", json: m{"source": "signed-url", "workspace_id": samples.Workspace, "file_name": "", "content_type": "text/html", "colour": "red"}},
	{file: "assets-create-multipart", route: "POST /api/v1/assets", json: m{"source": "multipart", "workspace_id": samples.Workspace, "file_name": "reel.mp4", "content_type": "video/mp4", "size_bytes": samples.ReelSize, "part_size": samples.ReelPart, "checksum_algorithm": "CRC64NVME"}},
	{file: "assets-create-import", route: "POST /api/v1/assets", json: m{"source": "https://images.example.com/lisboa.png?token=secret", "workspace_id": samples.Workspace, "file_name": "lisboa.png"}},
	{file: "assets-list", route: "GET /api/v1/assets", query: "workspace_id=" + samples.Workspace + "&limit=2"},
	{file: "assets-list-search", route: "GET /api/v1/assets", query: "query=lisboa%20ferias&project_id=" + samples.Project},
	{file: "assets-list-words", route: "GET /api/v1/assets", query: "query=FERIAS%20lis"},
	{file: "assets-retrieve", route: "GET /api/v1/assets/{assetId}", params: []string{assetPrefix + samples.Holiday}},
	{file: "assets-retrieve-missing", route: "GET /api/v1/assets/{assetId}", params: []string{"asset_../%00"}},
	{file: "assets-retrieve-keyless", route: "GET /api/v1/assets/{assetId}", params: []string{assetPrefix + samples.Holiday}, keyless: true},
	{file: "assets-delete", route: "DELETE /api/v1/assets/{assetId}", params: []string{assetPrefix + samples.Holiday}},
	{file: "assets-update", route: "PATCH /api/v1/assets/{assetId}", params: []string{assetPrefix + samples.Holiday}, match: `"2"`, json: m{"name": "Lisboa.png", "description": "Second day", "folder": samples.Folder}},
	{file: "assets-update-stale", route: "PATCH /api/v1/assets/{assetId}", params: []string{assetPrefix + samples.Holiday}, match: `"1"`, json: m{"name": "Lisboa.png"}},
	{file: "assets-complete", route: "POST /api/v1/assets/{assetId}/complete", params: []string{assetPrefix + samples.Poster}},
	{file: "assets-complete-early", route: "POST /api/v1/assets/{assetId}/complete", params: []string{assetPrefix + samples.Poster}},
	{file: "assets-retry", route: "POST /api/v1/assets/{assetId}/retry", params: []string{assetPrefix + samples.Draft}},
	{file: "assets-complete-parts", route: "POST /api/v1/assets/{assetId}/complete", params: []string{assetPrefix + samples.Reel}, json: m{"parts": []any{m{"part_number": 1, "etag": `"` + strings.Repeat("0", 32) + `"`}, m{"part_number": 3, "etag": "x"}}}},
	{file: "assets-upload", route: "POST /api/v1/assets/{assetId}/upload", params: []string{assetPrefix + samples.Poster}},
	{file: "assets-parts-sign", route: "POST /api/v1/assets/{assetId}/parts", params: []string{assetPrefix + samples.Reel}, json: m{"part_numbers": []int{2, 3}}},
	{file: "assets-parts-list", route: "GET /api/v1/assets/{assetId}/parts", params: []string{assetPrefix + samples.Reel}, query: "limit=10"},
	{file: "assets-content", route: "GET /api/v1/assets/{assetId}/content", params: []string{assetPrefix + samples.Holiday}},
	{file: "assets-content-early", route: "GET /api/v1/assets/{assetId}/content", params: []string{assetPrefix + samples.Poster}},
	{file: "assets-attach", route: "POST /api/v1/projects/{projectId}/assets/{assetId}/attach", params: []string{samples.Project, assetPrefix + samples.Poster}},
	{file: "workspaces-list", route: "GET /api/v1/workspaces"},
	{file: "projects-create", route: "POST /api/v1/projects", json: m{"workspace_id": samples.Workspace, "name": "Autumn campaign"}},
	{file: "projects-list", route: "GET /api/v1/projects", query: "workspace_id=" + samples.Workspace + "&query=spring"},
	{file: "projects-retrieve", route: "GET /api/v1/projects/{projectId}", params: []string{samples.Project}},
	{file: "projects-nodes", route: "GET /api/v1/projects/{projectId}/nodes", params: []string{samples.Project}},
	{file: "folders-create", route: "POST /api/v1/workspaces/{workspaceId}/library/folders", params: []string{samples.Workspace}, json: m{"name": "Moods"}},
	{file: "folders-create-untitled", route: "POST /api/v1/workspaces/{workspaceId}/library/folders", params: []string{samples.Workspace}},
	{file: "folders-delete", route: "DELETE /api/v1/workspaces/{workspaceId}/library/folders/{folderId}", params: []string{samples.Workspace, samples.Folder}, query: "delete_items=true"},
	{file: "folders-delete-refused", route: "DELETE /api/v1/workspaces/{workspaceId}/library/folders/{folderId}", params: []string{samples.Workspace, samples.Folder}},
	{file: "folders-add-item", route: "POST /api/v1/workspaces/{workspaceId}/library/folders/{folderId}/items", params: []string{samples.Workspace, samples.Folder}, json: m{"type": "text", "text": "Cold light, one person.", "description": "second idea"}},
	{file: "webhooks-create", route: "POST /api/v1/workspaces/{workspaceId}/webhooks", params: []string{samples.Workspace}, json: m{"url": "https://hooks.example.com/in?from=assetry", "events": []string{"asset.ready", "asset.deleted"}}},
	{file: "webhooks-create-refused", route: "POST /api/v1/workspaces/{workspaceId}/webhooks", params: []string{samples.Workspace}, json: m{"url": "http://user:secret@169.254.169.254/latest", "events": []string{"import.requested"}}},
	{file: "webhooks-list", route: "GET /api/v1/workspaces/{workspaceId}/webhooks", params: []string{samples.Workspace}},
	{file: "webhooks-retrieve", route: "GET /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}", params: []string{samples.Workspace, samples.Webhook}},
	{file: "webhooks-update", route: "PATCH /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}", params: []string{samples.Workspace, samples.Webhook}, json: m{"enabled": false}},
	{file: "webhooks-delete", route: "DELETE /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}", params: []string{samples.Workspace, samples.Webhook}},
	{file: "webhooks-rotate-secret", route: "POST /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}/rotate-secret", params: []string{samples.Workspace, samples.Webhook}},
	{file: "webhooks-test", route: "POST /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}/test", params: []string{samples.Workspace, samples.Webhook}},
	{file: "webhooks-deliveries", route: "GET /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}/deliveries", params: []string{samples.Workspace, samples.Webhook}},
	{file: "webhooks-replay", route: "POST /api/v1/workspaces/{workspaceId}/webhooks/{webhookId}/deliveries/{deliveryId}/replay", params: []string{samples.Workspace, samples.Webhook, samples.Delivery}},
	{file: "folders-add-item-image", route: "POST /api/v1/workspaces/{workspaceId}/library/folders/{folderId}/items", params: []string{samples.Workspace, samples.Folder}, json: m{"type": "image", "source": "https://images.example.com/lisboa.png?token=secret", "description": "First idea"}},
	{file: "orders-token", route: "POST /v1/authentication/token", basic: true, json: m{"client_id": samples.Client, "client_secret": samples.ClientSecret, "grant_type": "client_credentials"}},
	{file: "orders-token-refused", route: "POST /v1/authentication/token", keyless: true, json: m{"client_id": samples.Client, "client_secret": samples.Secret, "grant_type": "client_credentials"}},
	{file: "orders-revoke", route: "POST /v1/authentication/revoke", basic: true, json: m{"token": samples.Token, "token_type_hint": "access_token"}},
	{file: "orders-graphql", route: "POST /v1/graphql", token: true, json: m{"query": "query($first: Int) { orders(first: $first, order_status: \"DRAFT\") { orders { order_id order_name } next_cursor } webhooks { webhook_id webhook_url } }", "variables": m{"first": 2}}},
	{file: "orders-graphql-get", route: "GET /v1/graphql", token: true, query: "query=%7B+orders+%7B+orders+%7B+order_id+%7D+%7D+%7D"},
	{file: "orders-graphql-refused", route: "POST /v1/graphql", token: true, json: m{"query": "mutation { initializeOrder(order_name: \"\", product: \"castle\") { order_id } }"}},
	{file: "orders-docs", route: "GET /v1/graphql/docs", keyless: true},
	{file: "orders-docs-schema", route: "GET /v1/graphql/schema", keyless: true},
	{file: "openapi", route: "GET /api/v1/openapi.json", keyless: true},
	{file: "health", route: "GET /health", keyless: true},
	{file: "open-link", route: "GET /l/{token}", params: []string{scene.Link()}, keyless: true},
	{file: "open-link-head", route: "HEAD /l/{token}", params: []string{scene.Link()}, keyless: true},
	{file: "open-link-forged", route: "GET /l/{token}", params: []string{scene.ForgedLink()}, keyless: true},
	{file: "fallback", route: "$default", at: "GET /api/v2/assets"},
	{file: "fallback-method", route: "$default", at: "PUT /api/v1/assets"},
	{file: "fallback-token", route: "$default", at: "GET /v1/authentication/token", keyless: true},
}

type m = map[string]any

// scene is what sample events tell of.
var scene = samples.At(samples.Now)

// gatewayEvent is payload 2.0, in the order in which AWS documents it.
type gatewayEvent struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Headers         map[string]string `json:"headers"`
	Query           map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext  gatewayContext    `json:"requestContext"`
	PathParameters  map[string]string `json:"pathParameters,omitempty"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type gatewayContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         gatewayHTTP `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"`
}

type gatewayHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"` // of the range for documents, RFC 5737
	UserAgent string `json:"userAgent"`
}

const (
	sampleAgent = "FLORA/JS 0.11.0"
	sampleAPI   = "a1b2c3d4e5"
	sampleHost  = sampleAPI + ".execute-api.us-east-1.amazonaws.com"
)

// event is what API Gateway makes of the request.
func (c call) event(t *testing.T) gatewayEvent {
	t.Helper()
	method, path, _ := strings.Cut(c.route, " ")
	if c.at != "" {
		method, path, _ = strings.Cut(c.at, " ")
	}
	e := gatewayEvent{Version: "2.0", RouteKey: c.route, RawQueryString: c.query, Headers: map[string]string{
		"accept": "application/json", "host": sampleHost, "user-agent": sampleAgent, "x-forwarded-for": "203.0.113.7",
		"x-forwarded-port": "443", "x-forwarded-proto": "https", "x-amzn-trace-id": "Root=1-6968d8a8-3f2a1c5b7d9e0f1a2b3c4d5e",
	}}
	for _, value := range c.params {
		name := path[strings.Index(path, "{")+1 : strings.Index(path, "}")]
		path = strings.Replace(path, "{"+name+"}", value, 1)
		if e.PathParameters == nil {
			e.PathParameters = map[string]string{}
		}
		e.PathParameters[name] = value
	}
	e.RawPath = path
	values, err := url.ParseQuery(c.query)
	if err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if e.Query == nil {
			e.Query = map[string]string{}
		}
		e.Query[name] = values.Get(name)
	}
	if c.basic {
		e.Headers["authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(samples.Client+":"+samples.ClientSecret))
	} else if c.token {
		e.Headers["authorization"] = "Bearer " + samples.Token
	} else if !c.keyless {
		e.Headers["authorization"] = "Bearer " + samples.Secret
		e.Headers["x-stainless-lang"] = "js"
		e.Headers["x-stainless-retry-count"] = "0"
	}
	if c.match != "" {
		e.Headers["if-match"] = c.match
	}
	c.body(t, &e)
	e.Headers["content-length"] = strconv.Itoa(c.length(e))
	e.RequestContext = gatewayContext{
		AccountID: samples.Account, APIID: sampleAPI, DomainName: sampleHost, DomainPrefix: sampleAPI,
		HTTP:      gatewayHTTP{method, path, "HTTP/1.1", "203.0.113.7", sampleAgent},
		RequestID: "XwNfHj2JoAMEPjQ=", RouteKey: c.route, Stage: "$default",
		Time: samples.Now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: samples.Now.UnixMilli(),
	}
	return e
}

func (c call) body(t *testing.T, e *gatewayEvent) {
	t.Helper()
	if c.json != nil {
		e.Headers["content-type"] = "application/json"
		var compact bytes.Buffer
		if err := json.Compact(&compact, encode(t, c.json)); err != nil {
			t.Fatal(err)
		}
		e.Body = compact.String()
	}
	if c.form {
		e.Headers["content-type"] = "multipart/form-data; boundary=" + boundary
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(form(t)), true
	}
}

func (c call) length(e gatewayEvent) int {
	if !e.IsBase64Encoded {
		return len(e.Body)
	}
	b, _ := base64.StdEncoding.DecodeString(e.Body)
	return len(b)
}

const boundary = "----sample-boundary"

// form is the direct upload as the published client sends it: fields before and after the file.
func form(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.SetBoundary(boundary))
	check(w.WriteField("workspace_id", samples.Workspace))
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="sunset.png"`}, "Content-Type": {"image/png"},
	})
	check(err)
	_, err = part.Write(samples.Picture())
	check(err)
	check(w.WriteField("file_name", "sunset.png"))
	check(w.Close())
	return b.Bytes()
}

func md5Hex(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// objectCreated is S3's notification of a version of an asset's bytes, event structure 2.1.
func objectCreated(a asset.Asset, body []byte, version string) any {
	return m{"Records": []any{m{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": samples.Now.Format("2006-01-02T15:04:05.000Z"),
		"eventName":         "ObjectCreated:Post",
		"userIdentity":      m{"principalId": "AWS:AROAEXAMPLEEXAMPLE:assetry-AssetsCreateFunction"},
		"requestParameters": m{"sourceIPAddress": "203.0.113.7"},
		"responseElements":  m{"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},
		"s3": m{
			"s3SchemaVersion": "1.0", "configurationId": "sources",
			"bucket": m{"name": samples.Bucket, "ownerIdentity": m{"principalId": "A3NL1KOZZKExample"}, "arn": "arn:aws:s3:::" + samples.Bucket},
			"object": m{
				"key": a.Source().Key(), "size": len(body), "eTag": md5Hex(body),
				"versionId": version, "sequencer": "0066E4C1A8B2D7F301",
			},
		},
	}}}
}

// batch is what the table's stream sends of changes.
func batch(changes ...table.Change) any {
	var e events.DynamoDBEvent
	for i, c := range changes {
		c.At, c.Seq = samples.Now, fmt.Sprintf("4421584500000000017450439%03d", i+1)
		r := stream.Encode(c)
		r.EventID, r.AWSRegion = md5Hex([]byte(c.Seq)), "us-east-1"
		r.EventSourceArn = "arn:aws:dynamodb:us-east-1:" + samples.Account + ":table/assetry-Table/stream/2026-01-05T09:00:00.000"
		e.Records = append(e.Records, r)
	}
	return e
}

func changed(from, to asset.Asset) table.Change {
	return table.Change{Key: from.Key(), Old: from.Row(), New: to.Row()}
}

// published are changes that mean something to others: an asset got ready, one failed, one was deleted.
func published() any {
	ready, failed := scene.Poster(), scene.Poster()
	ready.Version, ready.State, ready.Type, ready.Size = 2, asset.Ready, "image/png", int64(len(samples.Picture()))
	ready.Width, ready.Height, ready.ETag, ready.Object = 3, 2, md5Hex(samples.Picture()), samples.PosterVersion
	failed.ID, failed.Name = scene.Draft().ID, scene.Draft().Name
	gone := scene.Holiday(samples.HolidayVersion, md5Hex(samples.Picture()))
	return batch(changed(scene.Poster(), ready), changed(failed, scene.Draft()), table.Change{Key: gone.Key(), Old: gone.Row()})
}

// left are changes that leave something behind: a deleted asset, a retried one, a deleted folder.
func left() any {
	gone, retried := scene.Holiday(samples.HolidayVersion, md5Hex(samples.Picture())), scene.Draft()
	retried.Version, retried.Generation, retried.State, retried.Cause, retried.Failure = 3, 2, asset.Pending, "", ""
	retried.GrantUntil = samples.Now.Add(15 * time.Minute)
	f := folder.Folder{ID: samples.FolderID, Workspace: samples.WorkspaceID}
	k := schema.FolderKey(f.Workspace, f.ID)
	old := samples.Row(k, table.Item{schema.Name: table.String("Campaign"), schema.CreatedBy: table.String(samples.Key), schema.Version: table.Int(1)})
	return batch(table.Change{Key: gone.Key(), Old: gone.Row()}, changed(scene.Draft(), retried), table.Change{Key: k, Old: old})
}

// happened are messages of the queue that a rule of the bus feeds for webhooks: an asset got ready, and one failed, which the sample webhook
// does not want.
func happened() any {
	ready := scene.Holiday(samples.HolidayVersion, md5Hex(samples.Picture()))
	var records []any
	for _, c := range []table.Change{changed(scene.Poster(), ready), changed(scene.Poster(), scene.Draft())} {
		e, _, err := bus.FromChange(table.Change{Key: c.Key, Old: c.Old, New: c.New, At: samples.Now})
		if err != nil {
			panic(err)
		}
		body, err := json.Marshal(m{
			"version": "0", "id": md5Hex([]byte(e.Detail.ID)), "detail-type": e.Type, "source": bus.Source, "account": samples.Account,
			"time": "2026-01-15T12:10:00Z", "region": "us-east-1", "resources": []string{}, "detail": e.Detail,
		})
		if err != nil {
			panic(err)
		}
		records = append(records, m{
			"messageId": md5Hex(body), "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a", "body": string(body),
			"attributes":        m{"ApproximateReceiveCount": "1", "SentTimestamp": strconv.FormatInt(samples.Now.UnixMilli(), 10)},
			"messageAttributes": m{}, "md5OfBody": md5Hex(body), "eventSource": "aws:sqs", "awsRegion": "us-east-1",
			"eventSourceARN": "arn:aws:sqs:us-east-1:" + samples.Account + ":assetry-WebhookEvents",
		})
	}
	return m{"Records": records}
}

// imported is a message of the queue of imports.
func imported(t *testing.T) any {
	return requested(t, scene.StockRow(""), "ImportQueue")
}

// requested is a message of a queue of workers: what the rule of the bus makes of a row that asks for one.
func requested(t *testing.T, row table.Item, queue string) any {
	t.Helper()
	e, ok, err := bus.FromChange(table.Change{Key: row.Key(), New: row, At: samples.Now, Seq: "1"})
	if err != nil || !ok {
		t.Fatalf("row %s asks for no worker: %v", row.Key(), err)
	}
	body, err := json.Marshal(m{
		"version": "0", "id": "0d6a1f1e-5f0c-4f8e-9a51-1f0f6a0e9c11", "detail-type": e.Type, "source": bus.Source, "account": samples.Account,
		"time": "2026-01-15T12:10:00Z", "region": "us-east-1", "resources": []string{}, "detail": e.Detail,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m{"Records": []any{m{
		"messageId": "19dd0b57-b21e-4ac1-bd88-01bbb068cb78", "receiptHandle": "MessageReceiptHandle", "body": string(body), "md5OfBody": md5Hex(body),
		"attributes": m{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1768479000000", "SenderId": "AIDAEXAMPLEEXAMPLE", "ApproximateFirstReceiveTimestamp": "1768479000010",
		},
		"messageAttributes": m{}, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:" + samples.Account + ":assetry-" + queue, "awsRegion": "us-east-1",
	}}}
}

func schedule(rule string) any {
	return m{
		"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event", "source": "aws.events",
		"account": samples.Account, "time": "2026-01-15T14:00:00Z", "region": "us-east-1",
		"resources": []string{"arn:aws:events:us-east-1:" + samples.Account + ":rule/assetry-" + rule}, "detail": m{},
	}
}

// sampleEvents are all sample events, by their files.
func sampleEvents(t *testing.T) map[string]any {
	t.Helper()
	all := map[string]any{
		"on-object-created":          objectCreated(scene.Poster(), samples.Picture(), samples.PosterVersion),
		"on-object-created-replayed": objectCreated(scene.Holiday("", ""), samples.Other(), samples.OtherVersion),
		"stream-publish":             published(), "stream-cleanup": left(), "sweep": schedule("SweepFunctionEveryFiveMinutes"),
		"on-webhook-event": happened(), "webhook-retries": schedule("WebhookRetriesFunctionEveryMinute"),
		"on-import-requested": imported(t),
		"work-order":          requested(t, scene.WorkRow(), "OrderQueue"), "orders-sweep": schedule("OrdersSweepFunctionEveryMinute"),
	}
	for _, c := range calls {
		all[c.file] = c.event(t)
	}
	return all
}

func TestEverySampleEventIsTested(t *testing.T) {
	all := sampleEvents(t)
	files, err := filepath.Glob(filepath.Join(root, "events", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".json"); all[name] == nil {
			t.Errorf("events/%s.json is not made by samples_test.go and so by no test: describe it there", name)
		}
	}
}

// encode is indented JSON with < and > as they are.
func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// golden compares a file, by its path below the root, with what it should hold; -update writes it.
func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	full := filepath.Join(root, path)
	if *update {
		if err := os.WriteFile(full, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(full)
	if err != nil {
		t.Errorf("%v; write it with `go test ./infra/house -update` and read it in review", err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the test makes; see it with `go test ./infra/house -update` and git diff:\n%s", path, diff(string(got), string(want)))
	}
}
