package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/assetry/assetry/infra/local/state"
)

// ready is what tests and scripts read to find the stack.
type ready struct {
	API       string `json:"api"`
	S3        string `json:"s3"`
	Workspace string `json:"workspace_id"`
	APIKey    string `json:"api_key"`
}

// square is a PNG of 16 by 16 orange pixels.
const square = "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mN4EatFEmIY1TCqYfhqAADZ/m8QDwPdrwAAAABJRU5ErkJggg=="

// announce says where everything is, for people, and for programs in the ready file.
func (s *stack) announce(o options, out io.Writer) error {
	r := ready{API: "http://" + s.settings.Addr, S3: "http://" + s.settings.S3Addr, Workspace: s.settings.Workspace, APIKey: s.settings.APIKey}
	_, err := fmt.Fprintf(out, `Assetry is running. Ctrl-C stops it; everything is kept in %s.

  API        %s/api/v1
  Bucket     %s
  Document   %s/api/v1/openapi.json
  Workspace  %s
  API key    %s

Paste this to upload a small orange square, and open the "url" of the answer (for a file of your own: -F file=@FILE):

  curl -sS %s/api/v1/assets -H 'Authorization: Bearer %s' -F workspace_id=%s -F 'file=@-;filename=square.png;type=image/png' < <(base64 -d <<< %s)

`, o.data, r.API, r.S3, r.API, r.Workspace, r.APIKey, r.API, r.APIKey, r.Workspace, square)
	if err != nil || o.ready == "" {
		return err
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return state.WriteFile(o.ready, append(b, '\n'))
}
