package gateway

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Template is what a SAM template says about functions and their HTTP API.
type Template struct {
	Functions []Function        // in the order of the template
	CORS      *CORS             // of the AWS::Serverless::HttpApi; nil without CorsConfiguration
	Types     map[string]string // every resource: logical name to CloudFormation type
}

// Function is one AWS::Serverless::Function with the template's Globals merged in.
type Function struct {
	Name        string // the logical name
	CodeURI     string
	Handler     string
	BuildMethod string            // of Metadata
	Timeout     time.Duration     // SAM's default is 3 s
	MemorySize  int               // MB; SAM's default is 128
	Environment map[string]string // parameters replaced by their defaults, other references left as ${Name}
	Events      []Event           // in the order of the template
}

// Event is one way in which a function is invoked.
type Event struct {
	Name       string
	Type       string         // HttpApi, S3, DynamoDB, Schedule, SQS, EventBridgeRule ...
	Method     string         // of an HttpApi event, in capitals; ANY for every method; "" for the $default route
	Path       string         // of an HttpApi event; $default for what no route matches
	Properties map[string]any // as in the template, references as in Function.Environment
}

// DefaultRoute is API Gateway's name for the route of what no other route matches.
const DefaultRoute = "$default"

// AnyMethod is API Gateway's name for a route of every method.
const AnyMethod = "ANY"

// SAM's defaults for a function that names no other.
const (
	defaultTimeout = 3 * time.Second
	defaultMemory  = 128
)

// ReadTemplate reads a SAM template. Short and long forms of Ref, Sub, GetAtt and Split are understood; parameters stand for
// their defaults.
func ReadTemplate(path string) (*Template, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	t, err := parseTemplate(data)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", path, err)
	}
	return t, nil
}

func parseTemplate(data []byte) (*Template, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	if len(root.Content) == 0 {
		return nil, fmt.Errorf("it is empty")
	}
	top, ok := evaluate(root.Content[0], parameterDefaults(root.Content[0])).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is not a mapping")
	}
	resources := object(top["Resources"])
	t := &Template{Types: map[string]string{}}
	for _, name := range keysInOrder(child(root.Content[0], "Resources")) {
		r := object(resources[name])
		t.Types[name] = text(r["Type"])
		props := object(r["Properties"])
		switch r["Type"] {
		case "AWS::Serverless::HttpApi":
			if err := t.addCORS(name, props["CorsConfiguration"]); err != nil {
				return nil, err
			}
		case "AWS::Serverless::Function":
			order := keysInOrder(child(root.Content[0], "Resources", name, "Properties", "Events"))
			f, err := newFunction(name, object(object(top["Globals"])["Function"]), r, order)
			if err != nil {
				return nil, err
			}
			t.Functions = append(t.Functions, f)
		}
	}
	_, err := newRoutes(t) // a template with a broken or repeated route is refused here, not at the first request
	return t, err
}

func (t *Template) addCORS(name string, config any) error {
	if config == nil {
		return nil
	}
	if t.CORS != nil {
		return fmt.Errorf("%s: a second HTTP API with CORS; one API serves all dialects", name)
	}
	c, err := newCORS(config)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.CORS = c
	return nil
}

func newFunction(name string, globals, resource map[string]any, order []string) (Function, error) {
	props := maps.Clone(globals)
	if props == nil {
		props = map[string]any{}
	}
	own := object(resource["Properties"])
	maps.Copy(props, own)
	f := Function{
		Name: name, CodeURI: text(props["CodeUri"]), Handler: text(props["Handler"]),
		BuildMethod: text(object(resource["Metadata"])["BuildMethod"]),
		Timeout:     defaultTimeout, MemorySize: defaultMemory, Environment: map[string]string{},
	}
	if s, ok := integer(props["Timeout"]); ok {
		f.Timeout = time.Duration(s) * time.Second
	}
	if mb, ok := integer(props["MemorySize"]); ok {
		f.MemorySize = mb
	}
	for _, scope := range []map[string]any{globals, own} { // SAM merges variables, the function's own win
		for k, v := range object(object(scope["Environment"])["Variables"]) {
			f.Environment[k] = text(v)
		}
	}
	events := object(own["Events"])
	for _, key := range order {
		e, err := newEvent(key, object(events[key]))
		if err != nil {
			return f, fmt.Errorf("%s: %w", name, err)
		}
		f.Events = append(f.Events, e)
	}
	return f, nil
}

func newEvent(name string, m map[string]any) (Event, error) {
	e := Event{Name: name, Type: text(m["Type"]), Properties: object(m["Properties"])}
	if e.Type != "HttpApi" {
		return e, nil
	}
	e.Method, e.Path = strings.ToUpper(text(e.Properties["Method"])), text(e.Properties["Path"])
	switch {
	case e.Path == DefaultRoute, e.Path == "" && e.Method == "":
		e.Method, e.Path = "", DefaultRoute
	case e.Path == "" || e.Method == "":
		return e, fmt.Errorf("event %s has only one of Path and Method; both name a route, neither the %s route", name, DefaultRoute)
	}
	return e, nil
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
