package orders

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/account"
	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/api/orders/query"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
	"github.com/assetry/assetry/shared/idempotency"
)

// door is the one handler of the API.
type door struct {
	Services
	engine *engine
}

// newDoor puts resolvers behind HTTP.
func newDoor(s Services, resolvers graph.ResolverRoot) http.Handler {
	d := &door{s, newEngine(resolvers, s.Introspection())}
	return web.Route(http.MethodPost+" "+http.MethodGet, surface.GraphQL, surface.Errors{}, d.serve)
}

// serve answers a request. What is wrong before the client is known goes back as an error; after that every answer says where its limit
// stands.
func (d *door) serve(w http.ResponseWriter, r *http.Request) error {
	web.Compress(r.Context())
	p, client, err := d.authenticate(r)
	if err != nil {
		return err
	}
	q, op, refusal := d.read(r)
	limit, err := d.Limits().Spend(r.Context(), client, max(len(op.Roots), 1))
	surface.SetRate(r.Context(), limit)
	if err != nil {
		return err
	}
	if refusal == nil {
		refusal = d.check(r, op)
	}
	if refusal != nil {
		return writeRefusal(w, r, refusal)
	}
	return d.answer(w, r, q, op, &call{principal: p, client: client})
}

// authenticate reads Authorization: Bearer <access token>.
func (d *door) authenticate(r *http.Request) (access.Principal, account.Client, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	p, client, err := d.Accounts().AuthenticateToken(r.Context(), strings.TrimSpace(token))
	if err == nil {
		web.SetActor(r.Context(), p.Key.String())
		web.SetWorkspace(r.Context(), client.Workspace)
	}
	return p, client, err
}

// asked is an operation that was found cheap enough.
type asked struct {
	query.Operation
	tokens int
}

// read reads a request and counts what it asks for, before anything parses it.
func (d *door) read(r *http.Request) (q request, op asked, err error) {
	if q, err = read(r); err != nil {
		return q, op, err
	}
	if q.Query == "" {
		return q, op, &gqlerror.Error{Message: persistedName}
	}
	doc, err := query.Read(q.Query)
	var wrong *query.Error
	if errors.As(err, &wrong) {
		return q, op, &gqlerror.Error{Message: wrong.Message, Locations: []gqlerror.Location{{Line: wrong.Line, Column: wrong.Column}}}
	}
	if err != nil {
		return q, op, err
	}
	found, ok := doc.Find(q.Operation)
	if !ok && q.Operation == "" {
		return q, op, gqlerror.Errorf("the query has %d operations; say by operationName which one", len(doc.Operations))
	}
	if !ok {
		return q, op, gqlerror.Errorf("operationName is %.100q; the query has no operation of that name", q.Operation)
	}
	return q, asked{found, doc.Tokens}, nil
}

// check refuses what no query may be, whatever the schema says.
func (d *door) check(r *http.Request, op asked) error {
	if r.Method == http.MethodGet && op.Kind != string(ast.Query) {
		web.Always(r.Context(), "Allow", http.MethodPost)
		return fault.New(fault.MethodNotAllowed, "A %s is not sent by GET. Send it by POST.", op.Kind)
	}
	urls := 0
	for _, f := range op.Roots {
		if slices.Contains(manyURLs, f) {
			urls++
		}
		if f != "__typename" && strings.HasPrefix(f, "__") && !d.engine.introspect {
			return gqlerror.Errorf("%s is switched off here; the schema is at %s", f, surface.Schema)
		}
	}
	if urls > 1 {
		return gqlerror.Errorf("the request has %d of the fields %s; send each in a request of its own", urls, strings.Join(manyURLs, ", "))
	}
	return nil
}

// answer executes an operation.
func (d *door) answer(w http.ResponseWriter, r *http.Request, q request, op asked, c *call) error {
	prepared, errs := d.engine.prepare(q, op.tokens)
	if len(errs) > 0 {
		return writeRefusal(w, r, errs)
	}
	key, err := d.key(r, op)
	if err != nil {
		return writeRefusal(w, r, err)
	}
	if c.key = key; key != "" {
		c.sum = sumOf(q)
	}
	c.origin, c.variables, c.room = web.Origin(r), q.Variables, roomFor(r, d)
	data, errs := d.engine.run(withCall(r.Context(), c), prepared)
	return write(w, r, http.StatusOK, data, errs)
}

// keyHeader is where a client names a request, so that it happens once however often it is sent.
const keyHeader = "Idempotency-Key"

// key reads keyHeader. Queries change nothing, and have none.
func (d *door) key(r *http.Request, op asked) (string, error) {
	if op.Kind != string(ast.Mutation) {
		return "", nil
	}
	key, err := idempotency.Read(keyHeader, r.Header.Values(keyHeader))
	if err == nil && key != "" && len(op.Roots) > 1 {
		err = fault.BadField(keyHeader, "came with %d mutations; send each in a request of its own, under a key of its own", len(op.Roots))
	}
	return key, err
}

// sumOf tells one request from another, however its JSON is spaced.
func sumOf(q request) [32]byte {
	text, err := json.Marshal([]any{q.Query, q.Operation, q.Variables})
	if err != nil { // it was JSON when it came
		return sha256.Sum256([]byte(q.Query))
	}
	return sha256.Sum256(text)
}
