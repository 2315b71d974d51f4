package project_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/project"
)

func TestCreate(t *testing.T) {
	h := newHouse(t)
	var prj project.Project
	read, write, requests := domaintest.Spent(t, func(ctx context.Context) {
		var err error
		if prj, err = h.Create(ctx, h.editor, h.w, "Plakat 🎨"); err != nil {
			t.Fatalf("Create: %v", err)
		}
	})
	want := project.Project{ID: prj.ID, Workspace: h.w, Name: "Plakat 🎨", CreatedAt: h.clock.Now(), Version: 1}
	if diff := cmp.Diff(want, prj); diff != "" {
		t.Errorf("Create (-want +got):\n%s", diff)
	}
	if read != 0 || write != 1 || requests != 1 {
		t.Errorf("Create cost %v read and %v write units in %d requests, want 0, 1, 1", read, write, requests)
	}
	got, err := h.Get(t.Context(), h.viewer, prj.ID)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	if diff := cmp.Diff(prj, got); diff != "" {
		t.Errorf("Get (-created +read):\n%s", diff)
	}
}

func TestCreateRefuses(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		name, title string
		who         access.Principal
		want        fault.Kind
	}{
		{"no name", "", h.editor, fault.Invalid},
		{"256 characters", strings.Repeat("x", 256), h.editor, fault.Invalid},
		{"a line separator", "a\u2028b", h.editor, fault.Invalid},
		{"a viewer's key", "new", h.viewer, fault.Forbidden},
		{"a stranger's key", "new", h.stranger, fault.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, write, _ := domaintest.Spent(t, func(ctx context.Context) {
				_, err := h.Create(ctx, tt.who, h.w, tt.title)
				domaintest.WantKind(t, "Create", err, tt.want)
			})
			if write != 0 {
				t.Errorf("a refused Create wrote %v units, want nothing", write)
			}
		})
	}
}

func TestCreateSucceedsWhenTheFirstAnswerWasLost(t *testing.T) {
	h := newHouse(t)
	s := project.New(domaintest.Repeating{Table: h.table}, h.assets, h.sealer, project.Options{})
	prj, err := s.Create(t.Context(), h.editor, h.w, "twice")
	if err != nil {
		t.Fatalf("Create: %v", err)
	}
	if _, err := h.Get(t.Context(), h.editor, prj.ID); err != nil {
		t.Errorf("Get: %v", err)
	}
}

func TestGetRefuses(t *testing.T) {
	h := newHouse(t)
	prj := h.mustCreate(t, "mine")
	_, err := h.Get(t.Context(), h.editor, id.NewProject(h.w, time.Now()))
	domaintest.WantKind(t, "Get of an unknown project", err, fault.NotFound)
	_, foreign := h.Get(t.Context(), h.stranger, prj.ID)
	if diff := cmp.Diff(err, foreign); diff != "" {
		t.Errorf("a stranger's answer differs from that for a missing project:\n%s", diff)
	}
}

func TestGetLooksIntoEveryWorkspaceOfTheTag(t *testing.T) {
	h := newHouse(t)
	twin := id.NewWorkspace(time.UnixMilli(1))
	copy(twin[12:], h.w[12:])
	who := grant(h.w, access.Viewer)
	who.Grants[twin] = access.Viewer
	prj := h.mustCreate(t, "one of two")
	got, err := h.Get(t.Context(), who, prj.ID)
	if err != nil || got.Workspace != h.w {
		t.Errorf("Get = %v, %v, want the project of %v", got, err, h.w)
	}
}

func TestBrokenTableIsAnInternalError(t *testing.T) {
	h := newHouse(t)
	cause := errors.New("disk on fire")
	s := project.New(domaintest.Broken{Err: cause}, h.assets, h.sealer, project.Options{})
	_, create := s.Create(t.Context(), h.editor, h.w, "x")
	_, get := s.Get(t.Context(), h.editor, id.NewProject(h.w, time.Now()))
	_, _, list := s.List(t.Context(), h.editor, h.w, "", "", 1)
	for call, err := range map[string]error{"Create": create, "Get": get, "List": list} {
		if !errors.Is(err, cause) || !fault.Is(err, fault.Internal) {
			t.Errorf("%s on a broken table gave %v, want an internal error with its cause", call, err)
		}
	}
}
