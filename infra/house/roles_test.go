package house

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// roles are the rights of each function, "action on resource". A function that calls more needs a line here and one in template.yaml;
// one that calls less loses both. Every POST puts, updates and deletes the marker of its idempotency key.
// What calls what is in the comments of shared/table/dynamo, shared/s3blob and shared/bus/eventbridge.
var roles = map[string][]string{
	"assets-create": { // row, markers and folder are put, the settled row is updated; a stored version that lost is removed
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "dynamodb:ConditionCheckItem on table",
		"s3:PutObject on w/*", "s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "s3:DeleteObjectVersion on w/*", "s3:AbortMultipartUpload on w/*", "secretsmanager:GetSecretValue on key",
	},
	"assets-list":     {"dynamodb:GetItem on table", "dynamodb:BatchGetItem on table", "dynamodb:Query on table", "dynamodb:Query on search", "secretsmanager:GetSecretValue on key"},
	"assets-retrieve": {"dynamodb:GetItem on table", "secretsmanager:GetSecretValue on key"},
	"assets-delete":   {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:DeleteItem on table"},
	"assets-complete": {
		"dynamodb:GetItem on table", "dynamodb:UpdateItem on table", "dynamodb:PutItem on table", "dynamodb:DeleteItem on table",
		"s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "s3:DeleteObjectVersion on w/*", "s3:PutObject on w/*", "s3:ListMultipartUploadParts on w/*", "secretsmanager:GetSecretValue on key",
	},
	"assets-retry": { // s3:PutObject is what form and parts are signed for
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "s3:PutObject on w/*", "s3:AbortMultipartUpload on w/*", "secretsmanager:GetSecretValue on key",
	},
	"assets-update": { // a folder that is named and absent is made
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "secretsmanager:GetSecretValue on key",
	},
	"assets-upload": { // s3:PutObject is what the form is signed for
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "s3:PutObject on w/*",
		"secretsmanager:GetSecretValue on key",
	},
	"assets-parts-sign": { // it begins the bucket's upload where a create was cut off, and drops its own if another was faster
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table",
		"s3:PutObject on w/*", "s3:AbortMultipartUpload on w/*",
	},
	"assets-parts-list": {"dynamodb:GetItem on table", "s3:ListMultipartUploadParts on w/*"},
	"assets-content":    {"dynamodb:GetItem on table", "s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "secretsmanager:GetSecretValue on key"},
	"assets-attach":     {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table"},
	"workspaces-list":   {"dynamodb:GetItem on table"},
	"projects-create":   {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table"},
	"projects-list":     {"dynamodb:GetItem on table", "dynamodb:Query on table", "secretsmanager:GetSecretValue on key"},
	"projects-retrieve": {"dynamodb:GetItem on table"},
	"projects-nodes":    {"dynamodb:GetItem on table", "dynamodb:BatchGetItem on table", "dynamodb:Query on table", "secretsmanager:GetSecretValue on key"},
	"folders-create":    {"dynamodb:GetItem on table", "dynamodb:BatchGetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table"},
	"folders-delete":    {"dynamodb:GetItem on table", "dynamodb:Query on table", "dynamodb:DeleteItem on table"},
	"folders-add-item": { // an image is announced, checked beside its folder, and taken back if that is deleted meanwhile
		"dynamodb:GetItem on table", "dynamodb:ConditionCheckItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table",
		"secretsmanager:GetSecretValue on key",
	},
	"health":    nil,
	"openapi":   nil,
	"fallback":  nil,
	"open-link": {"dynamodb:GetItem on table", "s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "secretsmanager:GetSecretValue on key"},
	"on-object-created": {
		"dynamodb:GetItem on table", "dynamodb:UpdateItem on table", "s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "s3:DeleteObjectVersion on w/*",
	},
	"stream-publish": {"events:PutEvents on bus"},
	"stream-cleanup": {
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:DeleteItem on table", "dynamodb:Query on table", "dynamodb:Query on index projects-by-asset",
		"dynamodb:PutItem on search", "dynamodb:DeleteItem on search",
		"s3:DeleteObjectVersion on w/*", "s3:AbortMultipartUpload on w/*", "s3:ListBucketMultipartUploads on bucket", "s3:ListBucketVersions on bucket by prefix w/*",
	},
	"on-import-requested": {
		"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table",
		"s3:PutObject on w/*", "s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "s3:DeleteObjectVersion on w/*",
		"s3:ListMultipartUploadParts on w/*", "s3:AbortMultipartUpload on w/*", "s3:ListBucketMultipartUploads on bucket",
	},
	"sweep": {
		"dynamodb:GetItem on table", "dynamodb:Query on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table",
		"s3:GetObject on w/*", "s3:GetObjectVersion on w/*", "s3:DeleteObjectVersion on w/*", "s3:AbortMultipartUpload on w/*", "s3:ListBucketMultipartUploads on bucket", "s3:ListBucketVersions on bucket by prefix w/*",
	},

	// The key makes cursors and signs what is sent.
	"webhooks-create":        {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "secretsmanager:GetSecretValue on key"},
	"webhooks-list":          {"dynamodb:GetItem on table", "dynamodb:Query on table", "secretsmanager:GetSecretValue on key"},
	"webhooks-retrieve":      {"dynamodb:GetItem on table"},
	"webhooks-update":        {"dynamodb:GetItem on table", "dynamodb:PutItem on table"},
	"webhooks-delete":        {"dynamodb:GetItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table"},
	"webhooks-rotate-secret": {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "secretsmanager:GetSecretValue on key"},
	"webhooks-test":          {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "secretsmanager:GetSecretValue on key"},
	"webhooks-deliveries":    {"dynamodb:GetItem on table", "dynamodb:Query on table", "secretsmanager:GetSecretValue on key"},
	"webhooks-replay":        {"dynamodb:GetItem on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "secretsmanager:GetSecretValue on key"},
	"on-webhook-event":       {"dynamodb:Query on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "secretsmanager:GetSecretValue on key"},
	"webhook-retries":        {"dynamodb:GetItem on table", "dynamodb:Query on table", "dynamodb:PutItem on table", "dynamodb:UpdateItem on table", "dynamodb:DeleteItem on table", "secretsmanager:GetSecretValue on key"},
}

// bucketARN is how policies name the bucket: by its text, because a reference would be a circle.
const bucketARN = "arn:${AWS::Partition}:s3:::${AWS::StackName}-${AWS::AccountId}-${AWS::Region}"

// resources are the names that roles gives to what policies name.
var resources = map[string]string{
	"Table.Arn":                            "table",
	"SearchTable.Arn":                      "search",
	"${Table.Arn}/index/projects-by-asset": "index projects-by-asset",
	bucketARN + "/w/*":                     "w/*",
	bucketARN:                              "bucket",
	"EventBus.Arn":                         "bus",
	"RootKey":                              "key",
}

func TestEveryRoleHasWhatItsCodeCallsAndNothingElse(t *testing.T) {
	for _, f := range functions(t) {
		want, known := roles[f]
		if !known {
			t.Errorf("function %s has no line in roles", f)
			continue
		}
		got := rights(t, f)
		want = slices.Sorted(slices.Values(want))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("rights of %s (-roles_test.go +template.yaml):\n%s", f, d)
		}
	}
	if len(roles) != len(functions(t)) {
		t.Errorf("roles has %d lines for %d functions", len(roles), len(functions(t)))
	}
}

// rights are what a function's own policies allow.
func rights(t *testing.T, function string) []string {
	t.Helper()
	var out []string
	props := properties(t, logicalID(function)).(map[string]any)
	for _, policy := range texts(props["Policies"]) {
		if _, conditional := policy.([]any); conditional { // the KMS key's, which stack_test.go checks
			continue
		}
		for _, s := range at(t, policy, "Statement").([]any) {
			if at(t, s, "Effect") != "Allow" {
				t.Errorf("%s: effect %v", function, at(t, s, "Effect"))
			}
			condition := ""
			if c, ok := s.(map[string]any)["Condition"]; ok {
				condition = " by prefix " + at(t, c, "StringLike", "s3:prefix").(string)
			}
			for _, action := range texts(at(t, s, "Action")) {
				for _, on := range texts(at(t, s, "Resource")) {
					name, ok := resources[on.(string)]
					if !ok {
						t.Errorf("%s: %v on %v, which is no resource that a function may name", function, action, on)
					}
					out = append(out, fmt.Sprintf("%s on %s%s", action, name, condition))
				}
			}
		}
	}
	slices.Sort(out)
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

func TestBoundaryHoldsEveryRight(t *testing.T) {
	allowed := map[string]bool{}
	eachStatement(properties(t, "Boundary"), func(s map[string]any) {
		for _, action := range texts(s["Action"]) {
			allowed[action.(string)] = true
		}
	})
	for f, rights := range roles {
		for _, right := range rights {
			if action, _, _ := strings.Cut(right, " "); !allowed[action] {
				t.Errorf("%s has %s, which the resource Boundary forbids", f, action)
			}
		}
	}
}

// A main that reads the root key in init needs the right to, and one that needs the key should read it there.
func TestRootKeyIsReadEarlyByThoseThatMay(t *testing.T) {
	warm := regexp.MustCompile(`web\.Warm\(s\.Warm\)`)
	for _, f := range functions(t) {
		early := warm.Match(read(t, "functions", f, "main.go"))
		may := slices.Contains(roles[f], "secretsmanager:GetSecretValue on key")
		if early != may {
			t.Errorf("functions/%s reads the root key in init: %t; its role may read it: %t. Use Warm with the right and WarmTable without", f, early, may)
		}
	}
}
