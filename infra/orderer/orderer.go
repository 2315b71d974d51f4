// Package orderer is a client of the Orders API for tests: it speaks the wire by hand, with net/http and nothing of the product.
package orderer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Client sends requests under an access token.
type Client struct {
	Origin string // of the API, such as http://127.0.0.1:8080
	Token  string
	HTTP   *http.Client
}

// Order is what tests read of an order.
type Order struct {
	ID           string  `json:"order_id"`
	Status       string  `json:"order_status"`
	Failure      *string `json:"failure_reason"`
	Version      int64   `json:"version"`
	Deliverables []File  `json:"deliverables"`
}

// Ended says that nothing happens to the order by itself any more.
func (o Order) Ended() bool { return o.Status != "UPLOADING" && o.Status != "PROCESSING" }

// File is a deliverable.
type File struct {
	ID   string  `json:"asset_id"`
	Name string  `json:"asset_name"`
	Type string  `json:"content_type"`
	Size float64 `json:"size_bytes"`
}

// Session is what tests read of an upload.
type Session struct {
	Asset  string `json:"asset_id"`
	Status string `json:"upload_status"`
	URL    string `json:"upload_url"`
	Upload string `json:"upload_id"`
	Parts  []struct {
		Number int    `json:"PartNumber"`
		URL    string `json:"signedUrl"`
	} `json:"part_urls"`
}

// Refusal is an error that the API answered.
type Refusal struct {
	Status  int // of HTTP
	Code    string
	Message string
}

// Error says what was refused.
func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

// SignIn gets a token for a client of a workspace.
func SignIn(ctx context.Context, over *http.Client, origin, id, secret string) (*Client, error) {
	c := &Client{Origin: origin, HTTP: over}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	status, body, err := c.send(ctx, "POST", origin+"/v1/authentication/token", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	var said struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &said); err != nil || said.Token == "" {
		return nil, fmt.Errorf("the token endpoint answered %d %s", status, body)
	}
	c.Token = said.Token
	return c, nil
}

func (c *Client) send(ctx context.Context, method, address, kind string, in io.Reader) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, in)
	if err != nil {
		return 0, nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.Token != "" && strings.HasPrefix(address, c.Origin) {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// Vars are the variables of a request.
type Vars = map[string]any

// Ask sends a request of one field and decodes what it answers. The error is a *Refusal where the API refused.
func (c *Client) Ask(ctx context.Context, query string, vars Vars, into any) error {
	request, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return err
	}
	status, body, err := c.send(ctx, "POST", c.Origin+"/v1/graphql", "application/json", bytes.NewReader(request))
	if err != nil {
		return err
	}
	var said struct {
		Data   map[string]json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("%.100s: %d %s: %w", query, status, body, err)
	}
	if len(said.Errors) > 0 {
		return &Refusal{status, said.Errors[0].Extensions.Code, said.Errors[0].Message}
	}
	for _, field := range said.Data {
		return json.Unmarshal(field, into)
	}
	return fmt.Errorf("%.100s: %d without data: %s", query, status, body)
}

// Begin makes an order for scans in metres.
func (c *Client) Begin(ctx context.Context, name string) (o Order, err error) {
	err = c.Ask(ctx, `mutation ($name: String!) {
		initializeOrder(order_name: $name, product: "areaplan", model_units: "METRIC") { order_id order_status version }
	}`, Vars{"name": name}, &o)
	return o, err
}

// Upload begins an input of an order, by the arguments of initializeUpload beside order_id and asset_type.
func (c *Client) Upload(ctx context.Context, order, arguments string) (s Session, err error) {
	err = c.Ask(ctx, `mutation ($order: ID!) {
		initializeUpload(order_id: $order, asset_type: "xyz", `+arguments+`) { asset_id upload_status upload_url upload_id part_urls }
	}`, Vars{"order": order}, &s)
	return s, err
}

// Put sends bytes to an address of the bucket with no header beside their length.
func (c *Client) Put(ctx context.Context, address string, scan []byte) error {
	status, body, err := c.send(ctx, "PUT", address, "", bytes.NewReader(scan))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the bucket answered %d %s", status, body)
	}
	return err
}

// Finish says that the bytes of an input are there.
func (c *Client) Finish(ctx context.Context, asset string) (s Session, err error) {
	err = c.Ask(ctx, `mutation ($id: ID!) { finalizeUpload(asset_id: $id) { asset_id upload_status } }`, Vars{"id": asset}, &s)
	return s, err
}

// Submit finalizes an order.
func (c *Client) Submit(ctx context.Context, order string) (o Order, err error) {
	err = c.Ask(ctx, `mutation ($id: ID!) { finalizeOrder(order_id: $id) { order_id order_status version } }`, Vars{"id": order}, &o)
	return o, err
}

// Order makes an order of one scan, sends it in one PUT, and submits it.
func (c *Client) Order(ctx context.Context, name string, scan []byte) (Order, error) {
	o, err := c.Begin(ctx, name)
	if err != nil {
		return o, err
	}
	s, err := c.Upload(ctx, o.ID, `upload_type: "single"`)
	if err == nil {
		err = c.Put(ctx, s.URL, scan)
	}
	if err == nil {
		s, err = c.Finish(ctx, s.Asset)
	}
	if err == nil && s.Status != "ready" {
		err = errors.New("the scan is " + s.Status)
	}
	if err != nil {
		return o, err
	}
	return c.Submit(ctx, o.ID)
}

// Look reads an order with what it delivers.
func (c *Client) Look(ctx context.Context, order string) (o Order, err error) {
	err = c.Ask(ctx, `query ($id: ID!) {
		order(order_id: $id) { order_id order_status failure_reason version deliverables { asset_id asset_name content_type size_bytes } }
	}`, Vars{"id": order}, &o)
	return o, err
}

// Download reads an asset by a download link.
func (c *Client) Download(ctx context.Context, asset string) ([]byte, error) {
	var got struct {
		URL string `json:"download_url"`
	}
	if err := c.Ask(ctx, `mutation ($id: ID!) { initializeDownload(asset_id: $id) { download_url } }`, Vars{"id": asset}, &got); err != nil {
		return nil, err
	}
	bare := &Client{HTTP: c.HTTP}
	status, body, err := bare.send(ctx, "GET", got.URL, "", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the link of %s gives %d", asset, status)
	}
	return body, err
}
