package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/dynamolocal"
)

// acceptance is tested without the race detector: its processes are the product's own, and what it measures is time.
const acceptance = "github.com/assetry/assetry/infra/acceptance"

// privilege compares the functions' roles with what was recorded while the acceptance tests ran, so it comes after them.
const privilege = "github.com/assetry/assetry/infra/privilege"

// containers is tested after all of them: SAM's containers take what processors there are.
const containers = "github.com/assetry/assetry/infra/sam"

// withDetector are the flags of tests with the race detector. SQLite is left out of it: it is C, translated, with locks of its own below every goroutine of
// ours, and would take half of the time. `make check` has vetted everything before.
var withDetector = []string{"-race", "-gcflags=modernc.org/...=-race=false", "-vet=off", "-timeout=25m"}

// sequential are packages that compute or read the repository, and whose tests have no goroutines of ours that meet: the race detector finds nothing
// there, and takes up to fifteen times as long.
var sequential = []string{
	"github.com/assetry/assetry/infra/house",
	"github.com/assetry/assetry/shared/pointcloud/e57",
	"github.com/assetry/assetry/shared/pointcloud/xyz",
	"github.com/assetry/assetry/shared/product/areaplan",
}

// longest are packages whose tests take minutes, the longest first. They begin before all others, or the end of a run would wait for the last of
// them with a processor that has nothing to do.
var longest = []string{
	"github.com/assetry/assetry/shared/upload",
	"github.com/assetry/assetry/infra/soak",
	"github.com/assetry/assetry/shared/processing",
	"github.com/assetry/assetry/shared/order",
	"github.com/assetry/assetry/shared/table/dynamo",
	"github.com/assetry/assetry/infra/assetry",
	"github.com/assetry/assetry/shared/webhook",
	"github.com/assetry/assetry/shared/asset",
	"github.com/assetry/assetry/infra/cost",
	"github.com/assetry/assetry/infra/dialects",
	"github.com/assetry/assetry/shared/api/assets",
	"github.com/assetry/assetry/shared/search",
}

// shapes are what the acceptance tests run against.
var shapes = []struct {
	name, what string
	args       []string // of go test
}{
	{name: "", what: "as one process"},
	{name: "lambda", what: "with the deployed programs and DynamoDB Local", args: []string{"-skip", onceIsEnough}},
}

// onceIsEnough are the acceptance tests that run in one shape only. They are about what a start refuses before it knows its shape, in the same
// lines of infra/local: flags, the template, ports that are taken, and a folder that another stack holds.
const onceIsEnough = "^(TestWrongFlagsAreRefusedAndWriteNothing|TestTemplateThatIsNotThereIsRefused|TestPortInUseIsRefused|TestSecondStartOnTheSameFolderIsRefused)$"

// test installs every tool, starts DynamoDB Local, and runs the tests of the packages, by default all.
func test(ctx context.Context, root string, packages []string) error {
	if err := install(ctx, root, nil); err != nil {
		return err
	}
	say("starting DynamoDB Local, in memory, for this run only")
	db, err := dynamolocal.Start(ctx, dynamolocal.Options{Root: root})
	if err != nil {
		return err
	}
	defer db.Stop()
	env := append(os.Environ(), "ASSETRY_TEST_STRICT=1", "ASSETRY_TEST_DYNAMODB="+db.Endpoint(), "ASSETRY_TEST_CHROMIUM="+needChrome.path())

	p, err := split(ctx, root, packages)
	if err != nil {
		return err
	}
	sum := newSummary(os.Stdout)
	if len(p.raced) > 0 {
		say("testing %d packages with the race detector (the first build with it takes minutes)", len(p.raced))
		err = goTest(ctx, root, env, sum, slices.Concat(withDetector, p.raced))
	}
	if len(p.sequential) > 0 && ctx.Err() == nil {
		say("testing %d packages without it, because nothing runs at the same time in them", len(p.sequential))
		err = errors.Join(err, goTest(ctx, root, env, sum, append([]string{"-vet=off", "-timeout=15m"}, p.sequential...)))
	}
	err = errors.Join(err, p.testDeployed(ctx, root, env, sum))
	if p.containers && ctx.Err() == nil {
		say("SAM in containers: every sample event, and the SDK; `sam build` comes first")
		err = errors.Join(err, goTest(ctx, root, env, sum, []string{"-count=1", "-timeout=20m", containers}))
	}
	sum.print()
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if failure := sum.err(); failure != nil {
		return failure
	}
	return err
}

// split sorts the packages into those that are tested with the race detector, the longest first, and those that come after them.
func split(ctx context.Context, root string, packages []string) (p plan, err error) {
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"list"}, packages...)...)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return p, fmt.Errorf("list packages: %w", err)
	}
	for _, path := range strings.Fields(string(out)) {
		switch {
		case path == acceptance:
			p.acceptance = true
		case path == privilege:
			p.privilege = true
		case path == containers:
			p.containers = true
		case slices.Contains(sequential, path):
			p.sequential = append(p.sequential, path)
		default:
			p.raced = append(p.raced, path)
		}
	}
	rank := func(path string) int {
		if i := slices.Index(longest, path); i >= 0 {
			return i
		}
		return len(longest)
	}
	slices.SortStableFunc(p.raced, func(a, b string) int { return rank(a) - rank(b) })
	return p, nil
}

// plan is what is tested.
type plan struct {
	raced                             []string // with the race detector
	sequential                        []string // without it
	acceptance, privilege, containers bool
}

// testDeployed runs the acceptance tests on every shape, and then compares the functions' roles with what they used in that of the deployed
// programs.
func (p plan) testDeployed(ctx context.Context, root string, env []string, sum *summary) (err error) {
	records, err := os.MkdirTemp("", "assetry-records-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(records)
	recorded := append(env, "ASSETRY_TEST_RECORDS="+records)
	for _, s := range shapes {
		if p.acceptance && ctx.Err() == nil {
			say("acceptance tests: real clients against the local stack, %s", s.what)
			args := append([]string{"-count=1", "-timeout=20m"}, s.args...)
			err = errors.Join(err, goTest(ctx, root, append(recorded, "ASSETRY_TEST_SHAPE="+s.name), sum, append(args, acceptance)))
		}
	}
	switch {
	case ctx.Err() != nil:
	case p.privilege && p.acceptance:
		say("comparing the functions' roles with what they used")
		err = errors.Join(err, goTest(ctx, root, recorded, sum, []string{"-count=1", "-timeout=10m", privilege}))
	case p.privilege:
		say("NOT COMPARED: what the functions use in the acceptance tests with their roles, because PKG leaves those out; only what the stories of infra/privilege use is")
		err = errors.Join(err, goTest(ctx, root, env, sum, []string{"-count=1", "-timeout=10m", privilege}))
	case p.acceptance:
		say("NOT COMPARED: what the functions used with their roles, because PKG leaves out infra/privilege")
	}
	return err
}

// goTest runs go test and feeds what happens into the summary.
func goTest(ctx context.Context, root string, env []string, sum *summary, args []string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = root, env, os.Stderr
	// A group of its own, so that an interrupt reaches go, the test programs and what they started, wherever it came from.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := sum.read(out)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return readErr
}
