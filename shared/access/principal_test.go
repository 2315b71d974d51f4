package access_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/id"
)

func TestPrincipalWorkspacesAreInOrder(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	p := access.Principal{Grants: map[id.Workspace]access.Role{}}
	var want []id.Workspace
	for i := range 20 {
		w := id.NewWorkspace(start.Add(time.Duration(i) * time.Second))
		p.Grants[w] = access.Viewer
		want = append(want, w)
	}
	if diff := cmp.Diff(want, p.Workspaces()); diff != "" {
		t.Errorf("Workspaces (-want +got):\n%s", diff)
	}
	if got := (access.Principal{}).Workspaces(); len(got) != 0 {
		t.Errorf("Workspaces of the zero principal = %v, want none", got)
	}
}

func TestPrincipalTaggedFindsEveryWorkspaceOfATag(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_000)
	a, b, twin := id.NewWorkspace(start), id.NewWorkspace(start.Add(time.Second)), id.NewWorkspace(start.Add(2*time.Second))
	copy(twin[12:], a[12:])
	copy(b[12:], []byte{a[12] ^ 1, a[13], a[14], a[15]})
	p := access.Principal{Grants: map[id.Workspace]access.Role{twin: access.Viewer, b: access.Owner, a: access.Editor}}
	for _, tt := range []struct {
		name string
		tag  uint32
		want []id.Workspace
	}{
		{"two workspaces share a tag", a.Tag(), []id.Workspace{a, twin}},
		{"one workspace has a tag", b.Tag(), []id.Workspace{b}},
		{"no workspace has a tag", a.Tag() ^ 2, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := p.Tagged(tt.tag)
			if len(got) != len(tt.want) || !cmp.Equal(append([]id.Workspace{}, tt.want...), got) {
				t.Errorf("Tagged(%08x) = %v, want %v", tt.tag, got, tt.want)
			}
		})
	}
}

func TestPrincipalRole(t *testing.T) {
	w := id.NewWorkspace(time.Now())
	p := access.Principal{Grants: map[id.Workspace]access.Role{w: access.Editor}}
	if r, ok := p.Role(w); r != access.Editor || !ok {
		t.Errorf("Role of the own workspace = %q, %v, want editor, true", r, ok)
	}
	if r, ok := p.Role(id.NewWorkspace(time.Now())); r != "" || ok {
		t.Errorf("Role of a foreign workspace = %q, %v, want none", r, ok)
	}
}

func TestRoleValid(t *testing.T) {
	for _, r := range access.Roles() {
		if !r.Valid() {
			t.Errorf("role %q is not valid", r)
		}
	}
	for _, r := range []access.Role{"", "Owner", "admin"} {
		if r.Valid() {
			t.Errorf("role %q is valid", r)
		}
	}
}
