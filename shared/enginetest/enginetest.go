package enginetest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Environment variables that `make test` sets for the tests.
const (
	EnvStrict   = "ASSETRY_TEST_STRICT"   // "1": a missing engine fails the test
	EnvDynamoDB = "ASSETRY_TEST_DYNAMODB" // endpoint of a running DynamoDB Local, for example http://127.0.0.1:8000
)

// Missing skips the test because an engine is absent, or fails it under `make test`.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(EnvStrict) == "1" {
		t.Fatalf("%s is missing, and under make test a skip is a failure", what)
	}
	t.Skipf("%s is missing; `make test` installs and starts it", what)
}

// DynamoDB gives the endpoint of DynamoDB Local, or calls Missing.
func DynamoDB(t testing.TB) string {
	t.Helper()
	e := os.Getenv(EnvDynamoDB)
	if e == "" {
		Missing(t, "DynamoDB Local ("+EnvDynamoDB+")")
	}
	return e
}

// Tool gives the path of something `make test` installs below .tools, for example "venv/bin/python", or calls Missing.
func Tool(t testing.TB, path ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{Root(), ".tools"}, path...)...)
	if _, err := os.Stat(p); err != nil {
		Missing(t, filepath.Join(path...))
	}
	return p
}

// Root is the top folder of the repository.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
