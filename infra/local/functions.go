package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/gateway"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/api/assets/routes"
	"github.com/assetry/assetry/shared/api/fallback"
	"github.com/assetry/assetry/shared/api/health"
	"github.com/assetry/assetry/shared/api/links"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
)

// httpFunction is a function behind the gateway.
type httpFunction func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// httpFunctions are the functions behind the gateway, by the name of their folder.
func httpFunctions(s *boot.Services) map[string]httpFunction {
	fs := map[string]httpFunction{
		links.Function:  web.Invoke(links.Open(s)),
		"fallback":      web.Invoke(fallback.Handler()),
		health.Function: web.Invoke(health.Handler(localRegion)),
	}
	for _, r := range routes.Routes(s) {
		fs[r.Function] = web.Invoke(r.Handler)
	}
	return fs
}

// api is the HTTP API of a template over functions in this process. Functions of the template that are missing here are an error.
func api(path string, s *boot.Services) (http.Handler, error) {
	tmpl, err := template.Read(path, template.Options{})
	if err != nil {
		return nil, err
	}
	fs := httpFunctions(s)
	for _, f := range tmpl.Functions {
		for _, e := range template.EventsOf[template.HttpApi](f) {
			if _, known := fs[f.Folder]; !known {
				return nil, fmt.Errorf("template %s routes %s to %s, which is not among the functions of this program; rebuild it, or give the template it was built with", path, e.Key(), f.Name)
			}
		}
	}
	invoke := func(ctx context.Context, function string, in events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		return fs[template.FolderOf(function)](ctx, in)
	}
	return gateway.New(tmpl, invoke, gateway.Options{}), nil
}

// overWire passes an event through JSON, so that a handler sees only what travels.
func overWire[E any](handle func(context.Context, E) error) func(context.Context, E) error {
	return func(ctx context.Context, e E) error {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		var wire E
		if err := json.Unmarshal(b, &wire); err != nil {
			return err
		}
		return handle(ctx, wire)
	}
}
