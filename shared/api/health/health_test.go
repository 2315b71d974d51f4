package health

import (
	"encoding/json"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	const commit = "0f1c77b2a9d4e5f60718293a4b5c6d7e8f901234"
	main := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: commit}
	for _, tt := range []struct {
		name  string
		given Build
		info  *debug.BuildInfo
		want  Build
	}{
		{"what the linker was told", Build{"v1.2.0", commit, "eu-west-1"}, main(devel), Build{"v1.2.0", commit, "eu-west-1"}},
		{"what Go wrote, where the linker was told nothing", Build{Region: "eu-west-1"}, main("v0.0.0-20260115120000-0f1c77b2a9d4+dirty", revision),
			Build{"v0.0.0-20260115120000-0f1c77b2a9d4+dirty", commit, "eu-west-1"}},
		{"the linker's word counts for more", Build{"v1.2.0", "feed", "eu-west-1"}, main("v1.1.0", revision), Build{"v1.2.0", "feed", "eu-west-1"}},
		{"a build without a repository", Build{Region: "us-east-1"}, main(devel), Build{Unknown, Unknown, "us-east-1"}},
		{"a program that knows nothing of its build", Build{}, nil, Build{Unknown, Unknown, Unknown}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, describe(tt.given, tt.info)); d != "" {
				t.Errorf("describe (-want +got):\n%s", d)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"everybody may ask", "GET", "/health", 200, ""},
		{"another method", "POST", "/health", 405, "GET"},
		{"another path", "GET", "/health/x", 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler("eu-central-1").ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
			if w.Code != tt.status || w.Header().Get("Allow") != tt.allow {
				t.Fatalf("%s %s = %d, Allow %q; want %d, %q", tt.method, tt.path, w.Code, w.Header().Get("Allow"), tt.status, tt.allow)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q, want no-store", got)
			}
		})
	}
}

func TestAnswerHasThreeFieldsAndNoOther(t *testing.T) {
	w := httptest.NewRecorder()
	Handler("eu-central-1").ServeHTTP(w, httptest.NewRequest("GET", "/health", strings.NewReader("")))
	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	for _, name := range []string{"version", "commit", "region"} {
		if got[name] == "" {
			t.Errorf("the answer %v has no %s", got, name)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("the answer also has %v", got)
	}
}
