package house

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/enginetest"
)

// What CloudFormation takes in one stack, with a distance: 500 resources, and 1 MB of template (1,048,576 bytes) by way of S3.
const (
	maxResources = 450
	maxTemplate  = 1_000_000
)

// stack is what CloudFormation is given.
type stack struct {
	Resources map[string]struct {
		Type       string
		Properties map[string]any
	}
}

// made are the stacks that SAM's translator, which takes seconds, has made, by their parameters.
var made = map[string]stack{}

// transformed lets SAM's own translator make the stack of template.yaml, with parameters that are not at their defaults as Name=value. Its
// callers run one after the other, and change nothing in it.
func transformed(t *testing.T, parameters ...string) stack {
	t.Helper()
	if s, ok := made[strings.Join(parameters, " ")]; ok {
		return s
	}
	python := enginetest.Tool(t, "sam", "bin", "python")
	args := append([]string{"-W", "ignore", filepath.Join(root, "infra/house/transform.py"), filepath.Join(root, "template.yaml")}, parameters...)
	out, err := exec.Command(python, args...).Output()
	if err != nil {
		t.Fatalf("transform template.yaml: %v\n%s", err, stderr(err))
	}
	if len(out) > maxTemplate {
		t.Errorf("the stack's template has %d bytes, more than %d: CloudFormation takes 1 MB. Split it before it grows", len(out), maxTemplate)
	}
	var s stack
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("transform.py: %v", err)
	}
	made[strings.Join(parameters, " ")] = s
	return s
}

func stderr(err error) []byte {
	if e, ok := err.(*exec.ExitError); ok {
		return e.Stderr
	}
	return nil
}

func TestStack(t *testing.T) {
	s := transformed(t)
	if n := len(s.Resources); n > maxResources {
		t.Errorf("the stack has %d resources, more than %d: CloudFormation takes 500. Split it before it grows", n, maxResources)
	}
	count := map[string]int{}
	for name, r := range s.Resources {
		count[r.Type]++
		if r.Type == "AWS::IAM::Role" {
			checkRole(t, name, r.Properties)
		}
	}
	n := len(functions(t))
	if count["AWS::Lambda::Function"] != n || count["AWS::IAM::Role"] != n {
		t.Errorf("%d functions with %d roles, want %d of each", count["AWS::Lambda::Function"], count["AWS::IAM::Role"], n)
	}
	if count["AWS::ApiGatewayV2::Api"] != 1 || count["AWS::Logs::LogGroup"] != 1 || count["AWS::Lambda::EventSourceMapping"] != 5 {
		t.Errorf("resources %v: want one API, one log group, two stream consumers and three queues'", count)
	}
}

// checkRole wants the boundary, and no managed policy but those of AWS that SAM adds by itself and Boundary cuts down.
func checkRole(t *testing.T, name string, properties map[string]any) {
	t.Helper()
	if properties["PermissionsBoundary"] == nil {
		t.Errorf("%s has no permissions boundary", name)
	}
	known := []any{
		"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
		"arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole",
		"arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
	}
	for _, arn := range texts(properties["ManagedPolicyArns"]) {
		if _, conditional := keyPolicy(arn); !conditional && !slices.Contains(known, arn) {
			t.Errorf("%s has the managed policy %v; write its statements into the function's Policies", name, arn)
		}
	}
}
