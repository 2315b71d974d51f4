package privilege_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/privilege"
	"github.com/assetry/assetry/shared/enginetest"
)

var update = flag.Bool("update", false, "rewrite infra/PERMISSIONS.md")

// transformed is the stack of template.yaml with all that can be switched on, made once: SAM takes seconds.
var transformed = sync.OnceValues(func() (*privilege.Stack, error) {
	root := enginetest.Root()
	return privilege.Transform(filepath.Join(root, ".tools/sam/bin/python"), root, "Tracing=Active")
})

func stackOf(t *testing.T) *privilege.Stack {
	t.Helper()
	enginetest.Tool(t, "sam", "bin", "python")
	s, err := transformed()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func roles(t *testing.T) []privilege.Role {
	t.Helper()
	rs, err := stackOf(t).Roles()
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestEveryFunctionHasARoleWithinTheBoundary(t *testing.T) {
	rs := roles(t)
	folders, err := os.ReadDir(filepath.Join(enginetest.Root(), "functions"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range folders {
		want = append(want, f.Name())
	}
	for _, r := range rs {
		got = append(got, r.Function)
		for _, b := range r.Beyond {
			t.Errorf("%s is granted %s, which the resource Boundary takes away", r.Function, b)
		}
		for _, g := range r.Rights {
			if strings.ContainsAny(g.Action, "*?") {
				t.Errorf("%s is granted %s: name the actions", r.Function, g)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("roles (-functions +roles):\n%s", d)
	}
}

// itemLevel are the actions on the table that name the items they touch, by key or by partition.
var itemLevel = []string{
	"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
	"dynamodb:ConditionCheckItem",
}

func TestRequestFunctionsTouchItemsOnly(t *testing.T) {
	s := stackOf(t)
	routed := s.Routed()
	if len(routed) < 30 {
		t.Fatalf("only %d functions answer requests: %v", len(routed), routed)
	}
	for _, r := range roles(t) {
		for _, g := range r.Rights {
			if strings.HasPrefix(g.Action, "dynamodb:") && slices.Contains(routed, r.Function) && !slices.Contains(itemLevel, g.Action) {
				t.Errorf("%s answers requests and is granted %s; its access is to items only", r.Function, g)
			}
			if g.Action == "dynamodb:Scan" || strings.HasSuffix(g.Action, "Table") {
				t.Errorf("%s is granted %s; nobody scans or changes the table", r.Function, g)
			}
		}
	}
}

func TestTheTableForPeopleIsUpToDate(t *testing.T) {
	path := filepath.Join(enginetest.Root(), "infra/PERMISSIONS.md")
	want := privilege.Table(roles(t))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("infra/PERMISSIONS.md is not what template.yaml grants; `go test ./infra/privilege -update` writes it anew, then read the diff (-want +got):\n%s", d)
	}
}
