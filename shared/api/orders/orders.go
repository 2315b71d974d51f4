// Package orders is the Orders API: one door in GraphQL, on /v1/graphql, after the contract of a vendor of floor plans.
//
// schema.graphql beside this file is the one source of its types; package graph is made from it.
package orders
