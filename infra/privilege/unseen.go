package privilege

import (
	"fmt"
	"strings"
)

// Why rights are used without a call that a recorder could see.
const (
	whyLogs        = "Lambda itself writes what a function prints, with the function's role."
	whyStream      = "The event source mapping reads the table's stream with the function's role; ListStreams has no resource to name."
	whyQueue       = "The event source mapping takes messages off the function's queue, and removes them, with the function's role."
	whyDestination = "Lambda writes events that the function could not handle into the bucket FailedEvents, with the function's role and under keys of its own making; it asks for the right to list before."
	whyTrace       = "X-Ray's daemon beside the function sends what it traced, where tracing is on; it has no resource to name."
	whyKey         = "S3, DynamoDB, SQS and Secrets Manager use the key in the name of whoever calls them, where the stack was given a key of its own. The engines of this machine have no keys."
)

// unseen lists, for a function, which of its rights cannot be recorded, and why. It follows from how the function is invoked.
func (s *Stack) unseen(logical string, r Role) (out []Unseen) {
	add := func(why, on string, actions ...string) {
		for _, a := range actions {
			for _, g := range r.Rights {
				if g.Action == a && (g.Resource == on || on == "") {
					out = append(out, Unseen{g, why})
				}
			}
		}
	}
	add(whyLogs, "LogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
	s.sources(logical, func(source string) {
		if strings.HasSuffix(source, "/stream") {
			add(whyStream, source, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
			add(whyStream, "*", "dynamodb:ListStreams")
			return
		}
		add(whyQueue, source, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	})
	if bucket := s.destination(logical); bucket != "" {
		add(whyDestination, bucket, "s3:ListBucket")
		add(whyDestination, bucket+"/*", "s3:PutObject")
	}
	if f := s.Resources[logical]; f.Properties["TracingConfig"] != nil {
		add(whyTrace, "*", tracing...)
	}
	for _, g := range r.Rights {
		if strings.HasPrefix(g.Action, "kms:") && g.Resource != "*" {
			out = append(out, Unseen{g, whyKey})
		}
	}
	return out
}

// sources calls visit with the stream and the queues that a function is invoked from.
func (s *Stack) sources(logical string, visit func(source string)) {
	s.each("AWS::Lambda::EventSourceMapping", func(_ string, m Resource) {
		if of(m.Properties["FunctionName"]) == logical {
			if name, err := s.name(m.Properties["EventSourceArn"]); err == nil {
				visit(name)
			}
		}
	})
}

// destination is the bucket of events that a function could not handle; "" where there is none.
func (s *Stack) destination(logical string) (bucket string) {
	for _, kind := range []string{"AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig"} {
		s.each(kind, func(_ string, m Resource) {
			if of(m.Properties["FunctionName"]) != logical {
				return
			}
			config, _ := m.Properties["DestinationConfig"].(map[string]any)
			failure, _ := config["OnFailure"].(map[string]any)
			if name, err := s.name(failure["Destination"]); err == nil && s.Resources[name].Type == "AWS::S3::Bucket" {
				bucket = name
			}
		})
	}
	return bucket
}

// of is the function that a reference names.
func of(v any) string {
	m, _ := v.(map[string]any)
	if att, ok := m["Fn::GetAtt"].([]any); ok && len(att) > 0 {
		return fmt.Sprint(att[0])
	}
	return fmt.Sprint(m["Ref"])
}
