package privilege

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assetry/assetry/infra/template"
)

// Stack is what CloudFormation is given: template.yaml after SAM's transformation.
type Stack struct {
	Resources map[string]Resource
}

// Resource is one of a Stack.
type Resource struct {
	Type       string
	Properties map[string]any
}

// Transform lets SAM's own translator make the stack of the template in a folder, with parameters that are not at their defaults as
// Name=value. Python is the interpreter that has SAM installed, as `make test` installs it in .tools/sam/bin/python.
func Transform(python, root string, parameters ...string) (*Stack, error) {
	args := append([]string{"-W", "ignore", filepath.Join(root, "infra/house/transform.py"), filepath.Join(root, "template.yaml")}, parameters...)
	out, err := exec.Command(python, args...).Output()
	if err != nil {
		var e *exec.ExitError
		if errors.As(err, &e) {
			err = fmt.Errorf("%w: %s", err, e.Stderr)
		}
		return nil, fmt.Errorf("transform template.yaml: %w", err)
	}
	var s Stack
	if err := json.Unmarshal(out, &s); err != nil {
		return nil, fmt.Errorf("transform template.yaml: %w", err)
	}
	return &s, nil
}

// each calls visit for the resources of a type, in the order of their names.
func (s *Stack) each(kind string, visit func(name string, r Resource)) {
	for _, name := range slices.Sorted(maps.Keys(s.Resources)) {
		if r := s.Resources[name]; r.Type == kind {
			visit(name, r)
		}
	}
}

// Roles are the roles of all functions, in the order of the functions' names. The error is of a policy that is not understood: to pass over
// one would leave its rights unseen.
func (s *Stack) Roles() ([]Role, error) {
	boundary, err := s.boundary()
	if err != nil {
		return nil, err
	}
	var out []Role
	var errs []error
	s.each("AWS::Lambda::Function", func(name string, f Resource) {
		r, err := s.role(name, f, boundary)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		out = append(out, r)
	})
	slices.SortFunc(out, func(a, b Role) int { return strings.Compare(a.Function, b.Function) })
	return out, errors.Join(errs...)
}

// boundary are the rights of the resource Boundary.
func (s *Stack) boundary() ([]Right, error) {
	b, ok := s.Resources["Boundary"]
	if !ok {
		return nil, errors.New("the stack has no resource Boundary")
	}
	allowed, denied, err := s.statements(b.Properties["PolicyDocument"])
	if err == nil && len(denied) > 0 {
		err = errors.New("it denies something; a boundary lists what may be")
	}
	if err != nil {
		return nil, fmt.Errorf("the resource Boundary: %w", err)
	}
	return allowed, nil
}

// role is the role of a function within the boundary.
func (s *Stack) role(name string, f Resource, boundary []Right) (Role, error) {
	r := Role{Function: template.FolderOf(name)}
	role, err := s.roleOf(f)
	if err != nil {
		return r, err
	}
	if ref, _ := role.Properties["PermissionsBoundary"].(map[string]any); ref["Ref"] != "Boundary" {
		return r, errors.New("the role has no PermissionsBoundary !Ref Boundary")
	}
	own, denied, err := s.ownPolicies(role)
	if err != nil {
		return r, err
	}
	fromStack, fromAWS, err := s.ownManaged(role.Properties["ManagedPolicyArns"])
	if err != nil {
		return r, err
	}
	for _, g := range append(own, fromStack...) {
		if slices.ContainsFunc(boundary, func(b Right) bool { return b.covers(g) }) {
			r.Rights = append(r.Rights, g)
		} else {
			r.Beyond = append(r.Beyond, g)
		}
	}
	r.Rights = append(r.Rights, within(fromAWS, boundary)...)
	r.Rights = slices.DeleteFunc(r.Rights, func(g Right) bool {
		return slices.ContainsFunc(denied, func(d denial) bool { return d.takes(g) })
	})
	slices.SortFunc(r.Rights, compareRights)
	r.Rights = slices.Compact(r.Rights)
	r.Unseen = s.unseen(name, r)
	return r, nil
}

// roleOf is the role that a function names.
func (s *Stack) roleOf(f Resource) (Resource, error) {
	if ref, ok := f.Properties["Role"].(map[string]any); ok {
		if att, ok := ref["Fn::GetAtt"].([]any); ok && len(att) == 2 {
			if r, ok := s.Resources[fmt.Sprint(att[0])]; ok {
				return r, nil
			}
		}
	}
	return Resource{}, fmt.Errorf("its role %v is not in the stack", f.Properties["Role"])
}

// ownPolicies are the statements that the template or SAM wrote into a role.
func (s *Stack) ownPolicies(role Resource) (allowed []Right, denied []denial, err error) {
	for _, p := range list(role.Properties["Policies"]) {
		policy, _ := p.(map[string]any)
		a, d, err := s.statements(policy["PolicyDocument"])
		if err != nil {
			return nil, nil, fmt.Errorf("policy %v: %w", policy["PolicyName"], err)
		}
		allowed, denied = append(allowed, a...), append(denied, d...)
	}
	return allowed, denied, nil
}

// list is a list, or one value as a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// Routed are the functions that answer requests of the HTTP API, by their folders' names, ordered.
func (s *Stack) Routed() (out []string) {
	s.each("AWS::Lambda::Permission", func(_ string, p Resource) {
		if p.Properties["Principal"] == "apigateway.amazonaws.com" {
			out = append(out, template.FolderOf(of(p.Properties["FunctionName"])))
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}
