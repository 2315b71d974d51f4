// Package tabletest holds the suite that every driver of package table passes, and a table with injectable faults.
//
// A driver's test calls Run with a function that opens an empty table. The suite needs no private knowledge of the driver and
// no empty clock: items expire by being written with an expiry in the past.
package tabletest
