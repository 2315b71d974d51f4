package orders

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assetry/assetry/shared/api/orders/query"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/ratelimit"
)

func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// hostile are bodies that ask for the impossible, and bodies that ask for just as much as the limits let them.
func hostile(t testing.TB) map[string]string {
	body := func(q string, variables any) string {
		b, err := json.Marshal(map[string]any{"query": q, "variables": variables})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	fan := "{ ...F0 }"
	for i := range 40 {
		fan += fmt.Sprintf(" fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1)
	}
	return map[string]string{
		"depth of 10,000":               body(strings.Repeat("{ order ", 10_000)+strings.Repeat("}", 10_000), nil),
		"100,000 aliases":               body("{"+repeated(100_000, "a%d: __typename ")+"}", nil),
		"one field 10,000 times":        body("{ order(order_id: 1) {"+strings.Repeat("order_id ", 10_000)+"} }", nil),
		"one field as often as it may":  body("{ order(order_id: 1) { nothing "+strings.Repeat("order_id ", 200)+"} }", nil),
		"fan-out of fragments":          body(fan+" fragment F40 on Query { __typename }", nil),
		"fragments in a circle":         body("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", nil),
		"a string of 10 MB":             body(`{ order(order_id: "`+strings.Repeat("x", 10<<20)+`") { order_id } }`, nil),
		"a variable of 10 MB":           body(`query ($o: ID!) { order(order_id: $o) { nothing } }`, map[string]string{"o": strings.Repeat("x", 10<<20)}),
		"a string of 2 MB":              body(`{ order(order_id: "`+strings.Repeat("x", 2<<20-200)+`") { nothing } }`, nil),
		"a name of 2 MB":                body("{ "+strings.Repeat("x", 2<<20-200)+" }", nil),
		"1,000 fields that are none":    body("{ order(order_id: 1) {"+repeated(999, "x%d ")+"} }", nil),
		"types in types in types":       body("{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }", nil),
		"variables of 1,000,000 values": `{"query": "{ nothing }", "variables": {"a": [` + strings.Repeat("0,", 1_000_000) + `0]}}`,
		"variables 10,000 deep":         `{"query": "{ nothing }", "variables": {"a": ` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}}`,
	}
}

// used is the processor time of this process: unlike the time of a clock, it is the same on a busy machine.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Hostile requests are answered with an error, soon and without much memory. A tenth of the time is usual.
func TestHostileRequestsCostNextToNothing(t *testing.T) {
	d := newDesk(t, ratelimit.Options{Standard: 1_000_000})
	d.send(t, http.MethodPost, surface.GraphQL, `{"query": "{ __typename }"}`)
	for name, body := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			least, kept := time.Hour, uint64(0)
			for range 3 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := used(t)
				got := d.send(t, http.MethodPost, surface.GraphQL, body)
				least = min(least, used(t)-began)
				runtime.ReadMemStats(&after)
				kept = after.TotalAlloc - before.TotalAlloc
				if got.code() != "BAD_USER_INPUT" || got.body.Data != nil {
					t.Fatalf("answered %d %.200s", got.status, got.text)
				}
				if len(got.raw) > 20_000 {
					t.Errorf("the answer has %d bytes", len(got.raw))
				}
			}
			if least > 100*time.Millisecond*Patience {
				t.Errorf("answered after %v of a CPU, want within 100 ms", least)
			}
			if kept > 24<<20 { // the body is held as it came, as JSON, and as a string
				t.Errorf("used %d bytes, want fewer than 24 MB", kept)
			}
		})
	}
}

// FuzzRequests sends bodies of any form: the answer is one of GraphQL with a status of the table, and no 500.
func FuzzRequests(f *testing.F) {
	for _, body := range hostile(f) {
		if len(body) < 10_000 {
			f.Add([]byte(body))
		}
	}
	f.Add([]byte(`{"query": "query ($a: Int, $p: [UploadPartInput!]) { __typename @skip(if: false) }", "variables": {"a": 1e0, "p": {"PartNumber": 1, "ETag": "\ud83c\udf06"}}, "operationName": null, "extensions": {"persistedQuery": {}}}`))
	f.Add([]byte(`{"query": "mutation { finalizeUpload(asset_id: 5, parts: [{PartNumber: 1, ETag: \"\"\"x\"\"\"}]) { nothing } }"}`))
	f.Add([]byte(`[{"query": "{__typename}"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := decode(body)
		if err != nil {
			return
		}
		doc, err := query.Read(q.Query)
		if err != nil {
			return
		}
		op, ok := doc.Find(q.Operation)
		if !ok {
			return
		}
		prepared, errs := fuzzed.prepare(q, doc.Tokens)
		if len(errs) == 0 && string(prepared.Operation.Operation) != op.Kind {
			t.Fatalf("%q was counted as a %s and is a %s", body, op.Kind, prepared.Operation.Operation)
		}
		if len(errs) == 0 && len(op.Roots) < len(prepared.Operation.SelectionSet) && len(doc.Operations) == 1 {
			t.Fatalf("%q was counted to have %d roots, and has more", body, len(op.Roots))
		}
	})
}

var fuzzed = newEngine(nothing{}, true)
