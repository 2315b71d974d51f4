package privilege

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// denial takes rights away: those actions on every resource but some.
type denial struct {
	actions []string
	but     []string // resources that it leaves
}

func (d denial) takes(r Right) bool {
	return slices.ContainsFunc(d.actions, func(a string) bool { return matches(a, r.Action) }) &&
		!slices.ContainsFunc(d.but, func(but string) bool { return matches(but, r.Resource) })
}

// statements reads a policy document. Statements and resources that depend on a condition of the template count in both cases.
func (s *Stack) statements(document any) (allowed []Right, denied []denial, err error) {
	doc, ok := document.(map[string]any)
	if !ok {
		return nil, nil, fmt.Errorf("%v is no policy document", document)
	}
	for _, v := range alternatives(doc["Statement"]) {
		st, ok := v.(map[string]any)
		if !ok {
			return nil, nil, fmt.Errorf("%v is no statement", v)
		}
		switch {
		case st["Effect"] == "Allow" && st["NotAction"] == nil && st["NotResource"] == nil:
			rights, err := s.granted(st)
			if err != nil {
				return nil, nil, err
			}
			allowed = append(allowed, rights...)
		case st["Effect"] == "Deny" && st["NotAction"] == nil && st["Condition"] == nil && st["Resource"] == nil:
			d := denial{actions: texts(st["Action"])}
			if d.but, err = s.names(st["NotResource"]); err != nil {
				return nil, nil, err
			}
			denied = append(denied, d)
		default:
			return nil, nil, fmt.Errorf("the statement %v is of a kind that infra/privilege does not read", st)
		}
	}
	return allowed, denied, nil
}

// granted are the rights that a statement allows.
func (s *Stack) granted(st map[string]any) ([]Right, error) {
	on, err := s.names(st["Resource"])
	if err != nil {
		return nil, err
	}
	prefix, when := condition(st["Condition"])
	var out []Right
	for _, a := range texts(st["Action"]) {
		for _, name := range on {
			out = append(out, Right{Action: a, Resource: name, Prefix: prefix, When: when})
		}
	}
	return out, nil
}

// condition reads the prefix of a list and the services of a key out of a condition; everything else it gives as JSON.
func condition(v any) (prefix, when string) {
	operators, ok := v.(map[string]any)
	if !ok {
		return "", ""
	}
	if like, ok := operators["StringLike"].(map[string]any); ok && len(operators) == 1 && len(like) == 1 {
		if p, ok := like["s3:prefix"].(string); ok {
			return p, ""
		}
	}
	if equals, ok := operators["StringEquals"].(map[string]any); ok && len(operators) == 1 && len(equals) == 1 && equals["kms:ViaService"] != nil {
		return "", "asked by " + strings.Join(services(equals["kms:ViaService"]), ", ")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Sprint(v)
	}
	return "", string(b)
}

// services are the first labels of services' domains, such as s3.
func services(v any) (out []string) {
	for _, e := range list(v) {
		text := fmt.Sprint(e)
		if m, ok := e.(map[string]any); ok {
			text = fmt.Sprint(m["Fn::Sub"])
		}
		label, _, _ := strings.Cut(text, ".")
		out = append(out, label)
	}
	return out
}

// texts are the texts of a list, or of one value.
func texts(v any) (out []string) {
	for _, e := range list(v) {
		out = append(out, fmt.Sprint(e))
	}
	return out
}

// alternatives are the values of a list, with both sides of every Fn::If, without AWS::NoValue.
func alternatives(v any) (out []any) {
	for _, e := range list(v) {
		m, _ := e.(map[string]any)
		if choice, ok := m["Fn::If"].([]any); ok && len(choice) == 3 {
			out = append(out, append(alternatives(choice[1]), alternatives(choice[2])...)...)
			continue
		}
		if m["Ref"] != "AWS::NoValue" {
			out = append(out, e)
		}
	}
	return out
}

// names are the resources that a statement names.
func (s *Stack) names(v any) (out []string, err error) {
	for _, e := range alternatives(v) {
		name, err := s.name(e)
		if err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, nil
}

// reference is a name within the text of Fn::Sub.
var reference = regexp.MustCompile(`\$\{(\w+)(?:\.(\w+))?\}`)

// name is a resource as this package calls it.
func (s *Stack) name(v any) (string, error) {
	if text, ok := v.(string); ok {
		return text, nil
	}
	m, _ := v.(map[string]any)
	if ref, ok := m["Ref"].(string); ok {
		return ref, nil
	}
	if att, ok := m["Fn::GetAtt"].([]any); ok && len(att) == 2 {
		return attribute(fmt.Sprint(att[0]), fmt.Sprint(att[1]))
	}
	if join, ok := m["Fn::Join"].([]any); ok && len(join) == 2 {
		parts, err := s.names(join[1])
		return strings.Join(parts, fmt.Sprint(join[0])), err
	}
	if text, ok := m["Fn::Sub"].(string); ok {
		return s.substituted(text)
	}
	return "", fmt.Errorf("the resource %v is not understood", v)
}

// attribute is what an attribute of a resource that policies use names.
func attribute(resource, att string) (string, error) {
	switch att {
	case "Arn":
		return resource, nil
	case "StreamArn":
		return resource + "/stream", nil
	}
	return "", fmt.Errorf("the resource %s.%s is not understood", resource, att)
}

// substituted reads the text of Fn::Sub. A bucket is also named by the ARN that its BucketName makes.
func (s *Stack) substituted(text string) (string, error) {
	named := text
	s.each("AWS::S3::Bucket", func(name string, r Resource) {
		own, _ := r.Properties["BucketName"].(map[string]any)
		arn := fmt.Sprintf("arn:${AWS::Partition}:s3:::%v", own["Fn::Sub"])
		if rest, ok := strings.CutPrefix(text, arn); ok && (rest == "" || rest[0] == '/') {
			named = name + rest
		}
	})
	var err error
	named = reference.ReplaceAllStringFunc(named, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		if m[2] == "" {
			return m[1]
		}
		name, wrong := attribute(m[1], m[2])
		if wrong != nil {
			err = wrong
		}
		return name
	})
	return named, err
}
