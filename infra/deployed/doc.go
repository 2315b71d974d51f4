// Package deployed tests the functions as they are deployed: the compiled programs of all functions of template.yaml, each behind a host of
// Lambda's Runtime API, on DynamoDB Local and a real bucket. It holds what no handler can show by itself: that a wrong environment ends a
// function in init, and that no event, whatever is in it, ends a function's process.
//
// A function is tested by what invokes it, so that a new one is tested without a line here.
package deployed
