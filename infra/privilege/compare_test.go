package privilege_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/privilege"
	"github.com/assetry/assetry/infra/recorder"
)

func call(function, action, resource string) recorder.Call {
	return recorder.Call{Function: function, Action: action, Resource: resource}
}

// TestFindings states what is granted to the function sweep, what it did, and what is said of it.
func TestFindings(t *testing.T) {
	get := privilege.Right{Action: "dynamodb:GetItem", Resource: "Table"}
	logs := privilege.Right{Action: "logs:PutLogEvents", Resource: "LogGroup"}
	versions := privilege.Right{Action: "s3:ListBucketVersions", Resource: "Bucket", Prefix: "w/*"}
	for _, tt := range []struct {
		name    string
		granted []privilege.Right
		beyond  []privilege.Right
		calls   []recorder.Call
		want    []string
	}{
		{"what is used and what is written down is granted: nothing to say", []privilege.Right{get, logs}, nil, []recorder.Call{call("sweep", "dynamodb:GetItem", "Table")}, nil},
		{"a right that is missing", []privilege.Right{get}, nil, []recorder.Call{call("sweep", "dynamodb:GetItem", "Table"), call("sweep", "dynamodb:Scan", "Table")}, []string{
			"sweep uses dynamodb:Scan on Table, which its role does not grant: add it to the function's Policies in template.yaml, or do not call it.",
		}},
		{"the right on another resource does not help", []privilege.Right{get}, nil, []recorder.Call{call("sweep", "dynamodb:GetItem", "Table"), call("sweep", "dynamodb:GetItem", "SearchTable")}, []string{
			"sweep uses dynamodb:GetItem on SearchTable, which its role does not grant: add it to the function's Policies in template.yaml, or do not call it.",
		}},
		{"a right that nobody used, also if another function did", []privilege.Right{get}, nil, []recorder.Call{call("open-link", "dynamodb:GetItem", "Table")}, []string{
			"sweep is granted dynamodb:GetItem on Table, which was not used: drop it from the function's Policies in template.yaml, add a story to infra/privilege that uses it, or write down in infra/privilege/unseen.go why it cannot be seen.",
		}},
		{"an asterisk in place of a name", []privilege.Right{{Action: "dynamodb:Query", Resource: "Table/index/*"}}, nil, []recorder.Call{call("sweep", "dynamodb:Query", "Table/index/projects-by-asset")}, []string{
			"sweep is granted dynamodb:Query on Table/index/*, which is more than was used: dynamodb:Query on Table/index/projects-by-asset. Grant no more than that.",
		}},
		{"an asterisk in place of ids", []privilege.Right{{Action: "s3:PutObject", Resource: "Bucket/w/*/source"}}, nil, []recorder.Call{call("sweep", "s3:PutObject", "Bucket/w/*/source")}, nil},
		{"an asterisk in place of more than ids", []privilege.Right{{Action: "s3:PutObject", Resource: "Bucket/*"}}, nil, []recorder.Call{call("sweep", "s3:PutObject", "Bucket/w/*/source")}, []string{
			"sweep is granted s3:PutObject on Bucket/*, which is more than was used: s3:PutObject on Bucket/w/*/source. Grant no more than that.",
		}},
		{"an asterisk in place of actions", []privilege.Right{{Action: "dynamodb:*", Resource: "Table"}}, nil, nil, []string{
			"sweep is granted dynamodb:* on Table: name the actions.",
		}},
		{"a list by its prefix", []privilege.Right{versions}, nil, []recorder.Call{{Function: "sweep", Action: "s3:ListBucketVersions", Resource: "Bucket", Prefix: "w/*"}}, nil},
		{"a list without the prefix", []privilege.Right{versions}, nil, []recorder.Call{{Function: "sweep", Action: "s3:ListBucketVersions", Resource: "Bucket", Prefix: "*"}}, []string{
			"sweep uses s3:ListBucketVersions on Bucket by prefix *, which its role does not grant: add it to the function's Policies in template.yaml, or do not call it.",
			"sweep is granted s3:ListBucketVersions on Bucket by prefix w/*, which was not used: drop it from the function's Policies in template.yaml, add a story to infra/privilege that uses it, or write down in infra/privilege/unseen.go why it cannot be seen.",
		}},
		{"a grant that leaves the prefix open", []privilege.Right{{Action: "s3:ListBucketVersions", Resource: "Bucket"}}, nil, []recorder.Call{{Function: "sweep", Action: "s3:ListBucketVersions", Resource: "Bucket", Prefix: "w/*"}}, []string{
			"sweep is granted s3:ListBucketVersions on Bucket, which is more than was used: s3:ListBucketVersions on Bucket by prefix w/*. Grant no more than that.",
		}},
		{"a grant that the boundary takes away", nil, []privilege.Right{get}, nil, []string{
			"sweep is granted dynamodb:GetItem on Table, which the resource Boundary of template.yaml takes away: add it there, or drop it from the function's Policies.",
		}},
		{"a request that nobody knows a right for", nil, nil, []recorder.Call{{Function: "sweep", Unmapped: "GET ?acl: not known"}, {Function: "sweep", Unmapped: "GET ?acl: not known"}}, []string{
			"sweep sent a request that no right is known for: GET ?acl: not known.",
		}},
		{"a function that the stack does not have", nil, nil, []recorder.Call{call("gone", "dynamodb:GetItem", "Table")}, []string{
			"gone made a call and has no role in the stack: add the function to template.yaml.",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			roles := []privilege.Role{
				{Function: "open-link", Rights: []privilege.Right{get}},
				{Function: "sweep", Rights: tt.granted, Beyond: tt.beyond, Unseen: []privilege.Unseen{{Right: logs, Why: "Lambda writes them."}}},
			}
			calls := append([]recorder.Call{call("open-link", "dynamodb:GetItem", "Table")}, tt.calls...)
			if d := cmp.Diff(tt.want, privilege.Compare(roles, calls)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

// statement is one of a policy.
type statement = map[string]any

// onlyRole is the role of a stack with one function, whose own policy, managed policies and boundary are given.
func onlyRole(t *testing.T, own []any, managed []any, boundary ...any) (privilege.Role, error) {
	t.Helper()
	document := func(ss []any) map[string]any { return map[string]any{"Statement": ss} }
	s := privilege.Stack{Resources: map[string]privilege.Resource{
		"SweepFunction": {Type: "AWS::Lambda::Function", Properties: map[string]any{"Role": map[string]any{"Fn::GetAtt": []any{"SweepFunctionRole", "Arn"}}}},
		"SweepFunctionRole": {Type: "AWS::IAM::Role", Properties: map[string]any{
			"PermissionsBoundary": map[string]any{"Ref": "Boundary"}, "ManagedPolicyArns": managed,
			"Policies": []any{map[string]any{"PolicyName": "own", "PolicyDocument": document(own)}},
		}},
		"Boundary": {Type: "AWS::IAM::ManagedPolicy", Properties: map[string]any{"PolicyDocument": document(boundary)}},
		"Bucket":   {Type: "AWS::S3::Bucket", Properties: map[string]any{"BucketName": map[string]any{"Fn::Sub": "${AWS::StackName}-bytes"}}},
	}}
	roles, err := s.Roles()
	if err != nil {
		return privilege.Role{}, err
	}
	if len(roles) != 1 || roles[0].Function != "sweep" {
		t.Fatalf("roles = %+v", roles)
	}
	return roles[0], nil
}

func TestARoleIsWhatItsPoliciesAndTheBoundaryBothAllow(t *testing.T) {
	table := map[string]any{"Fn::GetAtt": []any{"Table", "Arn"}}
	objects := map[string]any{"Fn::Sub": "arn:${AWS::Partition}:s3:::${AWS::StackName}-bytes/w/*/source"}
	r, err := onlyRole(t, []any{
		statement{"Effect": "Allow", "Action": []any{"dynamodb:GetItem", "dynamodb:Scan"}, "Resource": table},
		statement{"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects},
		map[string]any{"Fn::If": []any{"Some", statement{"Effect": "Allow", "Action": "events:PutEvents", "Resource": map[string]any{"Ref": "Bus"}}, map[string]any{"Ref": "AWS::NoValue"}}},
		statement{"Effect": "Deny", "Action": "sqs:*", "NotResource": map[string]any{"Fn::GetAtt": []any{"Mine", "Arn"}}},
	}, []any{"arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"},
		statement{"Effect": "Allow", "Action": []any{"dynamodb:GetItem"}, "Resource": table},
		statement{"Effect": "Allow", "Action": []any{"s3:GetObject", "s3:PutObject"}, "Resource": map[string]any{"Fn::Sub": "arn:${AWS::Partition}:s3:::${AWS::StackName}-bytes/*"}},
		statement{"Effect": "Allow", "Action": "events:PutEvents", "Resource": map[string]any{"Ref": "Bus"}},
		statement{"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": []any{map[string]any{"Fn::GetAtt": []any{"Mine", "Arn"}}, map[string]any{"Fn::GetAtt": []any{"Yours", "Arn"}}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := []privilege.Right{
		{Action: "s3:GetObject", Resource: "Bucket/w/*/source"}, {Action: "events:PutEvents", Resource: "Bus"},
		{Action: "sqs:ReceiveMessage", Resource: "Mine"}, {Action: "dynamodb:GetItem", Resource: "Table"},
	}
	if d := cmp.Diff(want, r.Rights); d != "" {
		t.Errorf("rights (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]privilege.Right{{Action: "dynamodb:Scan", Resource: "Table"}}, r.Beyond); d != "" {
		t.Errorf("beyond the boundary (-want +got):\n%s", d)
	}
}

func TestPoliciesThatAreNotUnderstoodAreRefused(t *testing.T) {
	table := map[string]any{"Fn::GetAtt": []any{"Table", "Arn"}}
	for name, tt := range map[string]struct{ own, managed []any }{
		"an allowance of everything but": {own: []any{statement{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}},
		"a denial on conditions":         {own: []any{statement{"Effect": "Deny", "Action": "s3:*", "NotResource": table, "Condition": map[string]any{}}}},
		"an attribute that is no ARN":    {own: []any{statement{"Effect": "Allow", "Action": "s3:GetObject", "Resource": map[string]any{"Fn::GetAtt": []any{"Table", "TableId"}}}}},
		"a resource of another function": {own: []any{statement{"Effect": "Allow", "Action": "s3:GetObject", "Resource": map[string]any{"Fn::ImportValue": "x"}}}},
		"a managed policy of AWS":        {managed: []any{"arn:aws:iam::aws:policy/AdministratorAccess"}},
		"a managed policy of nowhere":    {managed: []any{map[string]any{"Ref": "Other"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := onlyRole(t, tt.own, tt.managed); err == nil {
				t.Errorf("Roles = %+v, want an error", r)
			}
		})
	}
}
