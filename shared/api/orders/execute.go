package orders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/assetry/assetry/shared/api/orders/graph"
	"github.com/assetry/assetry/shared/api/orders/surface"
	"github.com/assetry/assetry/shared/api/web"
	"github.com/assetry/assetry/shared/fault"
)

// engine executes operations on the schema.
type engine struct {
	schema     graphql.ExecutableSchema
	introspect bool // may clients ask for the schema
}

func newEngine(resolvers graph.ResolverRoot, introspect bool) *engine {
	s := graph.NewExecutableSchema(graph.Config{Resolvers: resolvers})
	return &engine{schema: s, introspect: introspect}
}

// prepare parses and validates a query that was found cheap enough, and reads its variables. tokens is how many words it was found to have.
func (e *engine) prepare(q request, tokens int) (*graphql.OperationContext, gqlerror.List) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: q.Query}, tokens)
	if err != nil {
		return nil, gqlerror.List{asError(err)}
	}
	if errs := validator.ValidateWithRules(e.schema.Schema(), doc, rules.NewDefaultRules()); len(errs) > 0 {
		errs = errs[:min(len(errs), maxRefused)]
		nameArguments(doc, errs)
		return nil, errs
	}
	op := doc.Operations.ForName(q.Operation)
	if op == nil {
		return nil, gqlerror.List{gqlerror.Errorf("operationName is %.100q; the query has no operation of that name", q.Operation)}
	}
	values, errs := coerce(e.schema.Schema(), op, q.Variables)
	if len(errs) > 0 {
		return nil, errs
	}
	return &graphql.OperationContext{
		RawQuery: q.Query, Variables: values, OperationName: q.Operation, Doc: doc, Operation: op,
		DisableIntrospection: !e.introspect,
		RecoverFunc:          recovered,
		ResolverMiddleware:   resolve,
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
			return next(ctx)
		},
	}, nil
}

func asError(err error) *gqlerror.Error {
	var e *gqlerror.Error
	if errors.As(err, &e) {
		return e
	}
	return gqlerror.Errorf("the query cannot be read: %v", err)
}

// run executes an operation, and gives the text of its data and the errors of its fields.
func (e *engine) run(ctx context.Context, op *graphql.OperationContext) (data []byte, errs gqlerror.List) {
	ctx = graphql.WithOperationContext(ctx, op)
	ctx = graphql.WithResponseContext(ctx, present, recovered)
	next := e.schema.Exec(ctx)
	answer := next(ctx)
	return answer.Data, append(answer.Errors, graphql.GetErrors(ctx)...)
}

// resolve stands around every field: it holds the scopes, and turns what resolvers return into errors for clients.
func resolve(ctx context.Context, next graphql.Resolver) (any, error) {
	f := graphql.GetFieldContext(ctx)
	if err := allowed(callOf(ctx).client, f.Object, f.Field.Name); err != nil {
		return nil, told(ctx, err)
	}
	if err := fits(ctx, f); err != nil {
		return nil, told(ctx, err)
	}
	res, err := next(ctx)
	if err != nil {
		return nil, told(ctx, err)
	}
	return res, nil
}

// told is an error of a resolver, for clients. One that they cannot do anything about goes to the log.
func told(ctx context.Context, err error) *gqlerror.Error {
	public := web.Public(ctx, err)
	if public.Kind == fault.Internal {
		web.Log(ctx).ErrorContext(ctx, "field not resolved", "field", graphql.GetPath(ctx).String(), "cause", fmt.Sprint(err))
	}
	return &gqlerror.Error{Message: public.Message, Path: graphql.GetPath(ctx), Extensions: extensions(public)}
}

// extensions are what programs read of an error: its code, and the arguments that are refused.
func extensions(f *fault.Error) map[string]any {
	e := map[string]any{codeKey: surface.CodeOf(f.Kind)}
	if len(f.Fields) > 0 {
		fields := make([]map[string]string, len(f.Fields))
		for i, field := range f.Fields {
			fields[i] = map[string]string{"name": field.Name, "message": field.Message}
		}
		e["fields"] = fields
	}
	return e
}

const codeKey = "code"

// mustNotBeNull is what the executor says of a resolver that answered nothing where something is promised.
const mustNotBeNull = "must not be null"

// present finishes an error. Those without a code are the executor's own, about values that a scalar does not take.
func present(ctx context.Context, err error) *gqlerror.Error {
	e := asError(err)
	if e.Extensions[codeKey] != nil {
		return e
	}
	if e.Message == mustNotBeNull {
		return told(ctx, errors.New("the resolver answered nothing"))
	}
	return refused(*e)
}

// refused is an error about what was sent. It tells no longer text than a person reads.
func refused(e gqlerror.Error) *gqlerror.Error {
	const longest = 500
	if len(e.Message) > longest {
		e.Message = string([]rune(e.Message[:longest])) + "…"
	}
	e.Extensions = maps.Clone(e.Extensions)
	if e.Extensions == nil {
		e.Extensions = map[string]any{}
	}
	e.Extensions[codeKey], e.Rule = surface.CodeOf(fault.Invalid), ""
	return &e
}

// refusedAll are errors about what was sent.
func refusedAll(list gqlerror.List) gqlerror.List {
	list = slices.Clone(list)
	for i, e := range list {
		list[i] = refused(*e)
	}
	return list
}

// recovered turns a panic into an error for the log.
func recovered(ctx context.Context, cause any) error {
	return told(ctx, fmt.Errorf("panic: %v", cause))
}
