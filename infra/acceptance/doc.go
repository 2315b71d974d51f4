// Package acceptance tests the product from outside: it builds the local stack, starts it as a person would, and sends real clients
// against it: the published SDKs in Node, a browser, curl, an API fuzzer, and a process that is killed at the worst moments. The stack has two
// shapes, one process or the deployed programs on DynamoDB Local, and ASSETRY_TEST_SHAPE says which is under test.
//
// The tests know the wire and the command line only. What they need beside Go (Node packages, Chromium, Python) `make test` installs.
package acceptance
