package media

import (
	"bytes"
	"context"
)

// JSON is the content type of reports. It is none of Types: nothing in the bytes shows it, and clients cannot announce it; only what the product
// makes itself is of it. See InspectJSON.
const JSON = "application/json"

// jsonEdge is how many bytes at either end of a document are looked at for what stands there beside white space.
const jsonEdge = 1 << 10

// InspectJSON makes sure that an object which was announced as JSON is an object or an array of it that was not cut off. Its inside is not read.
// The errors are those of Inspect.
func InspectJSON(ctx context.Context, s Source) (Info, error) {
	r := newReader(ctx, s)
	head, err := r.upTo(0, min(jsonEdge, s.Size))
	if err != nil {
		return Info{}, err
	}
	tail, _, err := r.tail(jsonEdge, 0)
	if err != nil {
		return Info{}, err
	}
	const space = " \t\r\n" // RFC 8259, 2
	head, tail = bytes.TrimLeft(head, space), bytes.TrimRight(tail, space)
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return Info{}, &Rejected{"The file was announced as JSON, but it is neither an object nor an array of it."}
	}
	if len(tail) == 0 || tail[len(tail)-1] != head[0]+2 { // in ASCII each closing bracket is two behind its opening one
		return Info{}, incomplete("JSON", "its last bracket is missing")
	}
	return Info{Type: JSON}, nil
}
