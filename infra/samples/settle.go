package samples

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Payload is the event of a file for this world: with its bucket and the versions that it gave, and the times, ids and links of its time.
func (w *World) Payload(event []byte) []byte {
	for real, sample := range w.versions {
		event = bytes.ReplaceAll(event, []byte(sample), []byte(real))
	}
	if w.BucketName != "" {
		event = bytes.ReplaceAll(event, []byte(Bucket), []byte(w.BucketName))
	}
	event = bytes.ReplaceAll(event, []byte(At(Now).Link()), []byte(w.Link()))
	event = bytes.ReplaceAll(event, []byte(At(Now).ForgedLink()), []byte(w.ForgedLink()))
	for _, name := range movedIDs {
		event = bytes.ReplaceAll(event, []byte(name), []byte(w.id(name)))
	}
	event = unixTime.ReplaceAllFunc(event, w.movedUnix)
	return textTime.ReplaceAllFunc(event, w.movedText)
}

// The spellings of times in events: of the hours around Now, in seconds, milliseconds and words.
var (
	unixTime = regexp.MustCompile(`\b1768[0-9]{6}([0-9]{3})?\b`)
	textTime = regexp.MustCompile(`\b2026-01-15T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z`)
)

func (s Scene) movedUnix(number []byte) []byte {
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return number
	}
	unit := time.Second
	if len(number) > len("1768000000") {
		unit = time.Millisecond
	}
	return strconv.AppendInt(nil, n+int64(s.now.Sub(Now)/unit), 10)
}

func (s Scene) movedText(text []byte) []byte {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return text
	}
	form := "2006-01-02T15:04:05Z"
	if len(text) > len(form) {
		form = "2006-01-02T15:04:05.000Z"
	}
	return t.Add(s.now.Sub(Now)).AppendFormat(nil, form)
}

// pattern is something that differs from run to run, and what results call it.
type pattern struct {
	finds   *regexp.Regexp
	instead string
}

func find(expression, instead string) pattern {
	return pattern{regexp.MustCompile(expression), instead}
}

var volatile = []pattern{
	find(`worker: (<nil>, was )?[A-Z2-7]{26}`, "worker: $1(token)"),
	find(`X-Amz-Signature=[0-9a-f]{64}`, "X-Amz-Signature=(signature)"),
	find(`"x-amz-signature": "[0-9a-f]{64}"`, `"x-amz-signature": "(signature)"`),
	find(`"policy": "[A-Za-z0-9+/=]+"`, `"policy": "(policy)"`),
	find(`"version": "[^"]+",(\s+)"commit": "[^"]+"`, `"version": "(build)",$1"commit": "(commit)"`),
	find(`"next_cursor": "[^"]+"`, `"next_cursor": "(sealed)"`),
	find(`/l/[A-Za-z0-9_-]{60,}`, "/l/(token)"),
	find(`(w/ws_[0-9a-f-]+)/[0-9a-f]{2}/\(new`, "$1/(byte)/(new"),
	find(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`, "(upload)"), // version 4: the bucket's
	find(`"secret": "whsec_[A-Za-z0-9+/=]{44}"`, `"secret": "whsec_(secret)"`),
	find(`"access_token": "at_live_[0-9A-Za-z]{49}"`, `"access_token": "at_live_(token)"`),
	find(`token#[0-9a-f]{64}`, "token#(hash)"),
	find(`webhook-due#[0-9a-f]`, "webhook-due#(shard)"),
	find(`(claims: |due_seq: |holder: [^#\n]*#|Z#[^#\n]*#)[0-9]+\b`, "$1(claim)"),
	find(`\b[0-9A-HJKMNP-TV-Z]{26}\b`, "(version)"),
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// Settle gives what differs from run to run a name: addresses, versions, ids that were drawn, signatures. Sample things get the names that
// events call them by.
func (w *World) Settle(s string) string {
	s = strings.ReplaceAll(s, w.BucketURL, "https://"+Bucket+".s3.amazonaws.com")
	for real, sample := range w.versions {
		s = strings.ReplaceAll(s, real, sample)
	}
	for _, name := range movedIDs {
		s = strings.ReplaceAll(s, w.id(name), name)
	}
	drawn := map[string]string{}
	s = uuid.ReplaceAllStringFunc(s, func(u string) string {
		if slices.ContainsFunc(knownIDs, func(k string) bool { return strings.HasSuffix(k, u) }) {
			return u
		}
		if drawn[u] == "" {
			drawn[u] = fmt.Sprintf("(new %d)", len(drawn)+1)
		}
		return drawn[u]
	})
	return replace(s, volatile)
}

// times are all ways in which results spell a time, and how long something took.
var times = []pattern{
	find(`\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}(:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z)?`, "(time)"),
	find(`\b20[0-9]{6}T[0-9]{6}Z`, "(time)"),
	find(`(/|%2F)20[0-9]{6}(/|%2F)`, "$1(day)$2"),
	find(`\b1[789][0-9]{8}([0-9]{3})?\b`, "(time)"),
	find(`(took: |"duration_ms": )[0-9]+(, was [0-9]+)?`, "$1(duration)"),
	find(`X-Amz-Expires=[0-9]+`, "X-Amz-Expires=(duration)"),
	find(`due#\(time\)#[0-9a-f]`, "due#(time)#(shard)"),
	find(`etag: [0-9a-f]{32}`, "etag: (of bytes)"), // reports name things by their ids, which move with the time
}

// Timeless gives every time in a settled result one name, so that results of worlds at different times compare.
func Timeless(s string) string { return replace(s, times) }

func replace(s string, ps []pattern) string {
	for _, p := range ps {
		s = p.finds.ReplaceAllString(s, p.instead)
	}
	return s
}
