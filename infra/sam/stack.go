package main

import (
	"encoding/json"
	"net/url"
	"os"

	"github.com/assetry/assetry/infra/docker"
	"github.com/assetry/assetry/infra/local/versity"
)

// What stands for AWS's names. DynamoDB Local looks at no key; the bucket knows this one.
const (
	region    = versity.DefaultRegion
	accessKey = "AKIATESTTESTTESTTEST"
	secretKey = "test-secret-of-the-local-bucket-0000000"
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
	u.Host = e.Gateway() + ":" + u.Port()
	return u.String()
}
