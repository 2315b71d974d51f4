package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	const pass = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"pass","Package":"p","Elapsed":0.2}
`
	for _, c := range []struct {
		name, events, shown, err string
	}{
		{"a passing package is one line", pass, "ok   p 0.2s\n1 passed, 0 failed, 0 skipped\n", ""},
		{"a failing test shows its output",
			`{"Action":"output","Package":"p","Test":"TestB","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p","Elapsed":1}
`, "FAIL p TestB\n    got 1, want 2\nFAIL p 1.0s\nfailed package: p\n0 passed, 1 failed, 0 skipped\n", "1 tests and 1 packages failed"},
		{"a skipped test is a failure",
			pass + `{"Action":"output","Package":"p","Test":"TestC","Output":"no engine\n"}
{"Action":"skip","Package":"p","Test":"TestC"}
`, "ok   p 0.2s\nSKIP p TestC\n    no engine\n1 passed, 0 failed, 1 skipped\n", "under make test a skipped test is a failure: p TestC"},
		{"a package without tests is no skip", pass + `{"Action":"skip","Package":"q"}` + "\n",
			"ok   p 0.2s\n1 passed, 0 failed, 0 skipped\n", ""},
		{"a crash shows the test that never ended",
			`{"Action":"output","Package":"p","Test":"TestD","Output":"panic: no\n"}
{"Action":"fail","Package":"p","Elapsed":1}
`, "FAIL p 1.0s\np TestD:\n    panic: no\nfailed package: p\n0 passed, 0 failed, 0 skipped\n", "0 tests and 1 packages failed"},
		{"a compile error is shown",
			`{"ImportPath":"p","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p"}
`, "p.go:1: undefined: x\nFAIL p 0.0s\nfailed package: p\n0 passed, 0 failed, 0 skipped\n", "0 tests and 1 packages failed"},
		{"lines that are no event are shown", pass + "warning: cache\n",
			"ok   p 0.2s\nwarning: cache\n1 passed, 0 failed, 0 skipped\n", ""},
		{"no test at all is a failure", "", "0 passed, 0 failed, 0 skipped\n", "no test ran"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			s := newSummary(&out)
			if err := s.read(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			s.print()
			if out.String() != c.shown {
				t.Errorf("shown:\n%s\nwant:\n%s", out.String(), c.shown)
			}
			got := ""
			if err := s.err(); err != nil {
				got = err.Error()
			}
			if got != c.err {
				t.Errorf("err() = %q, want %q", got, c.err)
			}
		})
	}
}

func TestStampFollowsThePins(t *testing.T) {
	root := t.TempDir()
	pin := filepath.Join(root, "pin")
	x := tool{name: "x", pins: []string{"pin"}}
	stamp := func(content string) string {
		t.Helper()
		if err := os.WriteFile(pin, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := x.stamp(root, "place")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, two, again := stamp("a==1"), stamp("a==2"), stamp("a==1")
	if one == two || one != again {
		t.Errorf("stamps of a==1, a==2, a==1 are %s, %s, %s: want the first and the last equal, the second another", one, two, again)
	}
}

func TestCheckoutsThatShareToolsInstallOnceAndWhereTheyReallyAre(t *testing.T) {
	one, another := t.TempDir(), t.TempDir()
	real := filepath.Join(one, ".tools")
	if err := os.MkdirAll(filepath.Join(real, "stamps"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, filepath.Join(another, ".tools")); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(real)
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	x := tool{name: "x", make: func(_ context.Context, _, dir string) error {
		places = append(places, dir)
		return nil
	}}
	for _, root := range []string{another, one, another} {
		if err := x.install(t.Context(), root); err != nil {
			t.Fatal(err)
		}
	}
	// Programs in virtual environments name their interpreter by its path: that of a checkout which is gone would take them with it.
	if want := []string{filepath.Join(real, "x")}; !slices.Equal(places, want) {
		t.Errorf("it was installed in %v, want %v", places, want)
	}
}

func TestVersionIsChecked(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho 'program \"17.0.15\" 2025-04-15' >&2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		major, minor int
		ok           bool
	}{
		{"the same major version will do", 17, 0, true},
		{"a newer one will do", 11, 5, true},
		{"an older one will not", 18, 0, false},
		{"an older minor version will not", 17, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := need{names: []string{program}, version: []string{"-version"}, major: c.major, minor: c.minor, elsewhere: "program"}
			if err := n.checkVersion(t.Context()); (err == nil) != c.ok {
				t.Errorf("checkVersion() = %v, want ok %t", err, c.ok)
			}
		})
	}
}

func TestWhatIsTestedLast(t *testing.T) {
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	for packages, want := range map[string]plan{
		"./infra/acceptance ./infra/identity": {raced: []string{"github.com/assetry/assetry/infra/identity"}, acceptance: true},
		"./infra/privilege":                   {privilege: true},
		"./shared/pointcloud/xyz":             {sequential: []string{"github.com/assetry/assetry/shared/pointcloud/xyz"}},
		"./infra/identity":                    {raced: []string{"github.com/assetry/assetry/infra/identity"}},
	} {
		got, err := split(t.Context(), root, strings.Fields(packages))
		if err != nil || got.acceptance != want.acceptance || got.privilege != want.privilege || !slices.Equal(got.raced, want.raced) || !slices.Equal(got.sequential, want.sequential) {
			t.Errorf("split(%s) = %+v, %v; want %+v", packages, got, err, want)
		}
	}
	all, err := split(t.Context(), root, nil)
	if err != nil || !all.acceptance || !all.privilege || len(all.raced) < 50 {
		t.Fatalf("split of all = %+v, %v; want everything", all, err)
	}
	for _, path := range sequential {
		if !slices.Contains(all.sequential, path) {
			t.Errorf("%s is not among all packages: take it off the list", path)
		}
	}
	if first := all.raced[:len(longest)]; !slices.Equal(first, longest) {
		t.Errorf("%v are tested first, want those that take longest: %v", first, longest)
	}
}
