package versity

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
)

// envChild marks the environment of a child. Its value carries no secret: the settings come over the pipe.
const envChild = "ASSETRY_LOCAL_S3_CHILD"

// settings is the first line a child reads.
type settings struct {
	Dir, Addr, AccessKey, SecretKey, Region string
	Accounts                                map[string]string
}

// toChild is every later line: the acknowledgement of one event.
type toChild struct {
	Ack uint64 `json:"ack"`
}

// toParent is one line from the child. Exactly one of Listening, Failure and Event is set.
type toParent struct {
	Listening string `json:"listening,omitempty"` // host:port, once requests are answered
	Failure   string `json:"failure,omitempty"`   // why it will not start
	InUse     bool   `json:"in_use,omitempty"`    // with Failure: the address is taken
	Event     *Event `json:"event,omitempty"`
	ID        uint64 `json:"id,omitempty"` // of the event; what Ack names
}

// lines writes values as lines of JSON, safe for concurrent use.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) send(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err = l.w.Write(append(b, '\n'))
	return err
}

// receive calls f with every line of r until it ends or f fails.
func receive[T any](r io.Reader, f func(T) error) error {
	d := json.NewDecoder(bufio.NewReader(r))
	for {
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		if err := f(v); err != nil {
			return err
		}
	}
}
