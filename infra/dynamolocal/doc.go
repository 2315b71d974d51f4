// Package dynamolocal runs AWS's DynamoDB Local, which `go run ./infra/tools install dynamodb` puts below .tools: in memory for tests, on a
// folder for a stack that is kept.
//
// It listens on every network interface and has no option against that, checks no signatures, and runs with -sharedDb: regions and access
// keys see the same tables. It deletes nothing that expired.
package dynamolocal
