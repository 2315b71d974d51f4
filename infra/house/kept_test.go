package house

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// What a deleted stack leaves is taken in again by infra/kept.yaml. The next deployment compares template.yaml with it and changes what differs, so
// nothing may: a table cannot be given two indexes at once, and a secret with other settings is drawn anew.
func TestKeptResourcesAreThoseOfTheTemplate(t *testing.T) {
	var top yaml.Node
	if err := yaml.Unmarshal(read(t, "infra", "kept.yaml"), &top); err != nil {
		t.Fatal(err)
	}
	kept := plain(t, top.Content[0])
	var stay []string
	for name, r := range at(t, raw(t), "Resources").(map[string]any) {
		if policy := r.(map[string]any)["DeletionPolicy"]; policy == nil || policy == "Delete" {
			continue
		}
		stay = append(stay, name)
		want := maps.Clone(at(t, r, "Properties").(map[string]any))
		delete(want, "NotificationConfiguration") // of a function that is not there yet
		if d := cmp.Diff(want, at(t, kept, "Resources", name, "Properties")); d != "" {
			t.Errorf("%s (-template.yaml +infra/kept.yaml):\n%s", name, d)
		}
		if got := at(t, kept, "Resources", name, "DeletionPolicy"); got != "Retain" {
			t.Errorf("DeletionPolicy of %s in infra/kept.yaml is %v; what is imported has to stay when that fails", name, got)
		}
	}
	slices.Sort(stay)
	if d := cmp.Diff(stay, slices.Sorted(maps.Keys(at(t, kept, "Resources").(map[string]any)))); d != "" {
		t.Errorf("what stays when a stack is deleted (-template.yaml +infra/kept.yaml):\n%s", d)
	}
	for name, p := range at(t, kept, "Parameters").(map[string]any) {
		if got, want := at(t, p, "Default"), at(t, raw(t), "Parameters", name, "Default"); got != want {
			t.Errorf("parameter %s of infra/kept.yaml is %q unless said, in template.yaml %q", name, got, want)
		}
	}
}
