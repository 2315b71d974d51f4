package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/webhook"
)

// hookURL is where the soak's webhook leads.
const hookURL = "https://receiver.example/assetry"

// receiver is the server of a user: it hears of assets by webhook, and is as unreliable as servers are.
type receiver struct {
	*peril
	*consumer
}

var _ webhook.Sender = (*receiver)(nil)

// Check takes every address.
func (r *receiver) Check(string) error { return nil }

// Send hears a body, and answers, refuses, or says nothing although it heard.
func (r *receiver) Send(_ context.Context, _ string, headers map[string]string, body []byte) (status int, err error) {
	b := r.next("send", headers[webhook.HeaderID])
	switch b {
	case throttle:
		return 503, nil
	case loseCall, dieBefore:
		return 0, errors.New("the receiver does not answer (injected)")
	}
	var in struct {
		Type bus.Type   `json:"type"`
		Data bus.Detail `json:"data"`
	}
	if err := json.Unmarshal(body, &in); err != nil || headers[webhook.HeaderSignature] == "" {
		return 400, fmt.Errorf("a body that is no event, or has no signature: %w", err)
	}
	if err := r.hear(bus.Event{Type: in.Type, Detail: in.Data}); err != nil {
		return 500, err
	}
	if b == loseAnswer || b == dieAfter {
		return 0, errors.New("the receiver did not answer in time (injected)")
	}
	return 204, nil
}
