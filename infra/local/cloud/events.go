package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"
)

// Entry is an event that is put on the bus.
type Entry struct {
	Source, Type string // Type is EventBridge's detail-type
	Time         time.Time
	Resources    []string
	Detail       json.RawMessage // an object
}

// Limits of PutEvents, from its API reference.
const (
	maxEntries     = 10
	maxEntriesSize = 256 << 10 // bytes of all entries
)

// putRequest is a PutEvents request, as far as it is read.
type putRequest struct {
	Entries []putEntry
}

type putEntry struct {
	EventBusName, Source, DetailType, Detail string
	Resources                                []string
	Time                                     *float64 // Unix seconds
}

// putResult is what became of one entry.
type putResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (s *server) putEvents(ctx context.Context, body []byte) (any, error) {
	var in putRequest
	if err := read(body, &in); err != nil {
		return nil, err
	}
	size := 0
	for _, e := range in.Entries {
		size += len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
	}
	switch {
	case len(in.Entries) == 0 || len(in.Entries) > maxEntries:
		return nil, refuse("ValidationException", fmt.Sprintf("%d entries; a request has 1 to %d", len(in.Entries), maxEntries))
	case size > maxEntriesSize:
		return nil, refuse("ValidationException", fmt.Sprintf("total size of the entries in the request is over the limit: %d bytes, at most %d", size, maxEntriesSize))
	}
	var out struct {
		FailedEntryCount int
		Entries          []putResult
	}
	for _, e := range in.Entries {
		r := s.put(ctx, e)
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

// put puts one entry on the bus. The others of its request do not hear of what becomes of it.
func (s *server) put(ctx context.Context, in putEntry) putResult {
	invalid := func(format string, args ...any) putResult {
		return putResult{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf(format, args...)}
	}
	e := Entry{Source: in.Source, Type: in.DetailType, Time: time.Now(), Resources: in.Resources, Detail: json.RawMessage(in.Detail)}
	var object map[string]json.RawMessage
	switch {
	case in.EventBusName != s.Bus && !strings.HasSuffix(in.EventBusName, ":event-bus/"+s.Bus):
		return invalid("there is no event bus %s", brief(in.EventBusName))
	case e.Source == "":
		return invalid("Parameter Source is not valid. Reason: Source is a required argument.")
	case strings.HasPrefix(e.Source, "aws."):
		return putResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case e.Type == "":
		return invalid("Parameter DetailType is not valid. Reason: DetailType is a required argument.")
	case json.Unmarshal(e.Detail, &object) != nil || object == nil:
		return invalid("Parameter Detail is not valid. Reason: Detail is malformed.")
	}
	if in.Time != nil {
		seconds, rest := math.Modf(*in.Time)
		e.Time = time.Unix(int64(seconds), int64(rest*float64(time.Second)))
	}
	id, err := s.Put(ctx, e)
	if err != nil {
		slog.ErrorContext(ctx, "an event was not taken; its sender puts it again", "type", e.Type, "err", err)
		return putResult{ErrorCode: "InternalFailure", ErrorMessage: "the event could not be kept; put it again"}
	}
	return putResult{EventID: id}
}
