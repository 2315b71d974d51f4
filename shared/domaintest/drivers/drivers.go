// Package drivers runs the tests of domain packages on both drivers of the table: SQLite, and the DynamoDB Local that the run has. It stands apart from
// domaintest so that tests which need SQLite alone are built without AWS's SDK.
package drivers

import (
	"testing"

	"github.com/assetry/assetry/shared/domaintest"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table/dynamo/dynamotest"
)

// Open opens an empty table with the product's indexes, which goes with the test.
type Open func(testing.TB) domaintest.Driver

// Each runs a test on each driver.
func Each(t *testing.T, test func(t *testing.T, open Open)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite) })
	t.Run("dynamo", func(t *testing.T) { test(t, Dynamo) })
}

// SQLite opens a table in a file.
func SQLite(t testing.TB) domaintest.Driver { return domaintest.NewTable(t) }

// Dynamo opens a table of DynamoDB Local. Where the run has none the test is skipped, or fails where a skip is a failure.
func Dynamo(t testing.TB) domaintest.Driver { return dynamotest.Open(t, schema.Indexes()...) }
