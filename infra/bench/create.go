package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/shared/api/assets"
	"github.com/assetry/assetry/shared/api/web"
)

// maxCreateMS is the bar for a warm create: DESIGN.md, "Numbers to hold".
const maxCreateMS = 10

// createTable is the variable that makes this program the function assets-create on the SQLite file that it names, for the host that
// measures it.
const createTable = "ASSETRY_BENCH_CREATE"

// serveCreate is that function. It does not return.
func serveCreate(path string) {
	_, services, err := openTable(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	web.Lambda(assets.Create(services))
}

// creator answers one create and says how long that took.
type creator func(event []byte) ([]byte, time.Duration, error)

// subject is one way to create, and the event that it takes.
type subject struct {
	name   string
	create creator
	event  []byte
	rounds []spread
	pids   func() []int // the processes behind it; nil: none but this one
}

// create measures a warm create, presigned: the whole way of an event through the Runtime API, and the handler alone.
func (b *bench) create(ctx context.Context) (_ result, err error) {
	through, stop, err := b.throughHost(ctx)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	t, err := openTenant(ctx, filepath.Join(b.dir, "create-alone.db"))
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, t.db.Close()) }()
	event, err := createEvent(t)
	if err != nil {
		return result{}, err
	}
	return b.createRounds(through, &subject{name: "handler in process", create: inProcess(ctx, t), event: event})
}

// throughHost is the function of serveCreate behind the Runtime API. Its time ends when it asks for the next event.
func (b *bench) throughHost(ctx context.Context) (_ *subject, stop func() error, err error) {
	path := filepath.Join(b.dir, "create.db")
	t, err := openTenant(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	event, err := createEvent(t)
	if err = errors.Join(err, t.db.Close()); err != nil {
		return nil, nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	const name = "assets-create"
	host, err := lambdahost.Start(lambdahost.Options{}, []lambdahost.Function{{Name: name, Program: self, Env: []string{createTable + "=" + path}}})
	if err != nil {
		return nil, nil, err
	}
	create := func(event []byte) ([]byte, time.Duration, error) {
		began := time.Now()
		answer, err := host.Invoke(ctx, name, event)
		return answer, time.Since(began), err
	}
	return &subject{name: "through the Runtime API", create: create, event: event, pids: func() []int { return host.Stats(name).PIDs }}, host.Close, nil
}

// inProcess calls the handler as the Lambda library does, without the Runtime API between.
func inProcess(ctx context.Context, t *tenant) creator {
	handle := web.Invoke(assets.Create(t.Services))
	return func(event []byte) ([]byte, time.Duration, error) {
		began := time.Now()
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, 0, err
		}
		out, err := handle(ctx, e)
		if err != nil {
			return nil, 0, err
		}
		answer, err := json.Marshal(out)
		return answer, time.Since(began), err
	}
}

func (b *bench) createRounds(subjects ...*subject) (result, error) {
	rounds, each := b.pick(5, 3), b.pick(500, 100)
	for round := range rounds + 1 {
		for _, s := range subjects {
			one, err := createMany(s, each)
			if err != nil {
				return result{}, err
			}
			if round > 0 { // the first is to warm up
				s.rounds = append(s.rounds, one)
			}
		}
		b.progress("creates, round %d of %d", round, rounds)
	}
	res := result{
		Title: "Create (presigned), warm",
		Notes: []string{
			"The handler of assets-create as a process of its own behind a Runtime API on loopback, and the same handler in this process, in turns.",
			fmt.Sprintf("Its table is SQLite, not DynamoDB: the network is left out. Medians over %d rounds of %d, one after the other.", rounds, each),
		},
		Columns: []string{"p50", "p99"},
	}
	for _, s := range subjects {
		m := middle(s.rounds)
		r := row{Name: s.name, Cells: map[string]quantity{"p50": {m.p50, unitMS}, "p99": {m.p99, unitMS}}}
		r.hold("p99", maxCreateMS)
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

func createMany(s *subject, n int) (spread, error) {
	times := make([]time.Duration, 0, n)
	for range n {
		answer, took, err := s.create(s.event)
		if err != nil {
			return spread{}, err
		}
		var out events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(answer, &out); err != nil {
			return spread{}, err
		}
		if out.StatusCode != http.StatusCreated {
			return spread{}, fmt.Errorf("create answered %d %s", out.StatusCode, out.Body)
		}
		times = append(times, took)
	}
	return spreadOf(times), nil
}

// createEvent is a create as API Gateway hands it on.
func createEvent(t *tenant) ([]byte, error) {
	body, err := json.Marshal(draftOf(t.workspace.String()))
	if err != nil {
		return nil, err
	}
	const path = "/api/v1/assets"
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST " + path, RawPath: path, Body: string(body),
		Headers: map[string]string{
			"authorization": "Bearer " + t.apiKey, "content-type": "application/json", "host": "assets.example.com",
			"accept": "application/json", "user-agent": "bench", "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https",
		},
	}
	e.RequestContext.RequestID = "bench"
	e.RequestContext.DomainName = "assets.example.com"
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.Protocol = http.MethodPost, path, "HTTP/1.1"
	return json.Marshal(e)
}

// draftOf is the body of a create.
func draftOf(workspace string) map[string]string {
	return map[string]string{"source": "signed-url", "workspace_id": workspace, "file_name": "picture.png", "content_type": "image/png"}
}
