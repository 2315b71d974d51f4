package house

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/assetry/assetry/infra/samples"
	"github.com/assetry/assetry/shared/blob/blobtest"
	"github.com/assetry/assetry/shared/invocation"
	"github.com/assetry/assetry/shared/metric"
	"github.com/assetry/assetry/shared/tabletest"
)

// planted stands wherever a client, a gateway or an event may bring something: what of it gets into the log could have been a secret.
const planted = "hunter2secret"

// address is one with something planted wherever a secret may be.
const address = "https://user:" + planted + "@host.example/" + planted + "?X-Amz-Signature=" + planted

// given are members of events that AWS makes, and that lines of the log are to have.
var given = regexp.MustCompile(`/requestContext/requestId$|/messageId$|/ApproximateReceiveCount$|/SequenceNumber$|/object/versionId$`)

// leaf is a text in an event, and how to have another one there.
type leaf struct {
	path string
	text string
	set  func(string)
}

// leaves are all texts of an event: also those of JSON in a text, as bodies are, and the names of members.
func leaves(path string, v any, set func(any)) []leaf {
	switch v := v.(type) {
	case string:
		out := []leaf{{path, v, func(s string) { set(s) }}}
		var inner map[string]any
		if json.Unmarshal([]byte(v), &inner) == nil && inner != nil {
			out = append(out, leaves(path+"/(JSON)", inner, func(any) {})...)
			for i := range out[1:] {
				change := out[i+1].set
				out[i+1].set = func(s string) {
					change(s)
					b, _ := json.Marshal(inner)
					set(string(b))
				}
			}
		}
		return out
	case map[string]any:
		var out []leaf
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, leaves(path+"/"+name, v[name], func(to any) { v[name] = to })...)
		}
		return append(out, leaf{path + "/(new member)", "", func(s string) {
			if delete(v, planted); s != "" {
				v[planted] = s
			}
		}})
	case []any:
		var out []leaf
		for i := range v {
			out = append(out, leaves(path+"/0", v[i], func(to any) { v[i] = to })...)
		}
		return out
	}
	return nil
}

// crowd are members of requests that no function decides by: all of them get something planted at once.
var crowd = regexp.MustCompile(`^/headers/(user-agent|x-|accept)|^/requestContext/([a-z]+[IP]|account|stage|time|routeKey|http/(sourceIp|userAgent|protocol))|^/routeKey$|/aws[A-Z]|/eventSource|/eventVersion|/md5OfBody$|/receiptHandle$|/responseElements/|/userIdentity/|/requestParameters/`)

// together makes one leaf of the crowd.
func together(all []leaf) []leaf {
	one := leaf{path: "(the crowd)"}
	var were []leaf
	var out []leaf
	for _, l := range all {
		if crowd.MatchString(l.path) && !given.MatchString(l.path) {
			were = append(were, l)
			continue
		}
		out = append(out, l)
	}
	one.set = func(text string) {
		for _, l := range were {
			if text == one.text {
				l.set(l.text)
			} else {
				l.set(text)
			}
		}
	}
	return append(out, one)
}

// TestTheLogRepeatsNothingThatWasSent puts something that could be a secret into every place of every sample event, one after the other, while all is
// well and while everything behind the function fails: no line of the log, and no metric, has it. Nor has any the secrets that a function knows or makes.
func TestTheLogRepeatsNothingThatWasSent(t *testing.T) {
	names := functions(t)
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(invocation.NewLogger(&log))
	t.Cleanup(func() { slog.SetDefault(before) })
	for _, file := range slices.Sorted(maps.Keys(sampleEvents(t))) {
		t.Run(file, func(t *testing.T) {
			w := worldOf(t, file)
			w.metrics = metric.New(&log, "stack", metric.Options{})
			f := lambda.NewHandler(handler(t, functionOf(file+".json", names), w))
			var event map[string]any
			if err := json.Unmarshal(w.samples.Payload(read(t, "events", file+".json")), &event); err != nil {
				t.Fatal(err)
			}
			for _, away := range []bool{true, false} { // first away: what is well changes the world
				w.fail(tabletest.LoseCall, blobtest.Unavailable, func(int64) bool { return away })
				for i, l := range together(leaves("", event, nil)) {
					text := []string{planted, l.text + planted, address}[i%3]
					l.set(text)
					log.Reset()
					answer := invoke(t, f, event)
					l.set(l.text)
					if !given.MatchString(l.path) && strings.Contains(log.String(), planted) {
						t.Errorf("with %q at %s, and the rest away: %t, the log says\n%s", text, l.path, away, &log)
					}
					for _, secret := range secretsIn(w, answer) {
						if strings.Contains(log.String(), secret) {
							t.Errorf("the log has the secret %q:\n%s", secret, &log)
						}
					}
					if log.Len() == 0 {
						t.Errorf("with %q at %s nothing was logged", text, l.path)
					}
				}
			}
		})
	}
}

func invoke(t *testing.T, f lambda.Handler, event any) []byte {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Invoke(context.Background(), payload)
	if err != nil {
		return nil
	}
	return answer
}

// signatures are what answers carry that only their readers may know: of signed addresses and forms, links, and the secrets of webhooks.
var signatures = regexp.MustCompile(`X-Amz-Signature=([0-9a-f]{64})|x-amz-signature\W+([0-9a-f]{64})|/l/([0-9A-Za-z_-]{20,})|(whsec_[0-9A-Za-z+/=]+)|policy\W{1,6}([0-9A-Za-z+/=]{40,})`)

// secretsIn are the secrets of a world, and those of an answer.
func secretsIn(w *world, answer []byte) []string {
	out := []string{samples.Secret, samples.Root.Encode(), w.samples.Link(), w.samples.ForgedLink()}
	for _, m := range signatures.FindAllStringSubmatch(string(answer), -1) {
		for _, s := range m[1:] {
			if s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}
