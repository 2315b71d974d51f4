package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/secret"
)

// maxRequest is more than EventBridge takes in one request, 256 KiB.
const maxRequest = 1 << 20

// cloud is as much of EventBridge and Secrets Manager as functions call: it keeps published events by their bus, and gives out one root key
// under any name.
type cloud struct {
	root     secret.Root
	listener net.Listener
	server   *http.Server

	mu        sync.Mutex
	published map[string][]bus.Event
}

// newCloud serves on a free port of an address.
func newCloud(address string, root secret.Root) (*cloud, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	c := &cloud{root: root, listener: l, published: map[string][]bus.Event{}}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = c.server.Serve(l) }() // until close
	return c, nil
}

func (c *cloud) url() string { return "http://" + c.listener.Addr().String() }

func (c *cloud) close() { _ = c.server.Close() }

// events are those that were published on a bus.
func (c *cloud) events(name string) []bus.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.published[name]
}

// ServeHTTP answers as AWS's JSON protocol does.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any
	var err error
	body := http.MaxBytesReader(w, r.Body, maxRequest)
	switch target := r.Header.Get("X-Amz-Target"); target {
	case "secretsmanager.GetSecretValue":
		answer = map[string]any{"ARN": "arn:aws:secretsmanager:" + region + ":000000000000:secret:root", "Name": "root", "SecretString": c.root.Encode()}
	case "AWSEvents.PutEvents":
		answer, err = c.put(json.NewDecoder(body))
	default:
		err = fmt.Errorf("%q is not served here", target)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]any{"__type": "ValidationException", "message": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone needs no answer
}

func (c *cloud) put(body *json.Decoder) (any, error) {
	var request struct {
		Entries []struct {
			EventBusName, Source, DetailType, Detail string
			Time                                     float64
		}
	}
	if err := body.Decode(&request); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]map[string]string, 0, len(request.Entries))
	for i, entry := range request.Entries {
		e := bus.Event{Type: bus.Type(entry.DetailType), Time: time.UnixMilli(int64(entry.Time * 1000)).UTC()}
		if err := json.Unmarshal([]byte(entry.Detail), &e.Detail); err != nil || entry.Source != bus.Source {
			return nil, fmt.Errorf("entry %d of %s has the detail %q: %v", i, entry.Source, entry.Detail, err)
		}
		c.published[entry.EventBusName] = append(c.published[entry.EventBusName], e)
		ids = append(ids, map[string]string{"EventId": e.Detail.ID})
	}
	return map[string]any{"FailedEntryCount": 0, "Entries": ids}, nil
}
