# Assetry. `make` lists the targets.
# What the tests need beside Go is installed by infra/tools into .tools, in pinned versions, once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The functions' processor. It must agree with the parameter Architecture of template.yaml: amd64 there is x86_64.
ARCH ?= arm64
# From what a program was built: GET /health and `assetry version` say so. Of the functions only that one is told, or else each commit would
# link them all anew.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
STAMP = -X github.com/assetry/assetry/shared/api/health.version=$(VERSION) -X github.com/assetry/assetry/shared/api/health.commit=$(COMMIT)
BUILD = CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -tags lambda.norpc -trimpath -ldflags "-s -w" -ldflags "./functions/health=-s -w $(STAMP)"
FUNCTIONS := $(patsubst functions/%/main.go,%,$(wildcard functions/*/main.go))
SAM := SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam
REGION ?= us-east-1
DEPLOYMENT ?= default
PROCESSOR_arm64 := arm64
PROCESSOR_amd64 := x86_64

.PHONY: help run sam test check build bench soak deploy install clean tools FORCE

help:
	@echo 'make run [ARGS="-addr 127.0.0.1:8080 -data .assetry"]   the whole product on this machine; needs Go only'
	@echo 'make sam [ARGS="-port 3000"]   the API by AWS SAM: each function as it is deployed, in a container; needs Docker'
	@echo 'make test [PKG=./shared/...]   every test on real engines and clients, which are installed first'
	@echo 'make check                     format, vet, staticcheck, modules, house rules, template'
	@echo 'make build [ARCH=amd64]        every function, for Lambda, as dist/<name>/bootstrap'
	@echo 'make bench [ARGS="-only load"]  latencies, starts, sizes, memory, 200 clients at once'
	@echo 'make soak [ARGS="-seed 7"]     10,000 lives of assets among faults, and 5,000 real parts; 55 GB of disk, or ARGS=-no-parts'
	@echo 'make deploy [DEPLOYMENT=name]  build and deploy to the AWS account that is signed in; asks the first time'
	@echo 'make install [PREFIX=~/.local] the tool of operators, assetry, into PREFIX/bin, or where go install puts programs'
	@echo 'make clean                     remove what was built; .tools and .assetry stay'

run:
	@go run -ldflags "$(STAMP)" ./infra/local $(ARGS)

sam: tools
	@.tools/bin/tools install sam dynamodb docker
	@go run ./infra/sam $(ARGS)

test: tools
	@.tools/bin/tools test $(PKG)

check: tools
	@echo 'check: gofmt'
	@unformatted=$$(gofmt -l $(wildcard functions infra shared)); \
	    if [[ -n $$unformatted ]]; then echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; fi
	@echo 'check: go vet'
	@go vet ./...
	@echo 'check: staticcheck'
	@go tool staticcheck ./...
	@echo 'check: go.mod and go.sum'
	@go mod tidy -diff
	@go mod verify
	@echo 'check: scripts'
	@bash -n .ci/run
	@python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]' infra/tools/*.py infra/house/*.py infra/bench/*.py
	@for f in infra/acceptance/node/*.mjs; do node --check "$$f"; done
	@echo 'check: house rules'
	@.tools/bin/tools install sam
	@ASSETRY_TEST_STRICT=1 go test ./infra/house/...
	@echo 'check: template.yaml'
	@$(SAM) validate --lint --region $(REGION)
	@.tools/sam/bin/cfn-lint --regions $(REGION) -- template.yaml infra/kept.yaml

build: $(FUNCTIONS:%=dist/%/bootstrap)

dist/%/bootstrap: FORCE
	@$(BUILD) -o $@ ./functions/$*
	@printf '%9d bytes  %s\n' $$(wc -c < $@) $@

# SAM asks for build-<logical id>. The logical id of a function is its folder's name in CamelCase, every word with one capital at its
# front, and the word Function at the end: AssetsCreateFunction is built from functions/assets-create.
build-%:
	@folder=$$(sed -E 's/Function$$//; s/([A-Z])/-\1/g; s/^-//' <<< '$*' | tr A-Z a-z); \
	    $(BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" "./functions/$$folder"

bench:
	@go run ./infra/bench $(ARGS)

soak:
	@go run ./infra/soak $(ARGS)

# What samconfig.toml keeps of a deployment: the first time `sam deploy` asks for it, and saves it there.
saved = $(shell sed -n '/^\[$(DEPLOYMENT)\.\(deploy\|global\)\.parameters\]/,/^\[/s/^$(1) *= *//p' samconfig.toml)
GUIDED = --guided --parameter-overrides Architecture=$(PROCESSOR_$(ARCH)) \
    $(if $(filter default,$(DEPLOYMENT)),,--stack-name assetry-$(DEPLOYMENT))

# Asking, SAM needs some region before it knows which, and does not look at AWS_REGION.
FIRST_REGION = AWS_DEFAULT_REGION="$${AWS_DEFAULT_REGION:-$${AWS_REGION:-$$(.tools/sam/bin/python -c 'import boto3; print(boto3.Session().region_name or "$(REGION)")')}}"

deploy: tools
	@case '$(call saved,parameter_overrides)' in \
	    *Architecture=*$(PROCESSOR_$(ARCH))*) ;; \
	    *Architecture=*) echo 'samconfig.toml has another Architecture than $(PROCESSOR_$(ARCH)), for which ARCH=$(ARCH) builds: give make the other ARCH'; exit 2 ;; \
	    esac
	@.tools/bin/tools install sam
	@$(SAM) build
	@$(FIRST_REGION) $(SAM) deploy --config-env $(DEPLOYMENT) $(if $(call saved,region)$(findstring --region,$(ARGS)),,$(GUIDED)) $(ARGS)

install:
	@$(if $(PREFIX),GOBIN='$(abspath $(PREFIX))/bin') go install -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)" ./infra/assetry
	@echo "$(if $(PREFIX),$(abspath $(PREFIX))/bin,$$(go env GOBIN | grep . || echo "$$(go env GOPATH)/bin"))/assetry"

clean:
	@rm -rf dist .aws-sam

# A program, and not `go run`: a signal to make then reaches it, and it stops what it started.
tools:
	@mkdir -p .tools/bin
	@go build -o .tools/bin/tools ./infra/tools
