package template

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/pattern"
)

var testTemplate = filepath.Join("testdata", "template.yaml")

func readTest(t *testing.T, o Options) *Template {
	t.Helper()
	tmpl, err := Read(testTemplate, o)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func function(t *testing.T, tmpl *Template, folder string) Function {
	t.Helper()
	f, ok := tmpl.Function(folder)
	if !ok {
		t.Fatalf("the template has no function %s", folder)
	}
	return f
}

func TestGlobalsAreMergedIntoFunctions(t *testing.T) {
	want := Function{
		Name: "AssetsRetrieveFunction", Folder: "assets-retrieve", CodeURI: ".", Handler: "bootstrap", BuildMethod: "makefile",
		LogFormat: "JSON", LogLevel: "INFO", Timeout: 20 * time.Second, MemorySize: 256,
		Environment: map[string]string{
			"TABLE": "${Table}", "STAGE": "own", "SEARCH": "yes", "BUCKET": "${AWS::StackName}-bytes", "ARN": "${Table.Arn}", "STREAM": "${Table.StreamArn}",
			"NAMED": "20/${B}/arm64", "JOINED": "a-on", "SECOND": "http://localhost:5173", "TOPIC": "${Topic}",
		},
		Events: []Event{
			HttpApi{Name: "Get", Method: "GET", Path: "/api/v1/assets/{assetId}"},
			HttpApi{Name: "Head", Method: "HEAD", Path: "/api/v1/assets/{assetId}"},
		},
		AsyncRetries: 2, MaxEventAge: 5 * time.Minute, RecursiveLoop: "Terminate",
	}
	if d := cmp.Diff(want, readTest(t, Options{}).Functions[0]); d != "" {
		t.Errorf("first function (-want +got):\n%s", d)
	}
}

func TestReferencesHaveTheValuesThatAreGiven(t *testing.T) {
	tmpl := readTest(t, Options{
		Parameters: map[string]string{"Patience": "30", "Search": "off", "Topic": "arn:t"},
		Values: map[string]string{
			"Table": "assetry", "Table.StreamArn": "arn:stream", "AWS::StackName": "local", "Requests.Arn": "arn:requests", "Failed.Arn": "arn:failed",
		},
	})
	f := function(t, tmpl, "assets-retrieve")
	want := map[string]string{
		"TABLE": "assetry", "STAGE": "own", "BUCKET": "local-bytes", "ARN": "${Table.Arn}", "STREAM": "arn:stream",
		"NAMED": "30/${B}/arm64", "JOINED": "a-off", "SECOND": "http://localhost:5173", "TOPIC": "arn:t",
	}
	if d := cmp.Diff(want, f.Environment); d != "" || f.Timeout != 30*time.Second {
		t.Errorf("timeout %s, environment (-want +got):\n%s", f.Timeout, d)
	}
	if d := cmp.Diff([]string{`{"eventName": ["REMOVE"]}`}, EventsOf[DynamoDB](function(t, tmpl, "stream-publish"))[0].Filters); d != "" {
		t.Errorf("filters while nothing is searched (-want +got):\n%s", d)
	}
	if q := EventsOf[SQS](function(t, tmpl, "on-request"))[0].Queue; q != "Requests" {
		t.Errorf("the queue is named %q, want its logical id whatever its ARN", q)
	}
	if tmpl.Parameters["Patience"] != "30" || tmpl.Parameters["Architecture"] != "arm64" {
		t.Errorf("Parameters = %v, want what was given and the defaults of the others", tmpl.Parameters)
	}
}

func TestResourcesWhoseConditionFailsAreNotThere(t *testing.T) {
	for _, tt := range []struct {
		patience, search string
		there            bool
	}{{"20", "on", false}, {"30", "off", false}, {"30", "on", true}} {
		tmpl := readTest(t, Options{Parameters: map[string]string{"Patience": tt.patience, "Search": tt.search}})
		_, there := tmpl.Function("only-when-patient")
		if _, typed := tmpl.Types["OnlyWhenPatientFunction"]; there != tt.there || typed != tt.there {
			t.Errorf("Patience %s and Search %s: the function is there: %t, its type: %t, want %t", tt.patience, tt.search, there, typed, tt.there)
		}
	}
}

func TestEveryTypeOfEventIsRead(t *testing.T) {
	tmpl := readTest(t, Options{})
	for folder, want := range map[string][]Event{
		"fallback":          {HttpApi{Name: "Default", Path: DefaultRoute}},
		"on-object-created": nil,
		"stream-publish": {
			DynamoDB{
				Name: "Changes", Table: "Table", BatchSize: 25, Window: time.Second, Parallel: 2, Filters: []string{`{"eventName": ["REMOVE"]}`, `{"eventName": ["INSERT"]}`},
				Bisect: true, PartialFailures: true, MaxRetries: 50, MaxAge: 12 * time.Hour, OnFailure: "Failed",
			},
			DynamoDB{Name: "All", Table: "Table", BatchSize: 100, Parallel: 1, MaxRetries: -1},
		},
		"on-request": {SQS{Name: "Requests", Queue: "Requests", BatchSize: 1, MaxConcurrency: 20, PartialFailures: true}},
		"sweep":      {Schedule{Name: "Clock", Every: 5 * time.Minute}},
	} {
		if d := cmp.Diff(want, function(t, tmpl, folder).Events); d != "" {
			t.Errorf("events of %s (-want +got):\n%s", folder, d)
		}
	}
}

func TestAsynchronousSettingsAreRead(t *testing.T) {
	tmpl := readTest(t, Options{})
	for _, tt := range []struct {
		folder    string
		retries   int
		onFailure string
		loop      string
	}{{"on-object-created", 1, "Failed", "Terminate"}, {"sweep", 0, "", "Terminate"}, {"on-request", 2, "", "Allow"}} {
		f := function(t, tmpl, tt.folder)
		if f.AsyncRetries != tt.retries || f.MaxEventAge != 5*time.Minute || f.OnFailure != tt.onFailure || f.RecursiveLoop != tt.loop {
			t.Errorf("%s: %d retries within %s, then %q, loops %s; want %+v", tt.folder, f.AsyncRetries, f.MaxEventAge, f.OnFailure, f.RecursiveLoop, tt)
		}
	}
}

func TestQueuesRulesAndNotificationsAreRead(t *testing.T) {
	tmpl := readTest(t, Options{})
	queues := []Queue{
		{Name: "Requests", Visibility: 960 * time.Second, Retention: 14 * 24 * time.Hour, DeadLetters: "Dead", MaxReceives: 5},
		{Name: "Dead", Visibility: 30 * time.Second, Retention: 4 * 24 * time.Hour},
	}
	rules := []Rule{{
		Name: "RequestsRule", Bus: "Bus", Pattern: `{"detail-type":["import.requested"],"source":["assetry"]}`,
		Targets: []Target{{Queue: "Requests", DeadLetters: "Dead"}, {Queue: "Dead"}},
	}}
	notifications := []Notification{
		{Bucket: "Bucket", Function: "OnObjectCreatedFunction", Event: "s3:ObjectRemoved:*", Suffix: "/source"},
		{Bucket: "Bucket", Function: "OnObjectCreatedFunction", Event: "s3:ObjectCreated:*", Prefix: "w/", Suffix: "/source"},
	}
	if d := cmp.Diff(queues, tmpl.Queues); d != "" {
		t.Errorf("queues (-want +got):\n%s", d)
	}
	if d := cmp.Diff(rules, tmpl.Rules); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	if d := cmp.Diff(notifications, tmpl.Notifications); d != "" {
		t.Errorf("notifications (-want +got):\n%s", d)
	}
}

func TestCORSIsReadFromParameters(t *testing.T) {
	want := &CORS{
		AllowOrigins: []string{"https://app.example.com", "http://localhost:5173"}, AllowMethods: []string{"GET", "POST", "DELETE"},
		AllowHeaders: []string{"authorization", "content-type"}, ExposeHeaders: []string{"request-id"}, MaxAge: 600,
	}
	if d := cmp.Diff(want, readTest(t, Options{}).CORS); d != "" {
		t.Errorf("CORS (-want +got):\n%s", d)
	}
	short, err := Parse([]byte("Resources:\n  Api: {Type: 'AWS::Serverless::HttpApi', Properties: {CorsConfiguration: true}}\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}, AllowHeaders: []string{"*"}}, short.CORS); d != "" {
		t.Errorf("CORS in the short form (-want +got):\n%s", d)
	}
}

func TestTypesAndVariablesAreKnown(t *testing.T) {
	tmpl := readTest(t, Options{})
	if got := tmpl.Types["Table"]; got != "AWS::DynamoDB::Table" {
		t.Errorf("Types[Table] = %q, want AWS::DynamoDB::Table", got)
	}
	want := []string{"ARN", "BUCKET", "JOINED", "NAMED", "SEARCH", "SECOND", "STAGE", "STREAM", "TABLE", "TOPIC"}
	if d := cmp.Diff(want, tmpl.Variables()); d != "" {
		t.Errorf("Variables (-want +got):\n%s", d)
	}
}

func TestFolderOf(t *testing.T) {
	for id, want := range map[string]string{
		"AssetsCreateFunction": "assets-create", "FallbackFunction": "fallback", "OnObjectCreatedFunction": "on-object-created",
		"FunctionFunction": "function", "Sweep": "sweep", "": "",
	} {
		if got := FolderOf(id); got != want {
			t.Errorf("FolderOf(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"rate(1 minute)": time.Minute, "rate(5 minutes)": 5 * time.Minute, "rate(1 hour)": time.Hour, "rate(12 hours)": 12 * time.Hour, "rate(1 day)": 24 * time.Hour,
		"rate(1 minutes)": 0, "rate(5 minute)": 0, "rate(0 minutes)": 0, "rate(-1 minutes)": 0, "rate(1 week)": 0, "cron(0 12 * * ? *)": 0, "rate(5 minutes": 0,
		"rate(5)": 0, "": 0, "rate(9000000000 days)": 0,
	} {
		got, err := rate(s)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("rate(%q) = %s, %v, want %s", s, got, err, want)
		}
	}
}

// The product's own template must be one that this package reads in full.
func TestTheTemplateOfTheProductIsRead(t *testing.T) {
	tmpl, err := Read(filepath.Join("..", "..", "template.yaml"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join("..", "..", "functions", "*", "main.go"))
	if err != nil || len(folders) == 0 || len(folders) != len(tmpl.Functions) {
		t.Errorf("%d functions are read, of %d folders (%v)", len(tmpl.Functions), len(folders), err)
	}
	fed := map[string]bool{}
	for _, r := range tmpl.Rules {
		if _, err := pattern.Parse(r.Pattern); err != nil {
			t.Error(err)
		}
		for _, target := range r.Targets {
			fed[target.Queue] = true
		}
	}
	for _, f := range tmpl.Functions {
		for _, q := range EventsOf[SQS](f) {
			if !fed[q.Queue] {
				t.Errorf("%s waits for the queue %s, which no rule feeds", f.Name, q.Queue)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "a", "- a", "a: &a [*a]", "Conditions: {A: !Condition A}\nResources: {R: {Condition: A}}", "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {Events: []}}}",
		"Resources: {F: {Type: !If [A, B, C], Properties: !Ref AWS::NoValue}}", "Parameters: {P: {Default: !Ref P}}", "Globals: {Function: !Sub []}",
		"Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt []}}}}", "Conditions: {A: !And [1]}\nResources: {R: {Condition: A}}",
		one("{Type: HttpApi, Properties: {Method: GET, Path: '/a/{b+}'}}"), one("{Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 5}}"),
		one("{Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, FilterCriteria: {Filters: [{Pattern: '{\"a\": [\"b\"]}'}]}}}"),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tmpl, err := Parse(data, Options{})
		if (tmpl == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v, want a template or an error", tmpl, err)
		}
		if err == nil {
			for _, fn := range tmpl.Functions {
				if tmpl.Types[fn.Name] != typeFunction || strings.ContainsAny(fn.Folder, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
					t.Errorf("function %+v", fn)
				}
			}
		}
	})
}
