package template

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Function is one AWS::Serverless::Function with the template's Globals merged in.
type Function struct {
	Name        string // the logical id, such as AssetsCreateFunction
	Folder      string // where it is below functions/, such as assets-create
	CodeURI     string
	Handler     string
	BuildMethod string            // of Metadata
	LogFormat   string            // JSON or Text, which is Lambda's default
	LogLevel    string            // of the application's lines, such as INFO; empty: not set
	Timeout     time.Duration     // SAM's default is 3 s
	MemorySize  int               // MB; SAM's default is 128
	Environment map[string]string // references without a value as ${Name}
	Events      []Event           // in the order of the template

	// What Lambda does with an asynchronous invocation, which is what schedules, buckets and buses make.
	AsyncRetries  int           // repetitions of one that failed; Lambda's default is 2
	MaxEventAge   time.Duration // how long it is tried; Lambda's default is 6 h
	OnFailure     string        // logical id of the bucket or queue that takes what was given up; empty: it is dropped
	RecursiveLoop string        // Terminate, which is Lambda's default, or Allow
}

// Defaults for a function that says nothing else: SAM's for its size, Lambda's for the rest.
const (
	defaultTimeout  = 3 * time.Second
	defaultMemory   = 128
	defaultRetries  = 2
	defaultEventAge = 6 * time.Hour
)

// FolderOf is the folder of a function by its logical id: AssetsCreateFunction is in functions/assets-create.
func FolderOf(logical string) string {
	var b strings.Builder
	for i, r := range strings.TrimSuffix(logical, "Function") {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func (b *builder) readFunction(r resource) {
	p := fields{b, r.name, merge(b.globals, r.fields.m)}
	logging := p.below("LoggingConfig")
	f := Function{
		Name: r.name, Folder: FolderOf(r.name), CodeURI: p.text("CodeUri"), Handler: p.text("Handler"), BuildMethod: text(r.metadata["BuildMethod"]),
		LogFormat: logging.text("LogFormat"), LogLevel: logging.text("ApplicationLogLevel"),
		Timeout: p.seconds("Timeout", defaultTimeout), MemorySize: p.integer("MemorySize", defaultMemory), Environment: map[string]string{},
		RecursiveLoop: p.text("RecursiveLoop"),
	}
	if f.LogFormat == "" {
		f.LogFormat = "Text"
	}
	if f.RecursiveLoop == "" {
		f.RecursiveLoop = "Terminate"
	}
	if _, ok := p.m["FunctionUrlConfig"]; ok {
		p.complain("FunctionUrlConfig is not read: the HTTP API serves all functions")
	}
	variables := fields{b, r.name + ".Environment.Variables", merge(b.variables, r.variables)}
	for name := range variables.m {
		f.Environment[name] = variables.text(name)
	}
	b.readAsync(&f, p.below("EventInvokeConfig"))
	events := fields{b, r.name + ".Events", object(p.m["Events"])}
	for _, name := range keysInOrder(child(r.node, "Properties", "Events")) {
		if _, ok := events.m[name]; ok { // else it is AWS::NoValue
			f.Events = append(f.Events, b.readEvent(f.Name, name, events.below(name))...)
		}
	}
	b.Functions = append(b.Functions, f)
}

func (b *builder) readAsync(f *Function, p fields) {
	p.only("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
	f.AsyncRetries = p.integer("MaximumRetryAttempts", defaultRetries)
	f.MaxEventAge = p.seconds("MaximumEventAgeInSeconds", defaultEventAge)
	f.OnFailure = onFailure(p)
}

// onFailure is the bucket or the queue of a DestinationConfig; empty without one.
func onFailure(p fields) string {
	d := p.below("DestinationConfig")
	d.only("OnFailure")
	o := d.below("OnFailure")
	if len(o.m) == 0 {
		return ""
	}
	o.only("Type", "Destination")
	return o.target("Destination", typeBucket, typeQueue)
}

// merge is what SAM makes of Globals and a function's own properties: mappings are joined, the function's own word wins, lists are appended.
func merge(global, own map[string]any) map[string]any {
	m := maps.Clone(global)
	if m == nil {
		m = map[string]any{}
	}
	for k, v := range own {
		below, isMap := v.(map[string]any)
		globalBelow, wasMap := m[k].(map[string]any)
		list, isList := v.([]any)
		globalList, wasList := m[k].([]any)
		switch {
		case isMap && wasMap:
			m[k] = merge(globalBelow, below)
		case isList && wasList:
			m[k] = slices.Concat(globalList, list)
		default:
			m[k] = v
		}
	}
	return m
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
