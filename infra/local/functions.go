package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/uuid"

	"github.com/assetry/assetry/infra/dialects"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/product/catalog"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/importing"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/orders"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/trigger/webhooks"
)

// handlers are the functions of this program, by the names of their folders: what their mains give to Lambda.
func handlers(s *boot.Services) map[string]any {
	hs := map[string]any{
		"on-object-created":   object.Handler(s),
		"stream-publish":      change.Publish(s),
		"stream-cleanup":      change.CleanUp(s),
		"sweep":               sweep.Handler(s),
		"on-import-requested": importing.Handler(s),
		"on-webhook-event":    webhooks.Handler(s),
		"webhook-retries":     webhooks.Retries(s),
		"work-order":          orders.Work(s, catalog.Products()...),
		"orders-sweep":        orders.Sweep(s),
	}
	for name, h := range dialects.Handlers(s, here.Region) {
		hs[name] = web.Invoke(h)
	}
	return hs
}

// inProcess are the functions of a template, run in this process.
type inProcess map[string]function

type function struct {
	handler lambda.Handler
	timeout time.Duration
}

// newInProcess finds the handler of every function of a template. One that is missing here is an error.
func newInProcess(t *template.Template, handlers map[string]any) (inProcess, error) {
	p := inProcess{}
	for _, f := range t.Functions {
		h, known := handlers[f.Folder]
		if !known {
			return nil, fmt.Errorf("the template has %s, which is not among the functions of this program; rebuild it, or give the template it was built with", f.Name)
		}
		p[f.Folder] = function{lambda.NewHandler(h), f.Timeout}
	}
	return p, nil
}

// invoke runs a function as its runtime would: it sees what travels in JSON and no more, and its time is bounded. A panic is a failed invocation.
func (p inProcess) invoke(ctx context.Context, name string, payload []byte) (answer []byte, err error) {
	f, ok := p[name]
	if !ok {
		return nil, fmt.Errorf("there is no function %s", name)
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("function %s: panic: %v\n%s", name, v, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return f.handler.Invoke(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: uuid.NewString()}), payload)
}
