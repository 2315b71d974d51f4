package house

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/api/assets/routes"
	"github.com/assetry/assetry/shared/api/fallback"
	"github.com/assetry/assetry/shared/api/links"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/table"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/importing"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/trigger/webhooks"
)

func diff(got, want string) string {
	return cmp.Diff(strings.Split(got, "\n"), strings.Split(want, "\n"))
}

// handler is what the main of a function gives to Lambda.
func handler(t *testing.T, function string, w *world) any {
	t.Helper()
	byName := map[string]http.Handler{links.Function: links.Open(w), "fallback": fallback.Handler()}
	for _, r := range routes.Routes(w) {
		byName[r.Function] = r.Handler
	}
	if h, ok := byName[function]; ok {
		return web.Invoke(h)
	}
	switch function {
	case "on-object-created":
		return object.Handler(w)
	case "stream-publish":
		return change.Publish(w)
	case "stream-cleanup":
		return change.CleanUp(w)
	case "on-import-requested":
		return importing.Handler(w)
	case "sweep":
		return sweep.Handler(w)
	case "on-webhook-event":
		return webhooks.Handler(w)
	case "webhook-retries":
		return webhooks.Retries(w)
	}
	t.Fatalf("function %s has no handler here", function)
	return nil
}

// before is what happens in the world of a sample event before the event comes.
var before = map[string]func(*world, *testing.T){
	"assets-complete":            (*world).posterArrives,
	"assets-complete-parts":      (*world).reelBegins,
	"assets-parts-sign":          (*world).reelBegins,
	"assets-parts-list":          (*world).reelBegins,
	"on-object-created":          (*world).posterArrives,
	"on-import-requested":        (*world).stockIsAnnounced,
	"on-object-created-replayed": (*world).holidayIsReplaced,
	"webhook-retries":            (*world).deliveryIsDue,
}

// Each sample event goes through its function's handler as Lambda would hand it over, and the golden file says what came of it: the answer, what
// was written, what was published, what the bucket holds. What it called is held against its role.
func TestSampleEventsAreAnswered(t *testing.T) {
	names := functions(t)
	all := samples(t)
	for _, file := range slices.Sorted(maps.Keys(all)) {
		t.Run(file, func(t *testing.T) {
			at := sampleNow
			if file == "sweep" {
				at = time.Date(2026, 1, 15, 14, 0, 0, 0, time.UTC)
			}
			w := newWorld(t, at)
			if prepare, ok := before[file]; ok {
				prepare(w, t)
			}
			golden(t, filepath.Join("events", file+".json"), encode(t, all[file]))
			payload := string(read(t, "events", file+".json"))
			for real, sample := range w.versions {
				payload = strings.ReplaceAll(payload, sample, real)
			}
			_, start, err := w.db.Changes(t.Context(), "", 1000)
			if err != nil {
				t.Fatal(err)
			}
			function := functionOf(file+".json", names)
			answer, err := lambda.NewHandler(handler(t, function, w)).Invoke(context.Background(), []byte(payload))
			w.judge(t, function)
			var out bytes.Buffer
			tell(t, &out, answer, err)
			w.tell(t, &out, start)
			golden(t, filepath.Join("infra/house/testdata", file+".golden"), []byte(w.settle(out.String())))
		})
	}
}

// tell writes the answer of a function.
func tell(t *testing.T, out *bytes.Buffer, answer []byte, err error) {
	t.Helper()
	if err != nil {
		fmt.Fprintf(out, "error: %v\n", err)
		return
	}
	var http events.APIGatewayV2HTTPResponse
	if json.Unmarshal(answer, &http) != nil || http.StatusCode == 0 {
		fmt.Fprintf(out, "answer: %s\n", answer)
		return
	}
	fmt.Fprintf(out, "%d\n", http.StatusCode)
	headers := maps.Clone(http.Headers)
	for name, values := range http.MultiValueHeaders {
		headers[name] = strings.Join(values, ", ")
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(out, "%s: %s\n", name, headers[name])
	}
	var body bytes.Buffer
	if json.Indent(&body, []byte(http.Body), "", "  ") != nil {
		body.WriteString(http.Body)
	}
	if body.Len() > 8000 {
		fmt.Fprintf(out, "\n%.200s\n... and %t JSON\n", body.String(), json.Valid([]byte(http.Body)))
		return
	}
	fmt.Fprintf(out, "\n%s\n", strings.TrimSpace(body.String()))
}

// tell writes what a function did: changes of the table after a position, published events, the versions in the bucket.
func (w *world) tell(t *testing.T, out *bytes.Buffer, after string) {
	t.Helper()
	cs, _, err := w.db.Changes(t.Context(), after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	title(out, "written", len(cs))
	for _, c := range cs {
		tellChange(out, c)
	}
	title(out, "published", len(w.bus.sent))
	for _, e := range w.bus.sent {
		fmt.Fprintf(out, "%s %s", e.Type, encode(t, e.Detail))
	}
	if len(w.posts.got) > 0 {
		title(out, "sent to webhooks", len(w.posts.got))
		for _, post := range w.posts.got {
			fmt.Fprintf(out, "%s\n", post)
		}
	}
	vs, err := w.bucket.Versions(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	title(out, "in the bucket", len(vs))
	for _, v := range vs {
		fmt.Fprintf(out, "%s version %s, %d bytes\n", v.Key, v.Version, v.Size)
	}
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

// What differs from run to run, and what it is called in golden files.
var volatile = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`worker: [A-Z2-7]{26}`), "worker: (token)"},
	{regexp.MustCompile(`X-Amz-Signature=[0-9a-f]{64}`), "X-Amz-Signature=(signature)"},
	{regexp.MustCompile(`"x-amz-signature": "[0-9a-f]{64}"`), `"x-amz-signature": "(signature)"`},
	{regexp.MustCompile(`"policy": "[A-Za-z0-9+/=]+"`), `"policy": "(policy)"`},
	{regexp.MustCompile(`"next_cursor": "[^"]+"`), `"next_cursor": "(sealed)"`},
	{regexp.MustCompile(`/l/[A-Za-z0-9_-]{60,}`), "/l/(token)"},
	{regexp.MustCompile(`(w/ws_[0-9a-f-]+)/[0-9a-f]{2}/\(new`), "$1/(byte)/(new"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`), "(upload)"}, // version 4: the bucket's
	{regexp.MustCompile(`"secret": "whsec_[A-Za-z0-9+/=]{44}"`), `"secret": "whsec_(secret)"`},
	{regexp.MustCompile(`webhook-due#[0-9a-f]`), "webhook-due#(shard)"},
	{regexp.MustCompile(`(claims: |due_seq: |holder: [^#\n]*#|Z#[^#\n]*#)[0-9]+`), "$1(claim)"},
	{regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{26}\b`), "(version)"},
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// settle gives what differs from run to run a name: addresses, versions, ids that were drawn, signatures.
func (w *world) settle(s string) string {
	s = strings.ReplaceAll(s, w.server.URL()+"/"+w.server.Bucket, "https://"+sampleBucket+".s3.amazonaws.com")
	for real, sample := range w.versions {
		s = strings.ReplaceAll(s, real, sample)
	}
	drawn := map[string]string{}
	known := []string{sampleWorkspace, sampleKeyID, sampleProject, sampleFolder, sampleNote, sampleNode, sampleHoliday, samplePoster, sampleDraft, sampleReel, sampleWebhook, sampleDelivery, sampleStock}
	s = uuid.ReplaceAllStringFunc(s, func(u string) string {
		if slices.ContainsFunc(known, func(k string) bool { return strings.HasSuffix(k, u) }) {
			return u
		}
		if drawn[u] == "" {
			drawn[u] = fmt.Sprintf("(new %d)", len(drawn)+1)
		}
		return drawn[u]
	})
	for _, v := range volatile {
		s = v.pattern.ReplaceAllString(s, v.instead)
	}
	return s
}
