package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"
)

// requestLimit is how long one request may take, on a busy machine.
const requestLimit = 30 * time.Second

// client speaks to the local stack over connections that it keeps.
type client struct {
	place
	http *http.Client
}

func newClient(p place, connections int) *client {
	return &client{p, &http.Client{
		Timeout:   requestLimit,
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * connections},
	}}
}

// created is what the benchmark reads of an answer about one asset.
type created struct {
	ID     string `json:"asset_id"`
	Status string `json:"status"`
	URL    string `json:"url"`
	Upload *struct {
		URL    string            `json:"url"`
		Fields map[string]string `json:"form_fields"`
	} `json:"upload"`
}

// send sends a request and reads the whole answer, which has to have the status.
func (c *client) send(ctx context.Context, method, address, contentType string, body []byte, status int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	return c.do(req, status)
}

func (c *client) do(req *http.Request, status int) ([]byte, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != status {
		return nil, fmt.Errorf("%s %s answered %d %s, want %d", req.Method, req.URL.Path, res.StatusCode, got, status)
	}
	return got, nil
}

// create announces an asset.
func (c *client) create(ctx context.Context) (created, error) {
	body, err := json.Marshal(draftOf(c.Workspace))
	if err != nil {
		return created{}, err
	}
	answer, err := c.send(ctx, http.MethodPost, c.API+"/api/v1/assets", "application/json", body, http.StatusCreated)
	if err != nil {
		return created{}, err
	}
	var a created
	return a, json.Unmarshal(answer, &a)
}

// retrieve reads an asset.
func (c *client) retrieve(ctx context.Context, id string) (created, error) {
	answer, err := c.send(ctx, http.MethodGet, c.API+"/api/v1/assets/"+id, "", nil, http.StatusOK)
	if err != nil {
		return created{}, err
	}
	var a created
	return a, json.Unmarshal(answer, &a)
}

// list reads the first page of a list.
func (c *client) list(ctx context.Context, limit int) error {
	_, err := c.send(ctx, http.MethodGet, fmt.Sprintf("%s/api/v1/assets?limit=%d", c.API, limit), "", nil, http.StatusOK)
	return err
}

// direct creates an asset with its bytes in the request.
func (c *client) direct(ctx context.Context, file []byte) error {
	contentType, body := form(map[string]string{"workspace_id": c.Workspace}, file)
	_, err := c.send(ctx, http.MethodPost, c.API+"/api/v1/assets", contentType, body, http.StatusCreated)
	return err
}

// upload sends the signed form of an asset to the bucket, which knows no API key.
func (c *client) upload(ctx context.Context, a created, file []byte) error {
	if a.Upload == nil {
		return fmt.Errorf("asset %s was granted no upload", a.ID)
	}
	contentType, body := form(a.Upload.Fields, file)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Upload.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	_, err = c.do(req, http.StatusNoContent)
	return err
}

// form encodes a multipart form, its file last.
func form(fields map[string]string, file []byte) (contentType string, body []byte) {
	var b bytes.Buffer // takes everything, so no error below can happen
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	part, _ := w.CreatePart(map[string][]string{
		"Content-Disposition": {`form-data; name="file"; filename="picture.png"`}, "Content-Type": {"image/png"},
	})
	_, _ = part.Write(file)
	_ = w.Close()
	return w.FormDataContentType(), b.Bytes()
}
