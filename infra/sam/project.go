package main

import (
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

// stopLimit is how long SAM may take to remove its containers before it is killed.
const stopLimit = 20 * time.Second

// project is the checkout as SAM has built it for this machine's processor.
type project struct {
	root  string // top folder of the repository
	dir   string // what SAM builds, apart from what is built to be deployed
	image string // that SAM adds its emulator to
	host  string // of the Docker engine

	accessKey, secretKey string // of the bucket, which SAM passes on to functions
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
	return "", fmt.Errorf("template.yaml is for arm64 and x86_64, as Lambda is; this machine has %s", runtime.GOARCH)
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
	local, err := localize(built)
	if err != nil {
		return fmt.Errorf("the template that SAM built: %w", err)
	}
	return os.WriteFile(p.template(), local, 0o644)
}

// template is what SAM runs here.
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

// environment is SAM's own: nobody's credentials or settings but the bucket's key.
func (p *project) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "SAM_") || strings.HasPrefix(v, "DOCKER_")
	})
	return append(env,
		"DOCKER_HOST="+p.host, "ARCH="+runtime.GOARCH, "SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+filepath.Join(p.dir, ".aws-sam"),
		"AWS_ACCESS_KEY_ID="+p.accessKey, "AWS_SECRET_ACCESS_KEY="+p.secretKey, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		// SAM asks whose account it is, and goes on with a sample account when nobody answers.
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1")
}

// localize makes of the template that SAM built the one that it runs on this machine: functions may be given the variables of endpoints, and
// forms are binary. HTTP APIs find out by themselves which bodies are text; SAM has to be told, as for the older kind of API.
func localize(built []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(built, &doc); err != nil {
		return nil, err
	}
	variables := find(&doc, "Globals", "Function", "Environment", "Variables")
	api := find(&doc, "Resources", "Api", "Properties")
	if variables == nil || api == nil {
		return nil, errors.New("it has no variables of all functions, or no resource Api")
	}
	for _, name := range []string{envDynamoDB, envS3, envEvents, envSecrets} {
		add(variables, name, "")
	}
	var body yaml.Node
	err := body.Encode(map[string]any{
		"openapi": "3.0.1", "info": map[string]string{"title": "Assetry", "version": "1"}, "paths": map[string]any{},
		"x-amazon-apigateway-binary-media-types": []string{"multipart/form-data"},
	})
	if err != nil {
		return nil, err
	}
	api.Content = append(api.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "DefinitionBody"}, &body)
	return yaml.Marshal(&doc)
}

func add(to *yaml.Node, name, value string) {
	to.Content = append(to.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.SingleQuotedStyle, Value: value})
}

// find follows names from the top of a document through its mappings; nil when there is no such value.
func find(doc *yaml.Node, names ...string) *yaml.Node {
	at := doc
	if at.Kind == yaml.DocumentNode && len(at.Content) == 1 {
		at = at.Content[0]
	}
	for _, name := range names {
		if at.Kind != yaml.MappingNode {
			return nil
		}
		i := 0
		for i < len(at.Content) && at.Content[i].Value != name {
			i += 2
		}
		if i >= len(at.Content) {
			return nil
		}
		at = at.Content[i+1]
	}
	return at
}
