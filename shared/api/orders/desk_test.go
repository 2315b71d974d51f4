package orders

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/ratelimit"
	"github.com/assetry/assetry/shared/table"
)

// desk is the door with real accounts and limits, and without anything behind its fields: for what is decided before one is resolved.
type desk struct {
	Services // of what no test here reaches
	accounts *account.Service
	limits   *ratelimit.Limiter
	hidden   bool // the schema
	client   account.Client
	token    string
}

func (d *desk) Accounts() *account.Service { return d.accounts }
func (d *desk) Limits() *ratelimit.Limiter { return d.limits }
func (d *desk) Introspection() bool        { return !d.hidden }

// nothing has no resolvers.
type nothing struct{}

func (nothing) Query() graph.QueryResolver       { return nil }
func (nothing) Mutation() graph.MutationResolver { return nil }
func (nothing) Order() graph.OrderResolver       { return nil }

func newDesk(t *testing.T, o ratelimit.Options, scopes ...account.Scope) *desk {
	t.Helper()
	var rows table.Table = domaintest.NewTable(t)
	d := &desk{accounts: account.New(rows, account.Options{}), limits: ratelimit.New(rows, o)}
	w, err := d.accounts.CreateWorkspace(t.Context(), "Studio")
	if err != nil {
		t.Fatal(err)
	}
	secret, c, err := d.accounts.IssueClient(t.Context(), "a client", w.ID, account.ClientSpec{Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := d.accounts.Exchange(t.Context(), c.ID.String(), secret, "")
	if err != nil {
		t.Fatal(err)
	}
	d.client, d.token = c, tok.Secret
	return d
}

// answer is what came back, with its body unpacked and read.
type answer struct {
	status int
	header http.Header
	raw    []byte // as it travelled
	body   struct {
		Data   map[string]any `json:"data"`
		Errors []struct {
			Message    string
			Path       []any
			Locations  []struct{ Line, Column int }
			Extensions map[string]any
		} `json:"errors"`
	}
	text string
}

// code is that of the only error; "" when there is none.
func (a answer) code() string {
	if len(a.body.Errors) == 0 {
		return ""
	}
	c, _ := a.body.Errors[0].Extensions["code"].(string)
	return c
}

func (a answer) message() string {
	if len(a.body.Errors) == 0 {
		return ""
	}
	return a.body.Errors[0].Message
}

// send sends a request with a token, and with headers as pairs, where "" takes one away.
func (d *desk) send(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+d.token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	newDoor(d, nothing{}).ServeHTTP(w, r)
	return readAnswer(t, w.Result())
}

func readAnswer(t *testing.T, res *http.Response) answer {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, raw: raw}
	text := raw
	if res.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(text, &a.body); err != nil {
		t.Fatalf("status %d: %.300s is no answer of GraphQL: %v", a.status, text, err)
	}
	a.text = string(text)
	return a
}

// asking is the body that asks a query.
func asking(t *testing.T, query string, variables map[string]any) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
