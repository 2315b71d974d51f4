package privilege

import (
	"fmt"
	"slices"
	"strings"
)

// managed are the policies of AWS that SAM attaches, by the ends of their ARNs: actions, all of them on every resource. As AWS publishes them
// in its Managed Policy Reference.
var managed = map[string][]string{
	"AWSLambdaBasicExecutionRole": {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
	"AWSLambdaDynamoDBExecutionRole": {
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
		"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
	},
	"AWSLambdaSQSQueueExecutionRole": {
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
		"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
	},
	"AWSXrayWriteOnlyAccess":   tracing,
	"AWSXRayDaemonWriteAccess": tracing,
}

// tracing are the actions of X-Ray's managed policies.
var tracing = []string{
	"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries",
}

// ownManaged are the statements of managed policies that the template itself has, among those of a role, and the policies that are AWS's.
func (s *Stack) ownManaged(arns any) (own []Right, aws []string, err error) {
	for _, v := range alternatives(arns) {
		if arn, ok := v.(string); ok {
			name := arn[strings.LastIndexByte(arn, '/')+1:]
			if _, known := managed[name]; !known {
				return nil, nil, fmt.Errorf("the managed policy %s is not known: write its statements into the function's Policies, or its actions into infra/privilege/managed.go", arn)
			}
			aws = append(aws, name)
			continue
		}
		m, _ := v.(map[string]any)
		policy, ok := s.Resources[fmt.Sprint(m["Ref"])]
		if !ok || policy.Type != "AWS::IAM::ManagedPolicy" {
			return nil, nil, fmt.Errorf("the managed policy %v is not in the stack", v)
		}
		rights, denied, err := s.statements(policy.Properties["PolicyDocument"])
		if err != nil || len(denied) > 0 {
			return nil, nil, fmt.Errorf("the managed policy %v denies something, or cannot be read: %w", v, err)
		}
		own = append(own, rights...)
	}
	return own, aws, nil
}

// within are the rights that AWS's managed policies leave in a boundary: they are on everything, so the boundary's resources remain.
func within(policies []string, boundary []Right) (out []Right) {
	for _, p := range policies {
		for _, b := range boundary {
			if slices.Contains(managed[p], b.Action) {
				out = append(out, b)
			}
		}
	}
	return out
}
