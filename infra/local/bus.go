package main

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/assetry/assetry/shared/bus"
)

// eventLog is the event bus of the local stack: one line of JSON an event, as EventBridge would hand it to a rule's target.
type eventLog struct {
	mu   sync.Mutex
	file *os.File
}

var _ bus.Publisher = (*eventLog)(nil)

// envelope is the outside of every event on EventBridge (its documented event structure).
type envelope struct {
	Version    string     `json:"version"`
	ID         string     `json:"id"`
	DetailType bus.Type   `json:"detail-type"`
	Source     string     `json:"source"`
	Account    string     `json:"account"`
	Time       string     `json:"time"`
	Region     string     `json:"region"`
	Resources  []string   `json:"resources"`
	Detail     bus.Detail `json:"detail"`
}

func openEventLog(path string) (*eventLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &eventLog{file: f}, nil
}

// Publish appends the events.
func (l *eventLog) Publish(_ context.Context, events []bus.Event) (failed []int, err error) {
	var lines []byte
	for _, e := range events {
		b, err := json.Marshal(envelope{
			Version: "0", ID: e.Detail.ID, DetailType: e.Type, Source: bus.Source, Account: localAccount,
			Time: e.Time.UTC().Format(time.RFC3339), Region: localRegion, Resources: []string{}, Detail: e.Detail,
		})
		if err != nil {
			return nil, err
		}
		lines = append(append(lines, b...), '\n')
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.Write(lines); err != nil {
		for i := range events {
			failed = append(failed, i)
		}
		return failed, err
	}
	return nil, nil
}

func (l *eventLog) close() { _ = l.file.Close() }
