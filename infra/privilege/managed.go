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
	"AWSXRayDaemonWriteAccess": {
		"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries",
	},
}

// within are the rights that managed policies leave in a boundary: they are on everything, so the boundary's resources remain.
func within(arns any, boundary []Right) (out []Right, err error) {
	for _, v := range alternatives(arns) {
		arn, err := managedName(v)
		if err != nil {
			return nil, err
		}
		for _, b := range boundary {
			if slices.Contains(managed[arn], b.Action) {
				out = append(out, b)
			}
		}
	}
	return out, nil
}

// managedName is the end of the ARN of a managed policy that is known.
func managedName(v any) (string, error) {
	arn := fmt.Sprint(v)
	if m, ok := v.(map[string]any); ok {
		arn = fmt.Sprint(m["Fn::Sub"])
	}
	name := arn[strings.LastIndexByte(arn, '/')+1:]
	if _, known := managed[name]; !known {
		return "", fmt.Errorf("the managed policy %s is not known: write its statements into the function's Policies, or its actions into infra/privilege/managed.go", arn)
	}
	return name, nil
}
