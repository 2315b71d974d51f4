package house

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
)

// everyOption switches on all that template.yaml leaves off.
var everyOption = []string{
	"Stage=staging", "Architecture=x86_64", "KmsKeyArn=arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
	"DomainName=assets.example.com", "CertificateArn=arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
	"HostedZoneId=Z0123456789ABCDEFGHIJ", "ExecuteApi=off", "PublicUrl=https://links.example.com", "SearchIndex=build",
	"AlarmTopic=arn:aws:sns:us-east-1:123456789012:alarms", "LogLevel=DEBUG", "Tracing=Active",
}

const xray = "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"

// keyPolicy is the name of the policy for the KMS key that a role has where there is one.
func keyPolicy(arn any) (name string, ok bool) {
	branch, ok := arn.(map[string]any)
	if !ok {
		return "", false
	}
	list := texts(branch["Fn::If"])
	if len(list) != 3 || list[0] != "HasKey" {
		return "", false
	}
	ref, ok := list[1].(map[string]any)
	if !ok {
		return "", false
	}
	name, ok = ref["Ref"].(string)
	return name, ok
}

func TestStackWithEveryOption(t *testing.T) {
	s := transformed(t, everyOption...)
	if n := len(s.Resources); n > maxResources {
		t.Errorf("the stack has %d resources, more than %d", n, maxResources)
	}
	for name, r := range s.Resources {
		switch r.Type {
		case "AWS::Lambda::Function":
			if mode := at(t, r.Properties, "TracingConfig", "Mode"); cmp.Diff(map[string]any{"Ref": "Tracing"}, mode) != "" {
				t.Errorf("%s is traced as %v", name, mode)
			}
		case "AWS::IAM::Role":
			if !slices.Contains(texts(r.Properties["ManagedPolicyArns"]), any(xray)) {
				t.Errorf("%s may not send traces: %v", name, r.Properties["ManagedPolicyArns"])
			}
		}
	}
}

func TestLinksNameTheStacksOwnDomain(t *testing.T) {
	for _, tt := range []struct{ name, domain, public, want string }{
		{"neither: the domain of the request", "", "", ""},
		{"the domain of the stack", "assets.example.com", "", "https://assets.example.com"},
		{"an address in front of it", "assets.example.com", "https://cdn.example.com", "https://cdn.example.com"},
		{"an address alone", "", "https://cdn.example.com", "https://cdn.example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tp, err := template.Read(filepath.Join(root, "template.yaml"), template.Options{Parameters: map[string]string{"DomainName": tt.domain, "PublicUrl": tt.public}})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range tp.Functions {
				if got := f.Environment["ASSETRY_PUBLIC_URL"]; got != tt.want {
					t.Fatalf("%s has ASSETRY_PUBLIC_URL %q, want %q", f.Name, got, tt.want)
				}
			}
		})
	}
}

func TestNothingIsTracedUnlessAsked(t *testing.T) {
	for name, r := range transformed(t).Resources {
		if r.Properties["TracingConfig"] != nil || slices.Contains(texts(r.Properties["ManagedPolicyArns"]), any(xray)) {
			t.Errorf("%s is traced without the parameter Tracing", name)
		}
	}
}

// The right to the KMS key follows from a function's other rights: who reads what is encrypted decrypts, who brings objects needs data keys.
func TestEveryFunctionHasTheKeyForWhatItUses(t *testing.T) {
	for _, f := range functions(t) {
		want := ""
		for _, right := range rights(t, f) {
			if !strings.HasPrefix(right, "events:") && want == "" {
				want = "KeyToRead"
			}
			if strings.HasPrefix(right, "s3:PutObject ") {
				want = "KeyToWrite"
			}
		}
		if strings.Contains(fmt.Sprint(properties(t, logicalID(f))), "FailedEvents.Arn") {
			want = "KeyToWrite" // Lambda keeps its failed events in the bucket, in its name
		}
		got := ""
		for _, policy := range texts(properties(t, logicalID(f)).(map[string]any)["Policies"]) {
			if branch, conditional := policy.([]any); conditional && len(branch) == 3 && branch[0] == "HasKey" {
				got = branch[1].(string)
			}
		}
		if got != want {
			t.Errorf("%s has the key's policy %q, want %q by its other rights", f, got, want)
		}
	}
}

func TestParametersAreExplainedBoundedAndUsed(t *testing.T) {
	text, top := string(read(t, "template.yaml")), raw(t)
	grouped := map[any]int{}
	for _, g := range at(t, top, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups").([]any) {
		for _, name := range at(t, g, "Parameters").([]any) {
			grouped[name]++
		}
	}
	for name, v := range at(t, top, "Parameters").(map[string]any) {
		p := v.(map[string]any)
		if d, _ := p["Description"].(string); !strings.HasSuffix(d, ".") && !strings.HasSuffix(d, ").") {
			t.Errorf("%s is described as %q, which is no sentence", name, d)
		}
		if _, given := p["Default"]; !given {
			t.Errorf("%s has no default: a stack is deployed without a question answered", name)
		}
		bounded := p["AllowedValues"] != nil || p["AllowedPattern"] != nil || p["MinValue"] != nil && p["MaxValue"] != nil
		if !bounded && p["Type"] != "CommaDelimitedList" {
			t.Errorf("%s takes anything; give AllowedValues, AllowedPattern, or MinValue and MaxValue", name)
		}
		if grouped[name] != 1 {
			t.Errorf("%s is in %d groups of Metadata, want 1", name, grouped[name])
		}
		delete(grouped, name)
		if used := regexp.MustCompile(`!Ref ` + name + `\b|\$\{` + name + `\}`); !used.MatchString(text) {
			t.Errorf("nothing in template.yaml uses the parameter %s", name)
		}
	}
	if len(grouped) > 0 {
		t.Errorf("Metadata groups parameters that are not there: %v", grouped)
	}
}

// untagged are types without tags, or whose tags the stack's own have to be (samconfig.toml), because SAM makes them.
var untagged = []string{
	"AWS::Lambda::Permission", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::IAM::ManagedPolicy", "AWS::SQS::QueuePolicy",
	"AWS::S3::BucketPolicy", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::Route53::RecordSet", "AWS::Logs::MetricFilter", "AWS::CloudWatch::Dashboard",
}

func TestResourcesAreTaggedWithTheStage(t *testing.T) {
	tagged := 0
	for name, r := range transformed(t).Resources {
		schedule := r.Type == "AWS::Events::Rule" && r.Properties["ScheduleExpression"] != nil
		if slices.Contains(untagged, r.Type) || schedule {
			continue
		}
		tagged++
		b, err := json.Marshal(r.Properties["Tags"])
		if err != nil {
			t.Fatal(err)
		}
		if tags := string(b); !strings.Contains(tags, `{"Ref":"Stage"}`) || !strings.Contains(tags, `"assetry"`) {
			t.Errorf("%s (%s) has the tags %s, want Application and Stage", name, r.Type, tags)
		}
	}
	if tagged < 2*len(functions(t)) {
		t.Errorf("only %d resources have tags", tagged)
	}
	if !strings.Contains(string(read(t, "samconfig.toml")), `tags = "Application=assetry"`) {
		t.Error("samconfig.toml gives the stack no tag Application=assetry, which reaches what SAM makes without tags")
	}
}

// alarms are the alarms of template.yaml, by logical id.
func alarms(t *testing.T) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for name, r := range at(t, raw(t), "Resources").(map[string]any) {
		if at(t, r, "Type") == "AWS::CloudWatch::Alarm" {
			found[name] = at(t, r, "Properties").(map[string]any)
		}
	}
	return found
}

func TestAlarmsAreFewAndCanRing(t *testing.T) {
	const most = 10 // metrics of an alarm on an expression, by CloudWatch's quotas
	manual := string(read(t, "infra/OPERATIONS.md"))
	for name, p := range alarms(t) {
		if metrics := texts(p["Metrics"]); len(metrics) > most+1 {
			t.Errorf("%s looks at %d metrics; CloudWatch takes %d", name, len(metrics)-1, most)
		}
		for _, action := range []string{"AlarmActions", "OKActions"} {
			if d := cmp.Diff([]any{"HasAlarmTopic", []any{"AlarmTopic"}, "AWS::NoValue"}, p[action]); d != "" {
				t.Errorf("%s of %s (-want +got):\n%s", action, name, d)
			}
		}
		if !strings.Contains(manual, "| `"+name+"` |") {
			t.Errorf("infra/OPERATIONS.md does not say what to do at `%s`", name)
		}
	}
	if n := len(alarms(t)); n < 5 || n > 12 {
		t.Errorf("%d alarms; they are for the whole stack", n)
	}
}

func TestDashboardShowsWhatIsThere(t *testing.T) {
	body := properties(t, "Dashboard", "DashboardBody").(string)
	known := map[string]bool{"AWS::StackName": true, "AWS::Region": true}
	for _, part := range []string{"Parameters", "Resources"} {
		for name := range at(t, raw(t), part).(map[string]any) {
			known[name] = true
		}
	}
	for _, m := range regexp.MustCompile(`\$\{([^}]+)\}`).FindAllStringSubmatch(body, -1) {
		if name, _, _ := strings.Cut(m[1], "."); !known[name] {
			t.Errorf("the dashboard names ${%s}, which is not there", m[1])
		}
	}
	var d struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          map[string]any
		}
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("the dashboard is no JSON: %v", err)
	}
	var shown []string
	for _, w := range d.Widgets {
		if w.X+w.Width > 24 || w.Width < 1 || w.Height < 1 {
			t.Errorf("widget %v is %d wide at %d; a dashboard has 24 columns", w.Properties["title"], w.Width, w.X)
		}
		for _, arn := range texts(w.Properties["alarms"]) {
			shown = append(shown, strings.TrimSuffix(strings.TrimPrefix(arn.(string), "${"), ".Arn}"))
		}
	}
	slices.Sort(shown)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(alarms(t))), shown); diff != "" {
		t.Errorf("alarms on the dashboard (-template.yaml +dashboard):\n%s", diff)
	}
}

// What fails is repeated a while and then given up: nothing is tried for ever, and no worker reserves what others need.
func TestEveryEventComesToAnEnd(t *testing.T) {
	for name, r := range transformed(t).Resources {
		p := r.Properties
		switch r.Type {
		case "AWS::Lambda::EventInvokeConfig":
			at(t, p, "MaximumEventAgeInSeconds")
			if _, said := p["MaximumRetryAttempts"]; !said {
				t.Errorf("%s does not say how often to repeat", name)
			}
		case "AWS::Events::Rule":
			for _, target := range texts(p["Targets"]) {
				at(t, target, "RetryPolicy", "MaximumRetryAttempts")
				at(t, target, "RetryPolicy", "MaximumEventAgeInSeconds")
			}
		case "AWS::Lambda::EventSourceMapping":
			at(t, p, "FunctionResponseTypes")
			if p["ScalingConfig"] == nil && p["MaximumRetryAttempts"] == nil {
				t.Errorf("%s is neither a queue with a maximum concurrency nor a stream with an end", name)
			}
		case "AWS::SQS::Queue":
			redrive := fmt.Sprint(at(t, raw(t), "Resources"))
			if p["RedrivePolicy"] == nil && !strings.Contains(redrive, "deadLetterTargetArn:"+name+".Arn") {
				t.Errorf("%s has no dead letters and is nobody's", name)
			}
		case "AWS::Lambda::Function":
			if p["ReservedConcurrentExecutions"] != nil {
				t.Errorf("%s reserves concurrency, which the account's other functions then lack", name)
			}
		}
	}
}
