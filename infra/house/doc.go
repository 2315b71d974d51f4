// Package house holds the house together: tests of the import rules, of comments, and that functions, template.yaml, sample events, the
// API's document, the route lists, the configuration and the repository's layout agree with each other.
//
// Its tables (who may import what, which actions each role has, what may lie at the top) are meant to be changed by people: a failing
// test says which line to write, and the change is read in review.
package house
