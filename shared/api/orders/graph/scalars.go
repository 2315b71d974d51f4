package graph

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// timeLayout is RFC 3339 in UTC to the millisecond, which is what ids keep.
const timeLayout = "2006-01-02T15:04:05.000Z"

// MarshalDateTime writes a moment.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { write(w, t.UTC().AppendFormat(nil, `"`+timeLayout+`"`)) })
}

// UnmarshalDateTime reads a moment as RFC 3339 writes it. No argument has one.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, errors.New("is no string; it takes a moment as RFC 3339 writes it")
	}
	return time.Parse(time.RFC3339, s)
}

// JSON is any value, as text.
type JSON json.RawMessage

// MarshalGQL writes the text.
func (j JSON) MarshalGQL(w io.Writer) { write(w, j) }

// UnmarshalGQL takes a literal or a variable. Numbers of variables keep their digits.
func (j *JSON) UnmarshalGQL(v any) error {
	text, err := json.Marshal(v)
	*j = text
	return err
}

// PartURL is where the bytes of one part go.
type PartURL struct {
	Number int // from 1
	URL    string
}

// MarshalGQL writes {"PartNumber": 1, "signedUrl": "..."}. An answer may have 10,000 of them, so that they are written straight away.
func (p PartURL) MarshalGQL(w io.Writer) {
	b := make([]byte, 0, len(p.URL)+48)
	b = append(b, `{"PartNumber":`...)
	b = strconv.AppendInt(b, int64(p.Number), 10)
	b = append(b, `,"signedUrl":`...)
	b = appendString(b, p.URL)
	write(w, append(b, '}'))
}

// UnmarshalGQL refuses every value: no argument is a part's URL.
func (p *PartURL) UnmarshalGQL(any) error { return errors.New("is only ever answered") }

// appendString adds a string of JSON. Signed URLs need no escapes.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// write writes to the executor's buffer, which takes everything.
func write(w io.Writer, b []byte) { _, _ = w.Write(b) }
