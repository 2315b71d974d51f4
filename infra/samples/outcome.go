package samples

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/bus"
	"github.com/assetry/assetry/shared/table"
)

// longBody is how much of a body is shown whole, in bytes.
const longBody = 8000

// Outcome is what came of an event: the function's answer, and what it did.
type Outcome struct {
	Answer   []byte // as the function gave it to Lambda
	Err      error  // the function's, instead of an answer
	Changes  []table.Change
	Events   []bus.Event
	Posts    []string // what receivers of webhooks were sent
	Versions []blob.Version
}

// String tells the outcome, for golden files.
func (o Outcome) String() string {
	var out bytes.Buffer
	o.tellAnswer(&out)
	title(&out, "written", len(o.Changes))
	for _, c := range o.Changes {
		tellChange(&out, c)
	}
	title(&out, "published", len(o.Events))
	for _, e := range o.Events {
		fmt.Fprintf(&out, "%s %s", e.Type, indented(e.Detail))
	}
	if len(o.Posts) > 0 {
		title(&out, "sent to webhooks", len(o.Posts))
		for _, post := range o.Posts {
			fmt.Fprintf(&out, "%s\n", post)
		}
	}
	title(&out, "in the bucket", len(o.Versions))
	bySize := func(a, b blob.Version) int { return cmp.Compare(a.Size, b.Size) } // keys of what was made differ from run to run
	for _, v := range slices.SortedStableFunc(slices.Values(o.Versions), bySize) {
		fmt.Fprintf(&out, "%s version %s, %d bytes\n", v.Key, v.Version, v.Size)
	}
	return out.String()
}

func (o Outcome) tellAnswer(out *bytes.Buffer) {
	if o.Err != nil {
		fmt.Fprintf(out, "error: %v\n", o.Err)
		return
	}
	var answer events.APIGatewayV2HTTPResponse
	if json.Unmarshal(o.Answer, &answer) != nil || answer.StatusCode == 0 {
		var plain bytes.Buffer
		if json.Compact(&plain, o.Answer) != nil { // whoever passed it on may have spaced it
			plain.Write(o.Answer)
		}
		fmt.Fprintf(out, "answer: %s\n", &plain)
		return
	}
	fmt.Fprintf(out, "%d\n", answer.StatusCode)
	headers := http.Header{}
	for name, value := range answer.Headers {
		headers.Set(name, value)
	}
	for name, values := range answer.MultiValueHeaders {
		headers.Set(name, strings.Join(values, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(out, "%s: %s\n", name, headers.Get(name))
	}
	var body bytes.Buffer
	if json.Indent(&body, []byte(answer.Body), "", "  ") != nil {
		body.WriteString(answer.Body)
	}
	if body.Len() > longBody {
		fmt.Fprintf(out, "\n%.200s\n... and %t JSON\n", body.String(), json.Valid([]byte(answer.Body)))
		return
	}
	fmt.Fprintf(out, "\n%s\n", strings.TrimSpace(body.String()))
}

func title(out *bytes.Buffer, what string, n int) {
	if n == 0 {
		fmt.Fprintf(out, "\n%s: nothing\n", what)
		return
	}
	fmt.Fprintf(out, "\n%s:\n", what)
}

func tellChange(out *bytes.Buffer, c table.Change) {
	verb := "change"
	if c.Old == nil {
		verb = "insert"
	}
	if c.New == nil {
		fmt.Fprintf(out, "remove %s\n", c.Key)
		return
	}
	fmt.Fprintf(out, "%s %s\n", verb, c.Key)
	attributes := maps.Clone(c.New)
	maps.Copy(attributes, c.Old)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		was, is := c.Old[name], c.New[name]
		switch {
		case name == table.AttrPK || name == table.AttrSK || table.Equal(was, is):
		case was == nil:
			fmt.Fprintf(out, "    %s: %v\n", name, is)
		default:
			fmt.Fprintf(out, "    %s: %v, was %v\n", name, is, was)
		}
	}
}

// indented is JSON with < and > as they are.
func indented(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // of plain structs
	}
	return b.Bytes()
}
