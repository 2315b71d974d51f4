// Package graph is what gqlgen makes of the Orders API's schema: the types of its answers, the interfaces of its resolvers, and an executor
// without reflection. Beside it stand its scalars.
//
// generated.go and models.go are written by `go generate`, as gqlgen.yml says, and never by hand.
package graph

//go:generate go tool gqlgen generate --config gqlgen.yml

// The engine knows @defer, whose answers come in pieces. Ours come whole: to ask for pieces is an error of the query.
func init() { delete(parsedSchema.Directives, "defer") }
