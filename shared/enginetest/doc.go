// Package enginetest tells tests where the engines are that `make test` installs and starts: AWS's DynamoDB Local, Node with the
// vendors' SDKs, Python with media encoders, Chromium. Without them `go test ./...` skips and says which command brings them; under
// `make test` a missing engine is a failure.
package enginetest
