package metric_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/assetry/assetry/shared/metric"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)

func noonClock() time.Time { return noon }

// written are the lines that a use of a Log writes.
func written(level string, use func(*metric.Log)) []string {
	var out bytes.Buffer
	use(metric.New(&out, "stack", metric.Options{Now: noonClock, Level: level}))
	if out.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// document is what the tests look at of a line.
type document struct {
	AWS struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// validator holds lines against the format: its schema, and that what the metadata names is there, of the right kind.
func validator(t testing.TB) func(line string) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/emf.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(line string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			return err
		}
		if err := schema.Validate(v); err != nil {
			return err
		}
		var d document
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			return err
		}
		return targets(v.(map[string]any), d)
	}
}

// targets checks the members that the metadata of a document leads to.
func targets(members map[string]any, d document) error {
	for _, c := range d.AWS.CloudWatchMetrics {
		for _, name := range slices.Concat(c.Dimensions...) {
			if s, ok := members[name].(string); !ok || s == "" || len(s) > 1024 {
				return fmt.Errorf("dimension %s is %v", name, members[name])
			}
			if strings.Contains(strings.ToLower(name), "workspace") {
				return fmt.Errorf("there is a dimension %s", name)
			}
		}
		for _, m := range c.Metrics {
			of, isList := members[m.Name].([]any)
			if !isList {
				of = []any{members[m.Name]}
			}
			if len(of) == 0 || len(of) > 100 {
				return fmt.Errorf("metric %s has %d values", m.Name, len(of))
			}
			for _, v := range of {
				if _, ok := v.(json.Number); !ok {
					return fmt.Errorf("metric %s has the value %v", m.Name, v)
				}
			}
		}
	}
	return nil
}

func TestWhatIsWritten(t *testing.T) {
	const one = `{"Namespace":"Assetry","Dimensions":[["Service"]],"Metrics":[`
	at := fmt.Sprint(noon.UnixMilli())
	for _, tt := range []struct {
		name, level string
		use         func(*metric.Log)
		want        []string
	}{
		{"an attempt begun", "", func(l *metric.Log) { l.Begun() },
			[]string{`{"Service":"stack","UploadsBegun":1,"_aws":{"CloudWatchMetrics":[` + one + `{"Name":"UploadsBegun","Unit":"Count"}]}],"Timestamp":` + at + `}}`}},
		{"two became ready", "INFO", func(l *metric.Log) { l.Ready([]int64{5, 53687091200000}) },
			[]string{`{"BytesReady":[5,53687091200000],"Service":"stack","UploadsReady":2,"_aws":{"CloudWatchMetrics":[` + one +
				`{"Name":"UploadsReady","Unit":"Count"},{"Name":"BytesReady","Unit":"Bytes"}]}],"Timestamp":` + at + `}}`}},
		{"none became ready", "", func(l *metric.Log) { l.Ready(nil) }, nil},
		{"the time to ready", "", func(l *metric.Log) { l.Took(1234567 * time.Microsecond) },
			[]string{`{"Service":"stack","TimeToReady":1234,"_aws":{"CloudWatchMetrics":[` + one + `{"Name":"TimeToReady","Unit":"Milliseconds"}]}],"Timestamp":` + at + `}}`}},
		{"three failed", "DEBUG", func(l *metric.Log) { l.Failed("rejected", 3) },
			[]string{`{"Reason":"rejected","Service":"stack","UploadsFailed":3,"_aws":{"CloudWatchMetrics":[{"Namespace":"Assetry","Dimensions":[["Service"],["Service","Reason"]],"Metrics":[` +
				`{"Name":"UploadsFailed","Unit":"Count"}]}],"Timestamp":` + at + `}}`}},
		{"none failed", "", func(l *metric.Log) { l.Failed("rejected", 0) }, nil},
		{"events that waited, one without a time and one from a clock ahead", "", func(l *metric.Log) {
			l.Waited(metric.Imports, noon.Add(-1500*time.Millisecond), time.Time{}, noon.Add(time.Hour))
		}, []string{`{"QueueAge":[1.5,0],"Service":"stack","Source":"imports","_aws":{"CloudWatchMetrics":[{"Namespace":"Assetry","Dimensions":[["Service","Source"]],"Metrics":[` +
			`{"Name":"QueueAge","Unit":"Seconds"}]}],"Timestamp":` + at + `}}`}},
		{"no event waited", "", func(l *metric.Log) { l.Waited(metric.Imports) }, nil},
		{"a refused delivery, where Lambda drops lines below WARN", "WARN", func(l *metric.Log) { l.Refused() },
			[]string{`{"Service":"stack","WebhookFailures":1,"_aws":{"CloudWatchMetrics":[` + one + `{"Name":"WebhookFailures","Unit":"Count"}]}],"Timestamp":` + at +
				`},"level":"FATAL","timestamp":"2026-11-21T12:00:00.123456789Z"}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := written(tt.level, tt.use)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			valid := validator(t)
			for _, line := range got {
				if err := valid(line); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		})
	}
}

func TestManyValuesTakeSeveralDocuments(t *testing.T) {
	valid := validator(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 450).Draw(t, "values")
		lines := written("", func(l *metric.Log) {
			l.Ready(make([]int64, n))
			l.Waited(metric.Publish, slices.Repeat([]time.Time{noon}, n)...)
		})
		if want := 2 * ((n + 99) / 100); len(lines) != want {
			t.Fatalf("%d values gave %d documents, want %d", n, len(lines), want)
		}
		ready := 0
		for _, line := range lines {
			if err := valid(line); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			var d struct{ UploadsReady int }
			if err := json.Unmarshal([]byte(line), &d); err != nil {
				t.Fatal(err)
			}
			ready += d.UploadsReady
		}
		if ready != n {
			t.Fatalf("%d uploads were counted of %d", ready, n)
		}
	})
}

func TestWithoutAStackNothingIsWritten(t *testing.T) {
	var out bytes.Buffer
	l := metric.New(&out, "", metric.Options{})
	if l != nil {
		t.Fatalf("New without a service gave %v", l)
	}
	l.Begun()
	l.Ready([]int64{1})
	l.Took(time.Second)
	l.Failed("expired", 1)
	l.Waited(metric.Objects, noon)
	l.Refused()
	if out.Len() > 0 {
		t.Errorf("it wrote %s", &out)
	}
}

// The validator has to speak: what it passes in silence proves nothing.
func TestTheFormatRefusesWhatCloudWatchWouldDrop(t *testing.T) {
	valid := validator(t)
	good := written("", func(l *metric.Log) { l.Failed("expired", 1) })[0]
	for _, tt := range []struct{ name, old, new string }{
		{"no metadata", `"_aws"`, `"aws"`},
		{"no time", `"Timestamp"`, `"Time"`},
		{"an unknown unit", `"Unit":"Count"`, `"Unit":"Pieces"`},
		{"a dimension without its member", `"Reason":"expired",`, ``},
		{"a metric without its member", `"UploadsFailed":1`, `"UploadsFailed2":1`},
		{"a text for a number", `"UploadsFailed":1`, `"UploadsFailed":"1"`},
		{"no dimensions", `[["Service"],["Service","Reason"]]`, `[]`},
		{"a dimension of the workspace", `"Reason"`, `"Workspace"`},
	} {
		bad := strings.ReplaceAll(good, tt.old, tt.new)
		if bad == good || valid(bad) == nil {
			t.Errorf("%s passes: %s", tt.name, bad)
		}
	}
}

func BenchmarkBegun(b *testing.B) {
	l := metric.New(discard{}, "stack", metric.Options{})
	b.ReportAllocs()
	for b.Loop() {
		l.Begun()
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
