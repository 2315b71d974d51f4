package template

import (
	"strings"
	"testing"
)

// one is a template of a function with one event, beside a table, a queue and a bus.
func one(event string) string {
	return `Resources:
  Table: {Type: AWS::DynamoDB::Table}
  Queue: {Type: AWS::SQS::Queue}
  Bus: {Type: AWS::Events::EventBus}
  F:
    Type: AWS::Serverless::Function
    Properties: {Events: {E: ` + event + `}}
`
}

// beside is a template of a resource beside a function, a queue and a bus.
func beside(kind, properties string) string {
	return one("{Type: Schedule, Properties: {Schedule: rate(1 minute)}}") + "  R: {Type: '" + kind + "', Properties: {" + properties + "}}\n"
}

// alone is the beginning of a template of one function.
const alone = "Resources:\n  A: {Type: AWS::Serverless::Function, Properties: {"

func TestWrongTemplatesAreRefusedWithTheReason(t *testing.T) {
	stream := func(more string) string {
		return one("{Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: TRIM_HORIZON, " + more + "}}")
	}
	queue := func(more string) string {
		return one("{Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, " + more + "}}")
	}
	for name, c := range map[string]struct{ body, want string }{
		"an empty file":                     {"", "empty"},
		"a list":                            {"- a\n", "not a mapping"},
		"not YAML":                          {"a: [", "yaml"},
		"an alias":                          {"a: &a 1\nb: *a\n", "line 2: an alias"},
		"one route twice":                   {one("{Type: HttpApi, Properties: {Method: GET, Path: /a}}") + "  G: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: HttpApi, Properties: {Method: get, Path: /a}}}}}\n", `"GET /a" belongs to both F and G`},
		"a method without a path":           {one("{Type: HttpApi, Properties: {Method: GET}}"), "F.Events.E.Properties: it has only one of Path and Method"},
		"a path with a broken brace":        {one("{Type: HttpApi, Properties: {Method: GET, Path: '/a/{b'}}"), "neither a literal"},
		"a greedy segment inside":           {one("{Type: HttpApi, Properties: {Method: GET, Path: '/a/{b+}/c'}}"), "not the last segment"},
		"credentials for all origins":       {beside("AWS::Serverless::HttpApi", "CorsConfiguration: {AllowOrigins: ['*'], AllowCredentials: true}"), "name the origins"},
		"an event of another type":          {one("{Type: Kinesis}"), `F.Events.E: events of type "Kinesis" are not read`},
		"an event without a type":           {one("{}"), `events of type "" are not read`},
		"a stream of no table":              {one("{Type: DynamoDB, Properties: {Stream: !GetAtt Queue.Arn, StartingPosition: TRIM_HORIZON}}"), "Stream refers to Queue, which is no AWS::DynamoDB::Table"},
		"a stream from the latest change":   {one("{Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: LATEST}}"), `StartingPosition is "LATEST"`},
		"a stream with windows":             {stream("TumblingWindowInSeconds: 9"), "the property TumblingWindowInSeconds is not read"},
		"a filter with an unknown rule":     {stream("FilterCriteria: {Filters: [{Pattern: '{\"a\": [{\"suffix\": \"x\"}]}'}]}"), `the rule {"suffix":"x"}`},
		"filters that are no list":          {stream("FilterCriteria: {Filters: {}}"), "Filters is map[], want a list"},
		"an answer of another kind":         {stream("FunctionResponseTypes: [ReportAll]"), `"ReportAll"`},
		"a success destination":             {stream("DestinationConfig: {OnSuccess: {}}"), "the property OnSuccess is not read"},
		"a failure without a destination":   {stream("DestinationConfig: {OnFailure: {Type: S3}}"), `Destination is "", want a reference`},
		"a batch that is no number":         {stream("BatchSize: many"), "BatchSize is many, want a whole number"},
		"a switch that is no bool":          {stream("BisectBatchOnFunctionError: perhaps"), "want true or false"},
		"a queue by its ARN":                {one("{Type: SQS, Properties: {Queue: 'arn:aws:sqs:eu-west-1:000000000000:q'}}"), "want a reference to a resource of this template"},
		"a queue that is not there":         {one("{Type: SQS, Properties: {Queue: !GetAtt Other.Arn}}"), "Queue refers to Other"},
		"a queue with provisioned pollers":  {queue("ProvisionedPollerConfig: {MinimumPollers: 2}"), "ProvisionedPollerConfig is not read"},
		"a concurrency that is no number":   {queue("ScalingConfig: {MaximumConcurrency: !Ref Table}"), "MaximumConcurrency is ${Table}"},
		"a schedule by cron":                {one("{Type: Schedule, Properties: {Schedule: 'cron(0 12 * * ? *)'}}"), `"cron(0 12 * * ? *)" is none of`},
		"a notification by an odd rule":     {beside("AWS::S3::Bucket", "NotificationConfiguration: {LambdaConfigurations: [{Event: 's3:ObjectCreated:*', Function: !GetAtt F.Arn, Filter: {S3Key: {Rules: [{Name: regexp, Value: x}]}}}]}"), `not "regexp"`},
		"a notification of no function":     {beside("AWS::S3::Bucket", "NotificationConfiguration: {LambdaConfigurations: [{Event: 's3:ObjectCreated:*', Function: !GetAtt Queue.Arn}]}"), "Function refers to Queue"},
		"a notification of a queue":         {beside("AWS::S3::Bucket", "NotificationConfiguration: {QueueConfigurations: []}"), "the property QueueConfigurations is not read"},
		"a queue that keeps order":          {beside("AWS::SQS::Queue", "FifoQueue: true"), "FifoQueue"},
		"dead letters at once":              {beside("AWS::SQS::Queue", "RedrivePolicy: {deadLetterTargetArn: !GetAtt Queue.Arn, maxReceiveCount: 0}"), "maxReceiveCount is 0"},
		"a rule to a function":              {beside("AWS::Events::Rule", "EventBusName: !Ref Bus, EventPattern: {source: [a]}, Targets: [{Arn: !GetAtt F.Arn}]"), "Arn refers to F, which is no AWS::SQS::Queue"},
		"a rule that rewrites events":       {beside("AWS::Events::Rule", "EventBusName: !Ref Bus, EventPattern: {source: [a]}, Targets: [{Arn: !GetAtt Queue.Arn, InputPath: $.detail}]"), "InputPath is not read"},
		"a rule by the clock":               {beside("AWS::Events::Rule", "EventBusName: !Ref Bus, ScheduleExpression: rate(1 minute)"), "ScheduleExpression is not read"},
		"a rule without a pattern":          {beside("AWS::Events::Rule", "EventBusName: !Ref Bus"), "EventPattern"},
		"a source beside the functions":     {beside("AWS::Lambda::EventSourceMapping", "FunctionName: F"), "R: resources of type AWS::Lambda::EventSourceMapping are not read"},
		"a variable of an unknown function": {alone + "Environment: {Variables: {X: !ImportValue Y}}}}\n", "A.Environment.Variables: X is map[Fn::ImportValue:Y], want a text"},
		"a function with a URL":             {alone + "FunctionUrlConfig: {AuthType: NONE}}}\n", "FunctionUrlConfig is not read"},
		"a setting of another kind":         {alone + "EventInvokeConfig: {Retries: 3}}}\n", "A.EventInvokeConfig: the property Retries is not read"},
		"an unknown condition":              {"Resources: {T: {Type: AWS::DynamoDB::Table, Condition: Never}}\n", `no condition "Never"`},
		"a condition of itself":             {"Conditions: {A: !Not [!Condition B], B: !Condition A}\nResources: {T: {Type: X, Condition: A}}\n", "depends on itself"},
		"a condition of another kind":       {"Conditions: {A: !Contains [a, b]}\nResources: {T: {Type: X, Condition: A}}\n", "line 1: a condition is Equals"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.body), Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Parse = %v, want an error with %q", err, c.want)
			}
		})
	}
	if _, err := Read("testdata/absent.yaml", Options{}); err == nil {
		t.Error("Read of a file that is not there = nil, want an error")
	}
}

func TestWrongParametersAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"Nothing", "x", "no parameter Nothing"},
		{"Architecture", "mips", `Architecture: "mips" is not among [arm64 x86_64]`},
		{"Patience", "long", `"long" is no number`},
		{"Patience", "0", "0 is beyond MinValue, 1"},
		{"Patience", "901", "901 is beyond MaxValue, 900"},
	} {
		_, err := Read(testTemplate, Options{Parameters: map[string]string{tt.name: tt.value}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s=%s: %v, want an error with %q", tt.name, tt.value, err, tt.want)
		}
	}
}

func TestEveryProblemIsToldAtOnce(t *testing.T) {
	_, err := Parse([]byte(one("{Type: SQS, Properties: {Queue: !Ref Table, BatchSize: x}}")), Options{})
	if err == nil || !strings.Contains(err.Error(), "Queue refers to Table") || !strings.Contains(err.Error(), "BatchSize is x") {
		t.Errorf("Parse = %v, want both problems", err)
	}
}
