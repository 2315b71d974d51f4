// Package dynamotest opens DynamoDB tables for tests, on the DynamoDB Local that `make test` starts.
package dynamotest
