// Package domaintest is what the tests of the domain packages share: a fresh table, a clock, races, costs, and drivers that behave badly.
package domaintest
