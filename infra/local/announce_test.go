package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/local/state"
)

func TestTheReadyFileSaysWhereEverythingIs(t *testing.T) {
	s := &stack{settings: state.Settings{Addr: "127.0.0.1:8080", S3Addr: "127.0.0.1:9000", Workspace: "ws_1", APIKey: "sk_live_1", Orders: state.Client{ID: "cl_1", Secret: "cs_live_1"}}}
	path := filepath.Join(t.TempDir(), "ready.json")
	var out bytes.Buffer
	if err := s.announce(options{data: ".assetry", ready: path}, &out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"api": "http://127.0.0.1:8080", "s3": "http://127.0.0.1:9000", "workspace_id": "ws_1", "api_key": "sk_live_1",
		"orders": map[string]any{"client_id": "cl_1", "client_secret": "cs_live_1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ready file (-want +got):\n%s", diff)
	}
	if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("the ready file, which holds the key, has mode %v, %v", i.Mode().Perm(), err)
	}
	for _, part := range []string{"http://127.0.0.1:8080/api/v1", "http://127.0.0.1:9000", "ws_1", "sk_live_1", "cl_1", "cs_live_1", "curl ", ".assetry"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("people are not told %q:\n%s", part, out.String())
		}
	}
	if err := s.announce(options{ready: filepath.Join(t.TempDir(), "no", "folder", "ready.json")}, &out); err == nil {
		t.Error("a ready file that cannot be written: no error")
	}
}
