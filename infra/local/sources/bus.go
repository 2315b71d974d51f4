package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Bus is an event bus: a file that logs every event, one line of JSON each, and rules that lead events on.
type Bus struct {
	place Place
	mu    sync.Mutex
	file  *os.File
	rules []Rule
}

// Rule leads events that match to targets.
type Rule struct {
	Pattern Matcher
	Targets []Target
}

// Target takes an event as EventBridge delivers it, in JSON: a Queue, or a function by way of Async.
type Target interface {
	Deliver(ctx context.Context, event []byte) error
}

// Deliver puts an event of a bus on the queue.
func (q *Queue) Deliver(ctx context.Context, event []byte) error { return q.Put(ctx, string(event)) }

// Deliver has the function invoked with an event of a bus.
func (a *Async) Deliver(ctx context.Context, event []byte) error { return a.Put(ctx, event) }

// Event is what is put on a bus.
type Event struct {
	Source, Type string // Type is EventBridge's detail-type
	Time         time.Time
	Resources    []string
	Detail       json.RawMessage // an object
}

// envelope is the outside of every event on EventBridge (its documented event structure).
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"` // whole seconds, as EventBridge has it
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// OpenBus opens the log at path, and makes it when it is absent.
func OpenBus(path string, p Place) (*Bus, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Bus{place: p, file: f}, nil
}

// Rules sets the rules. It is called before the first event.
func (b *Bus) Rules(rs ...Rule) { b.rules = rs }

// Put logs an event and leads it to the targets whose rules want it. It gives the id that the event has from then on. After an error some of
// that may have happened, and the event may be put again.
func (b *Bus) Put(ctx context.Context, e Event) (id string, err error) {
	if e.Resources == nil {
		e.Resources = []string{}
	}
	id = uuid.NewString()
	line, err := json.Marshal(envelope{
		Version: "0", ID: id, DetailType: e.Type, Source: e.Source, Account: b.place.Account,
		Time: e.Time.UTC().Format(time.RFC3339), Region: b.place.Region, Resources: e.Resources, Detail: e.Detail,
	})
	if err != nil {
		return "", fmt.Errorf("event %s of %s: %w", e.Type, e.Source, err)
	}
	var decoded any
	if err := json.Unmarshal(line, &decoded); err != nil {
		return "", err
	}
	if err := b.log(line); err != nil {
		return "", err
	}
	for _, r := range b.rules {
		if !r.Pattern.Matches(decoded) {
			continue
		}
		for _, t := range r.Targets {
			err = errors.Join(err, t.Deliver(ctx, line))
		}
	}
	return id, err
}

func (b *Bus) log(line []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err := b.file.Write(append(line[:len(line):len(line)], '\n'))
	return err
}

// Close closes the log. What is put afterwards fails.
func (b *Bus) Close() error { return b.file.Close() }
