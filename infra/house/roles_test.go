package house

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bucketARN is how policies name the bucket: by its text, because a reference would be a circle.
const bucketARN = "arn:${AWS::Partition}:s3:::${AWS::StackName}-${AWS::AccountId}-${AWS::Region}"

// resources are short names of what policies name.
var resources = map[string]string{
	"Table.Arn":                             "table",
	"SearchTable.Arn":                       "search",
	"${Table.Arn}/index/projects-by-asset":  "index projects-by-asset",
	"${Table.Arn}/index/orders-by-status":   "index orders-by-status",
	bucketARN + "/w/*/source":               "source",
	bucketARN + "/checkpoints/*/checkpoint": "checkpoint",
	bucketARN:                               "bucket",
	"EventBus.Arn":                          "bus",
	"RootKey":                               "key",
}

// rights are what a function's own policies allow, "action on resource", without those that only a KMS key brings. What calls what is in the
// comments of shared/table/dynamo, shared/s3blob and shared/bus/eventbridge; what is granted in vain is found by infra/privilege, which
// measures the functions as they are deployed.
func rights(t *testing.T, function string) []string {
	t.Helper()
	var out []string
	props := properties(t, logicalID(function)).(map[string]any)
	for _, policy := range texts(props["Policies"]) {
		if _, conditional := policy.([]any); conditional { // the KMS key's, which operate_test.go checks
			continue
		}
		for _, s := range at(t, policy, "Statement").([]any) {
			if at(t, s, "Effect") == "Allow" {
				out = append(out, statementRights(t, function, s)...)
			}
		}
	}
	slices.Sort(out)
	return out
}

// statementRights are what one statement allows.
func statementRights(t *testing.T, function string, statement any) (out []string) {
	t.Helper()
	condition := ""
	if c, ok := statement.(map[string]any)["Condition"]; ok {
		condition = " by prefix " + at(t, c, "StringLike", "s3:prefix").(string)
	}
	for _, action := range texts(at(t, statement, "Action")) {
		for _, on := range texts(at(t, statement, "Resource")) {
			name, ok := resources[on.(string)]
			if !ok {
				t.Errorf("%s: %v on %v, which is no resource that a function may name", function, action, on)
			}
			out = append(out, fmt.Sprintf("%s on %s%s", action, name, condition))
		}
	}
	return out
}

// texts is a list, or one value as a list of one.
func texts(v any) []any {
	if v == nil {
		return nil
	}
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func TestNoPolicyAllowsEverything(t *testing.T) {
	documented := map[string]string{
		"dynamodb:ListStreams": "it has no resource to name",
		"kms:Decrypt":          "AWS's own key; the condition binds it to Secrets Manager",

		"xray:PutTraceSegments":    "it has no resource to name",
		"xray:PutTelemetryRecords": "it has no resource to name",
	}
	for name, r := range at(t, raw(t), "Resources").(map[string]any) {
		if at(t, r, "Type") != "AWS::IAM::ManagedPolicy" && at(t, r, "Type") != "AWS::Serverless::Function" {
			continue
		}
		eachStatement(r, func(s map[string]any) {
			if s["Effect"] == "Deny" {
				return
			}
			for _, action := range texts(s["Action"]) {
				if strings.Contains(action.(string), "*") {
					t.Errorf("%s allows %v; name the actions", name, action)
				}
				for _, on := range texts(s["Resource"]) {
					if on == "*" && documented[action.(string)] == "" {
						t.Errorf("%s allows %v on everything", name, action)
					}
				}
			}
		})
	}
}

// eachStatement visits every policy statement below a value.
func eachStatement(v any, visit func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			eachStatement(e, visit)
		}
	case map[string]any:
		if v["Effect"] != nil && v["Action"] != nil {
			visit(v)
			return
		}
		for _, e := range v {
			eachStatement(e, visit)
		}
	}
}

// A main that reads the root key in init needs the right to, and one that needs the key should read it there.
func TestRootKeyIsReadEarlyByThoseThatMay(t *testing.T) {
	warm := regexp.MustCompile(`web\.Warm\(s\.Warm\)`)
	for _, f := range functions(t) {
		early := warm.Match(read(t, "functions", f, "main.go"))
		may := slices.Contains(rights(t, f), "secretsmanager:GetSecretValue on key")
		if early != may {
			t.Errorf("functions/%s reads the root key in init: %t; its role may read it: %t. Use Warm with the right and WarmTable without", f, early, may)
		}
	}
}
