// Package template reads a SAM template as the programs of this repository need it: the functions with their settings and the events that
// invoke them, the HTTP API's CORS, queues, rules of event buses, and notifications of buckets.
//
// It evaluates what CloudFormation and SAM would: parameters, conditions, Globals, and the intrinsic functions Ref, GetAtt, Sub, If, Join,
// Select and Split in their short and long forms. A reference to a resource stays as ${Name} or ${Name.Attribute} unless its value is given.
//
// A template is refused when it says something that decides when or with what a function is run and that this package does not know, such as
// an event of another type: whoever runs functions by a template must not quietly run fewer than AWS would.
package template

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"gopkg.in/yaml.v3"
)

// Options are what a template does not say itself; the zero value reads it with its own defaults.
type Options struct {
	// Parameters replace the defaults of the template's parameters. One that the template does not declare, or a value that it does not allow,
	// is an error.
	Parameters map[string]string
	// Values resolve references in the variables of functions: the names of resources ("Table"), their attributes ("Table.StreamArn") and
	// pseudo parameters ("AWS::StackName"). A reference without a value stays as text: ${Table}.
	Values map[string]string
}

// Template is what a SAM template says about functions and what invokes them.
type Template struct {
	Parameters    map[string]string // name to value, of those that have one
	Functions     []Function        // in the order of the template
	CORS          *CORS             // of the AWS::Serverless::HttpApi; nil without CorsConfiguration
	Queues        []Queue           // in the order of the template
	Rules         []Rule            // in the order of the template
	Notifications []Notification    // in the order of the template
	Types         map[string]string // every resource whose condition holds: logical id to CloudFormation type
}

// CloudFormation's names of the resources that are read.
const (
	typeFunction = "AWS::Serverless::Function"
	typeHttpApi  = "AWS::Serverless::HttpApi"
	typeTable    = "AWS::DynamoDB::Table"
	typeQueue    = "AWS::SQS::Queue"
	typeRule     = "AWS::Events::Rule"
	typeBucket   = "AWS::S3::Bucket"
)

// refused are resources that would invoke or be a function in a way that this package does not read.
var refused = []string{
	"AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Url", "AWS::Serverless::Api",
	"AWS::Serverless::StateMachine", "AWS::Serverless::Application", "AWS::ApiGatewayV2::Route", "AWS::Pipes::Pipe", "AWS::Scheduler::Schedule",
	"AWS::SNS::Subscription",
}

// Read reads the template in a file. What is wrong with it is told all at once.
func Read(path string, o Options) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	t, err := Parse(data, o)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	return t, nil
}

// Parse reads a template from its text.
func Parse(data []byte, o Options) (*Template, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	if len(root.Content) == 0 {
		return nil, errors.New("it is empty")
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("it is not a mapping")
	}
	if err := unaliased(top); err != nil {
		return nil, err
	}
	params, err := parameters(child(top, "Parameters"), o.Parameters)
	if err != nil {
		return nil, err
	}
	b := &builder{Template: &Template{Parameters: params, Types: map[string]string{}}}
	conditions := newConditions(child(top, "Conditions"), params)
	symbolic := &evaluator{params: params, conditions: conditions}
	b.globals = object(object(symbolic.value(child(top, "Globals")))["Function"])
	resolved := &evaluator{params: params, values: o.Values, conditions: conditions}
	b.variables = object(object(object(object(resolved.value(child(top, "Globals")))["Function"])["Environment"])["Variables"])
	b.readResources(child(top, "Resources"), symbolic, resolved)
	if err := errors.Join(append(b.problems, conditions.problems...)...); err != nil {
		return nil, err
	}
	return b.Template, nil
}

// builder puts a template together from its resources.
type builder struct {
	*Template
	globals   map[string]any // of functions
	variables map[string]any // of all functions, with references resolved
	problems  []error
}

// resource is one of a template.
type resource struct {
	name      string
	node      *yaml.Node
	fields    fields         // its Properties, references as ${Name}
	variables map[string]any // of a function, with references resolved
	metadata  map[string]any
}

// readResources reads the resources in two rounds: the types of all first, by which references are judged.
func (b *builder) readResources(n *yaml.Node, symbolic, resolved *evaluator) {
	var rs []resource
	for _, name := range keysInOrder(n) {
		at := child(n, name)
		if c := child(at, "Condition"); c != nil && !symbolic.conditions.holds(c.Value) {
			continue
		}
		b.Types[name] = text(symbolic.value(child(at, "Type")))
		rs = append(rs, resource{
			name: name, node: at, fields: fields{b, name, object(symbolic.value(child(at, "Properties")))},
			variables: object(resolved.value(child(at, "Properties", "Environment", "Variables"))),
			metadata:  object(symbolic.value(child(at, "Metadata"))),
		})
	}
	for _, r := range rs {
		b.read(r)
	}
	b.checkRoutes()
}

func (b *builder) read(r resource) {
	switch kind := b.Types[r.name]; kind {
	case typeFunction:
		b.readFunction(r)
	case typeHttpApi:
		b.readCORS(r.fields)
	case typeQueue:
		b.readQueue(r.fields)
	case typeRule:
		b.readRule(r.fields)
	case typeBucket:
		b.readNotifications(r.fields)
	default:
		if slices.Contains(refused, kind) {
			r.fields.complain("resources of type %s are not read; a function is an AWS::Serverless::Function, and what invokes it stands among its Events", kind)
		}
	}
}

// Function is the function in a folder below functions/, and whether there is one.
func (t *Template) Function(folder string) (Function, bool) {
	i := slices.IndexFunc(t.Functions, func(f Function) bool { return f.Folder == folder })
	if i < 0 {
		return Function{}, false
	}
	return t.Functions[i], true
}

// Variables are the names of the environment variables of all functions, sorted.
func (t *Template) Variables() []string {
	names := map[string]bool{}
	for _, f := range t.Functions {
		for k := range f.Environment {
			names[k] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
