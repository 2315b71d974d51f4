// Package cost holds the product to what one small upload may cost: requests to API, functions, table, bucket and bus, and the table's units,
// through the real handlers, on both tables.
package cost
