// Package graph is what gqlgen makes of the Orders API's schema: the types of its answers, the interfaces of its resolvers, and an executor
// without reflection. Beside it stand its scalars.
//
// generated.go and models.go are written by `go generate`, as gqlgen.yml says, and never by hand.
package graph

//go:generate go tool gqlgen generate --config gqlgen.yml
