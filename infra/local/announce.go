package main

import (
	"fmt"
	"io"

	"github.com/assetry/assetry/infra/local/state"
)

// announce says where everything is, for people, and for programs in the ready file.
func (s *stack) announce(o options, out io.Writer) error {
	r := state.Ready{API: "http://" + s.settings.Addr, S3: "http://" + s.settings.S3Addr, Workspace: s.settings.Workspace, APIKey: s.settings.APIKey, Orders: s.settings.Orders}
	_, err := fmt.Fprintf(out, `Assetry is running. Ctrl-C stops it; everything is kept in %s.

  API        %s/api/v1
  Bucket     %s
  Document   %s/api/v1/openapi.json
  Orders     %s/v1/graphql, explained at %s/v1/graphql/docs
  Workspace  %s
  API key    %s
  Client     %s (Orders API)
  Secret     %s

Paste this to upload a small orange square, and open the "url" of the answer (for a file of your own: -F file=@FILE):

  %s

`, o.data, r.API, r.S3, r.API, r.API, r.API, r.Workspace, r.APIKey, r.Orders.ID, r.Orders.Secret, r.Curl())
	if err != nil {
		return err
	}
	return r.Write(o.ready)
}
