// Package cost holds the product to what its operations may cost: the table's units and the requests to API, functions, tables, bucket, bus
// and queues, measured through the real handlers on both tables, with the prices of prices.json. It writes COST.md.
package cost
