package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/assetry/assetry/infra/docker"
)

// The variables of AWS's SDKs that lead functions to the servers of this machine. template.yaml has none of them, and SAM passes a
// function only what its template declares.
const (
	envDynamoDB = "AWS_ENDPOINT_URL_DYNAMODB"
	envS3       = "AWS_ENDPOINT_URL_S3"
	envEvents   = "AWS_ENDPOINT_URL_EVENTBRIDGE"
	envSecrets  = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
)

// stopLimit is how long SAM may take to remove its containers before it is killed.
const stopLimit = 20 * time.Second

// project is the checkout as SAM has built it for this machine's processor.
type project struct {
	root  string // top folder of the repository
	dir   string // what SAM builds, apart from what is built to be deployed
	image string // that SAM adds its emulator to
	host  string // of the Docker engine
}

// newProject makes the base image and names the places.
func newProject(ctx context.Context, root string, e *docker.Engine) (*project, error) {
	pins, err := os.ReadFile(filepath.Join(root, "infra", "tools", "requirements-sam.txt"))
	if err != nil {
		return nil, err
	}
	image, err := e.Lambda(ctx, string(pins)) // another SAM has another emulator
	if err != nil {
		return nil, err
	}
	return &project{root: root, dir: filepath.Join(root, ".tools", "sam-build"), image: image, host: e.Host()}, nil
}

// architecture is this machine's processor as template.yaml names it.
func architecture() (string, error) {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64", nil
	case "arm64":
		return "arm64", nil
	}
	return "", fmt.Errorf("Lambda has no %s; template.yaml is for arm64 and x86_64", runtime.GOARCH)
}

// build builds every function and writes the template that containers on this machine are run with.
func (p *project) build(ctx context.Context, out io.Writer) error {
	cmd, err := p.command(ctx, "build", "--build-dir", p.dir)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("sam build: %w", err)
	}
	built, err := os.ReadFile(filepath.Join(p.dir, "template.yaml"))
	if err != nil {
		return err
	}
	local, err := declareEndpoints(built)
	if err != nil {
		return fmt.Errorf("the template that SAM built: %w", err)
	}
	return os.WriteFile(p.template(), local, 0o644)
}

// template is the built template with the variables of endpoints.
func (p *project) template() string { return filepath.Join(p.dir, "local.yaml") }

// command prepares a command of SAM for this machine's processor.
func (p *project) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	arch, err := architecture()
	if err != nil {
		return nil, err
	}
	program := filepath.Join(p.root, ".tools", "sam", "bin", "sam")
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("SAM is not installed: `go run ./infra/tools install sam` brings it (%w)", err)
	}
	cmd := exec.CommandContext(ctx, program, append(args, "--parameter-overrides", "Architecture="+arch)...)
	cmd.Dir, cmd.Env = p.root, p.environment()
	cmd.WaitDelay = stopLimit
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd, nil
}

// local prepares `sam local <what>`, whose functions get the variables in the file.
func (p *project) local(ctx context.Context, what, variables string, args ...string) (*exec.Cmd, error) {
	return p.command(ctx, append([]string{
		"local", what, "--template", p.template(), "--env-vars", variables, "--invoke-image", p.image, "--skip-pull-image",
	}, args...)...)
}

// environment is SAM's own: nobody's credentials or settings, and those of the local bucket, which SAM passes on to functions.
func (p *project) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "SAM_") || strings.HasPrefix(v, "DOCKER_")
	})
	return append(env,
		"DOCKER_HOST="+p.host, "ARCH="+runtime.GOARCH, "SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+filepath.Join(p.dir, ".aws-sam"),
		"AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		// SAM asks whose account it is, and goes on with a sample account when nobody answers.
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1")
}

// declareEndpoints adds the variables of endpoints, empty, to those of all functions.
func declareEndpoints(built []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(built, &doc); err != nil {
		return nil, err
	}
	at := &doc
	if len(doc.Content) == 1 {
		at = doc.Content[0]
	}
	for _, name := range []string{"Globals", "Function", "Environment", "Variables"} {
		if at = field(at, name); at == nil {
			return nil, errors.New("it has no Globals.Function.Environment.Variables")
		}
	}
	for _, name := range []string{envDynamoDB, envS3, envEvents, envSecrets} {
		at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.SingleQuotedStyle})
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	if err := e.Encode(&doc); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// field is the value of a name in a mapping; nil when it is none, or has not the name.
func field(of *yaml.Node, name string) *yaml.Node {
	if of.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(of.Content); i += 2 {
		if of.Content[i].Value == name {
			return of.Content[i+1]
		}
	}
	return nil
}
