package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/pattern"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/bus"
)

// root is the top of the repository.
var root = filepath.Join("..", "..")

func TestAStackIsLookedUpByItsName(t *testing.T) {
	p := cloudPlace(t)
	s := newServices(t)
	flag := func(name string) string { return p.flags[slices.Index(p.flags, "--"+name)+1] }
	s.resources = [][2]string{
		{"Api", "abc123"}, {"Table", flag("table")}, {"SearchTable", flag("search-table")}, {"Bucket", flag("bucket")}, {"EventBus", "team"},
		{"FailedEvents", flag("bucket")}, {"ImportQueue", s.address("imports")}, {"ImportDeadLetters", s.address("imports-dead")},
		{"OrderQueue", s.address("orders")}, {"OrderDeadLetters", s.address("orders-dead")},
		{"WebhookEvents", s.address("webhooks")}, {"WebhookEventsDead", s.address("webhooks-dead")},
	}
	s.params = map[string]string{"GrantMinutes": "30", "PartGrantMinutes": "90", "SearchIndex": "on", "Stage": "prod"}
	w := mustJSON[oneWorkspace](t, "workspace", "create", "--name", "By name", "--stack", "team").Workspace
	if got := listedWorkspace(t, p); got.ID.String() != w.ID {
		t.Errorf("the table holds %s, want what the stack's name led to", got.ID)
	}
	for _, args := range [][]string{{"sweep"}, {"search", "reindex"}, {"dead-letters", "list"}} {
		if got := must(t, append(args, "--stack", "team")...); !strings.Contains(got.err, "on stack team in us-east-1") {
			t.Errorf("assetry %s does not say what it acts on:\n%s", strings.Join(args, " "), got.err)
		}
	}
	t.Setenv(envStack, "team")
	if got := must(t, "workspace", "list"); !strings.Contains(got.out, w.ID) {
		t.Errorf("by %s: %s", envStack, got.out)
	}
	s.params["SearchIndex"] = "off"
	if got := run(t, "search", "reindex"); got.code != exitRefused || !strings.Contains(got.err, "SearchIndex") {
		t.Errorf("where the index is switched off: exit code %d\n%s", got.code, got.err)
	}
	if got := run(t, "workspace", "list", "--stack", "nothing"); got.code != exitFailed || !strings.Contains(got.err, "does not exist; check --region") {
		t.Errorf("a stack that is not there: exit code %d\n%s", got.code, got.err)
	}
	s.resources = s.resources[:1]
	if got := run(t, "workspace", "list"); got.code != exitUsage || !strings.Contains(got.err, "make deploy") {
		t.Errorf("a stack of somebody else: exit code %d\n%s", got.code, got.err)
	}
}

func TestParametersOfTheStackCount(t *testing.T) {
	n := names{GrantMinutes: "30", PartGrantMinutes: "90"}
	if o := n.upload(); o.Grant.Minutes() != 30 || o.PartGrant.Minutes() != 90 {
		t.Errorf("grants are %v and %v", o.Grant, o.PartGrant)
	}
	if o := (names{}).upload(); o.Grant != 0 || o.PartGrant != 0 {
		t.Errorf("without parameters: %v and %v, want the defaults", o.Grant, o.PartGrant)
	}
}

func TestAWSHasToBeSignedIn(t *testing.T) {
	signedIn(t)
	t.Setenv("AWS_REGION", "")
	if got := run(t, "workspace", "list", "--table", "t"); got.code != exitUsage || !strings.Contains(got.err, "--region") {
		t.Errorf("without a region: exit code %d\n%s", got.code, got.err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	if got := run(t, "workspace", "list", "--table", "t", "--region", "eu-west-1"); got.code != exitFailed || !strings.Contains(got.err, "aws sso login") {
		t.Errorf("without credentials: exit code %d\n%s", got.code, got.err)
	}
}

func TestATableThatIsNotThereIsNamed(t *testing.T) {
	cloudPlace(t)
	got := run(t, "workspace", "list", "--table", "no-such-table")
	if got.code == exitOK || !strings.Contains(got.err, "check --region and the name") {
		t.Errorf("exit code %d\n%s", got.code, got.err)
	}
}

// The tool names resources, parameters, queues and rules of the template, which it does not read.
func TestTheTemplateHasWhatTheToolLooksFor(t *testing.T) {
	path := filepath.Join(root, "template.yaml")
	tmpl, err := template.Read(path, template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		if _, there := tmpl.Types[r.id]; !there {
			t.Errorf("the template has no resource %s", r.id)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\nResources:")
	for _, name := range append(slices.Collect(maps.Keys(parameters)), "SearchIndex") {
		if !regexp.MustCompile(`(?m)^  ` + name + `:`).MatchString(head) {
			t.Errorf("the template has no parameter %s", name)
		}
	}
	dead := map[string]string{}
	for _, q := range tmpl.Queues {
		if q.DeadLetters != "" {
			dead[q.Name] = q.DeadLetters
		}
	}
	if diff := cmp.Diff(map[string]string{importQueue: importDead, orderQueue: orderDead, webhookQueue: webhookDead}, dead); diff != "" {
		t.Errorf("queues with dead letters (-tool +template):\n%s", diff)
	}
	for _, r := range tmpl.Rules {
		p, err := pattern.Parse(r.Pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range r.Targets {
			for _, kind := range []bus.Type{bus.AssetReady, bus.AssetFailed, bus.AssetDeleted, bus.ImportRequested, bus.OrderSubmitted, bus.OrderUpdated, "other"} {
				e := map[string]any{"source": bus.Source, "detail-type": string(kind)}
				if want, got := p.Matches(e), ofTypes(ruled[target.Queue]).Matches(e); want != got {
					t.Errorf("rule %s leads %s to %s: %v, the tool: %v", r.Name, kind, target.Queue, want, got)
				}
			}
		}
	}
}
