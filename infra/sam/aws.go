package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/assetry/assetry/infra/docker"
	"github.com/assetry/assetry/infra/local/cloud"
)

// The variables of AWS's SDKs that lead functions to the servers of this machine. template.yaml has none of them, and SAM passes a function
// only what its template declares.
const (
	envDynamoDB = "AWS_ENDPOINT_URL_DYNAMODB"
	envS3       = "AWS_ENDPOINT_URL_S3"
	envEvents   = "AWS_ENDPOINT_URL_EVENTBRIDGE"
	envSecrets  = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
)

// endpoints are the servers of this machine, as containers address them.
type endpoints struct{ dynamodb, s3, cloud string }

// variables are what leads functions to them.
func (e endpoints) variables() map[string]string {
	return map[string]string{envDynamoDB: e.dynamodb, envS3: e.s3, envEvents: e.cloud, envSecrets: e.cloud}
}

// writeVariables writes a file for --env-vars, with the same variables for every function.
func writeVariables(path string, variables map[string]string) error {
	b, err := json.MarshalIndent(map[string]any{"Parameters": variables}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}

// seenFrom is the address of a server that listens on every interface of this machine, as containers see it.
func seenFrom(e *docker.Engine, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Host = net.JoinHostPort(e.Gateway(), u.Port())
	return u.String()
}

// serveCloud answers for EventBridge and Secrets Manager on a free port, until stop is called.
func serveCloud(address string, o cloud.Options) (at string, stop func(), err error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: cloud.New(o), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // until stop
	return "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

// maxAnswer is more than Lambda lets a function answer, 6 MB.
const maxAnswer = 8 << 20

// invokeAt runs a function by the Lambda API at an address.
func invokeAt(ctx context.Context, address, function string, payload []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/2015-03-31/functions/"+function+"/invocations", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: the Lambda API answered %d: %s", function, res.StatusCode, answer)
	}
	if err := failure(answer); err != nil {
		return nil, fmt.Errorf("%s: %w", function, err)
	}
	return answer, nil
}

// failure is the error that a function ended with, if its answer says so.
func failure(answer []byte) error {
	var f struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(answer, &f) != nil || f.ErrorType == "" {
		return nil
	}
	return fmt.Errorf("%s: %s", f.ErrorType, f.ErrorMessage)
}
