package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/blob"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/secret"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// maxPartURLsMS is what a function of 1,024 MB has of a CPU in a second, in milliseconds: 10,000 part URLs have to be answered within it.
const maxPartURLsMS = 1000 * 1024 / 1769

// opening is a bucket that signs, and begins uploads by parts that nobody ends.
type opening struct{ blob.Bucket }

// StartParts gives an id as long as S3's.
func (opening) StartParts(context.Context, string, blob.PutOptions) (string, error) {
	return strings.Repeat("u", 128), nil
}

// ordering are engines on which orders begin and take inputs, as often as is asked.
type ordering struct{ engines }

func (o ordering) Bucket() blob.Bucket      { return opening{o.engines.Bucket()} }
func (o ordering) Rates() ratelimit.Options { return ratelimit.Options{Standard: 1_000_000} }

// asking is a request of the Orders API, as the gateway gives it to the function.
type asking struct {
	name    string
	payload []byte
	times   int
	bar     float64 // in milliseconds; 0 is none
	spent   []float64
	carried int // bytes of the answer, as Lambda carries it
}

// graphql measures the processor time of requests of the Orders API, from the gateway's event to the function's answer.
func (b *bench) graphql(ctx context.Context) (result, error) {
	f, all, err := b.orderRequests(ctx)
	if err != nil {
		return result{}, err
	}
	rounds := b.pick(5, 3)
	for round := range rounds + 1 {
		b.progress("orders, round %d of %d", round, rounds)
		for _, a := range all {
			used, err := processorTime(a.times, each(func(int) error { return a.ask(ctx, f) }))
			if err != nil {
				return result{}, fmt.Errorf("%s: %w", a.name, err)
			}
			if round > 0 { // the first is to warm up
				a.spent = append(a.spent, microseconds(used)/float64(a.times)/1000)
			}
		}
	}
	const one, size = "each", "answer"
	res := result{
		Title: "Orders API: requests",
		Notes: []string{
			"Processor time from the gateway's event to the function's answer, on SQLite, with the token's check, the limit, and garbage collection; medians.",
			"The part URLs are signed with a session token of 1,000 characters, and compressed; the answer is as Lambda carries it. The bar is a second at 1,024 MB.",
		},
		Columns: []string{one, size},
	}
	for _, a := range all {
		r := row{Name: a.name, Cells: map[string]quantity{one: {median(a.spent), unitMS}, size: {float64(a.carried) / 1e6, unitMB}}}
		if a.bar > 0 {
			r.hold(one, a.bar)
		}
		res.Rows = append(res.Rows, r)
	}
	return res, nil
}

// ask sends the request, which has to succeed.
func (a *asking) ask(ctx context.Context, f web.Function) error {
	out, err := f.Invoke(ctx, a.payload)
	if err != nil {
		return err
	}
	a.carried = len(out)
	var res events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(out, &res); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || strings.Contains(res.Body, `"errors"`) {
		return fmt.Errorf("answered %d %.200s", res.StatusCode, res.Body)
	}
	return nil
}

// orderRequests prepares a client with an order, and what it asks.
func (b *bench) orderRequests(ctx context.Context) (web.Function, []*asking, error) {
	db, err := sqlite.Open(filepath.Join(b.dir, "orders.db"), sqlite.Options{Indexes: schema.Indexes()})
	if err != nil {
		return nil, nil, err
	}
	s := boot.New(ordering{engines{db: db, root: secret.NewRoot()}})
	w, err := s.Accounts().CreateWorkspace(ctx, "Bench")
	if err != nil {
		return nil, nil, err
	}
	key, c, err := s.Accounts().IssueClient(ctx, "bench", w.ID, account.ClientSpec{})
	if err != nil {
		return nil, nil, err
	}
	token, err := s.Accounts().Exchange(ctx, c.ID.String(), key, "")
	if err != nil {
		return nil, nil, err
	}
	f := web.Invoke(orders.Graphql(s))
	begun, err := f.Invoke(ctx, graphQLEvent(token.Secret, `mutation { initializeOrder(order_name: "Bench", product: "areaplan") { order_id } }`, nil))
	if err != nil {
		return nil, nil, err
	}
	var res events.APIGatewayV2HTTPResponse
	var order struct {
		Data struct {
			Order struct {
				ID string `json:"order_id"`
			} `json:"initializeOrder"`
		}
	}
	if err := errors.Join(json.Unmarshal(begun, &res), json.Unmarshal([]byte(res.Body), &order)); err != nil {
		return nil, nil, fmt.Errorf("begin an order: %w: %.200s", err, begun)
	}
	o := map[string]any{"o": order.Data.Order.ID}
	return f, []*asking{
		{name: "a query for one order", times: b.pick(1000, 200), payload: graphQLEvent(token.Secret,
			`query ($o: ID!) { order(order_id: $o) { order_id order_name order_status product version __typename } }`, o)},
		// An order takes order.MaxInputs of them, so 6 rounds of 5 are what there is room for.
		{name: "10,000 part URLs", times: b.pick(5, 2), bar: maxPartURLsMS, payload: graphQLEvent(token.Secret,
			`mutation ($o: ID!) { initializeUpload(order_id: $o, asset_type: "xyz", upload_type: "multi", total_parts: 10000) { asset_id upload_id part_urls } }`, o)},
	}, nil
}

// graphQLEvent is the gateway's event for a query.
func graphQLEvent(token, query string, variables map[string]any) []byte {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err) // strings always marshal
	}
	e := events.APIGatewayV2HTTPRequest{Version: "2.0", RawPath: "/v1/graphql", Body: string(body), Headers: map[string]string{
		"content-type": "application/json", "authorization": "Bearer " + token, "accept-encoding": "gzip", "host": "api.example.com",
	}}
	e.RequestContext.HTTP.Method = http.MethodPost
	payload, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return payload
}
