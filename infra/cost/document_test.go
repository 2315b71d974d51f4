package cost

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assetry/assetry/infra/template"
)

var update = flag.Bool("update", false, "write COST.md anew")

// document is what operations cost, for people.
const document = "COST.md"

// TestTheDocumentSaysWhatOperationsCost measures every operation on both drivers and holds the document to it, to the last unit.
func TestTheDocumentSaysWhatOperationsCost(t *testing.T) {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(drivers))) { // SQLite writes the document, DynamoDB has to agree
		t.Run("on "+name, func(t *testing.T) {
			got := measureAll(t, newWorld(t, drivers[name])).document()
			if *update && name == "sqlite" {
				if err := os.WriteFile(document, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(document)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("%s says (-) and measured was (+); if the change is meant, `go test ./infra/cost -update` writes it anew:\n%s", document, d)
			}
		})
	}
}

// lambdaLog is about what Lambda itself logs of an invocation: the lines platform.start and platform.report in JSON.
const lambdaLog = 700

// The flow of the most lines for an invocation is that of an upload, with its metrics.
func TestTheLogIsNoLargerThanAssumed(t *testing.T) {
	w := newWorld(t, drivers["sqlite"])
	before := logged.bytes.Load()
	u := w.measure(func() {
		for _, f := range flows {
			f.run(w)
			w.follow()
		}
	})
	own := float64(logged.bytes.Load()-before) / float64(u.invocations())
	if most := w.plan.prices.Assumed.LogBytes.Value; own < 100 || own+lambdaLog > most {
		t.Errorf("an invocation logs %.0f bytes of our own and %d of Lambda's; prices.json assumes %v", own, lambdaLog, most)
	}
	t.Logf("an invocation logs %.0f bytes", own)
}

// row is an operation and what it took.
type row struct {
	name  string
	use   use
	times float64 // in a month, of what runs by the clock
}

// findings are everything that the document tells.
type findings struct {
	plan                             plan
	prices                           prices
	requests, consequences, schedule []row
	samples                          []row // of functions without an operation
	flows                            []row
}

func measureAll(t *testing.T, w *world) findings {
	f := findings{plan: w.plan, prices: w.plan.prices}
	called := map[string]int{}
	add := func(to *[]row, o operation, times float64) {
		u := o.run(w)
		*to = append(*to, row{o.name, u, times})
		for function, n := range u.Functions {
			called[function] += n
		}
		w.follow()
	}
	for _, o := range requests {
		add(&f.requests, o, 0)
	}
	for _, o := range consequences {
		add(&f.consequences, o, 0)
	}
	for _, s := range schedules {
		add(&f.schedule, s.operation, s.times)
	}
	visit := f.consequences[slices.IndexFunc(f.consequences, func(r row) bool { return r.name == sweptForm })].use
	for _, o := range flows {
		u := w.measure(func() { o.run(w); w.follow() })
		f.flows = append(f.flows, row{o.name, u.plus(visit), 0})
	}
	for _, function := range uncalled(t, called) {
		add(&f.samples, operation{"", func(w *world) use { return w.sampled(function) }}, 0)
		f.samples[len(f.samples)-1].name = "the sample event of `" + function + "`, with nothing in its caches"
	}
	return f
}

// uncalled are the functions that no operation invokes. They are measured by their sample events until somebody says what they are for.
func uncalled(t *testing.T, called map[string]int) (names []string) {
	t.Helper()
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "main.go"))
	if err != nil || len(mains) == 0 {
		t.Fatalf("found %d functions, %v", len(mains), err)
	}
	for _, m := range mains {
		if name := filepath.Base(filepath.Dir(m)); called[name] == 0 {
			names = append(names, name)
		}
	}
	return names
}

// A function that nobody wrote an operation for is measured nevertheless.
func TestAnyFunctionIsMeasuredByItsSampleEvent(t *testing.T) {
	w := newWorld(t, drivers["sqlite"])
	for function, want := range map[string]use{
		"assets-retrieve":   {API: 1, Functions: map[string]int{"assets-retrieve": 1}, Table: 3, Read: 3},
		"on-object-created": {Functions: map[string]int{"on-object-created": 1}, Table: 2, Read: 1, Write: 1, Gets: 1},
	} {
		got := w.sampled(function)
		got.GBSeconds = 0
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("the sample event of %s (-want +got):\n%s", function, d)
		}
	}
}

func (f findings) document() string {
	var b strings.Builder
	p := f.prices
	fmt.Fprintf(&b, `# What operations cost

Written by `+"`go test ./infra/cost -update`"+`, and compared with what the code does by every run of the tests. Units and requests are measured
through the real handlers, on SQLite and on DynamoDB Local alike. Prices are AWS's list prices in %s, in US dollars, without volume
discounts and free tiers, as of %s, from [prices.json](prices.json), the only place that has any: another region is another file there.
They were checked %s.

- Functions are warm: key, workspace and the hour's marker are in their caches. A key's record is one read unit more every 30 s of a warm
  function; a cold start of a function that makes links or cursors also reads the root key.
- A row holds up to 1 KB, as nearly all do: names of 255 bytes fit. Events, messages and records of the stream come one at a time, as in an
  installation with little to do; in batches they cost less.
- An invocation costs a request, its time and its log. Time and log are estimates: %s
- What a client sends to the bucket itself is counted: the form, the parts, the GET behind a redirect. What leaves AWS for the internet is
  not: it is priced by the GB.

## What clients ask for

Each is one request to the API, or as many as its 512 KB count, and one invocation.

`, p.Region, p.Date, p.Checked, f.timeSentence())
	f.table(&b, append(slices.Clone(f.requests), f.samples...))
	b.WriteString(`
## What follows

Events of objects, of the table's stream and of the bus, without what a client asked for to bring them about. The sweeper visits many
assets in one run: these are the shares of one.

`)
	f.table(&b, f.consequences)
	f.monthly(&b)
	b.WriteString(`
## A million uploads

Each flow with all that follows: the object's event, the index of its name, the event on the bus with a queue for webhooks (of which the
workspace has none), and the sweeper's one visit.
`)
	for _, r := range f.flows {
		f.million(&b, r)
	}
	f.priceList(&b)
	return b.String()
}

func (f findings) timeSentence() string {
	a := f.prices.Assumed
	return fmt.Sprintf(`%s ms, and %s ms for each request to the table, %s
  to the bucket, %s to the bus or to others, one after another, at the memory of the function; %s bytes.`,
		number(a.FunctionMS.Value), number(a.TableMS.Value), number(a.BucketMS.Value), number(a.OtherMS.Value), number(a.LogBytes.Value))
}

func (f findings) table(b *strings.Builder, rows []row) {
	b.WriteString("| operation | functions | write units | read units | bucket: writes, lists | bucket: reads | events | queue | API | a million |\n" +
		"|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		u := r.use
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | $%.2f |\n", r.name, functionsOf(u), number(u.Write), number(u.Read),
			count(u.Puts), count(u.Gets), count(u.Events), count(u.Queue), count(u.API), u.perMillion(f.prices))
	}
}

// functionsOf are the invoked functions, with their number where it is not one.
func functionsOf(u use) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(u.Functions)) {
		switch n := u.Functions[name]; n {
		case 0:
		case 1:
			names = append(names, "`"+name+"`")
		default:
			names = append(names, fmt.Sprintf("%d `%s`", n, name))
		}
	}
	return strings.Join(names, ", ")
}

// monthly writes what an installation costs that nobody uses.
func (f findings) monthly(b *strings.Builder) {
	b.WriteString("\n## What runs by the clock\n\nIn a month of 30 days, whether or not anybody uses the installation.\n\n" +
		"| what | write units | read units | times | a month |\n|---|---:|---:|---:|---:|\n")
	total := 0.0
	line := func(what string, u *use, times, usd float64) {
		total += usd
		write, read := "", ""
		if u != nil {
			write, read = number(u.Write), number(u.Read)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | $%.2f |\n", what, write, read, thousands(times), usd)
	}
	for _, r := range f.schedule {
		line(r.name, &r.use, r.times, r.use.perMillion(f.prices)*r.times/1e6)
	}
	m := f.prices.Monthly
	polls := f.prices.Assumed.QueueReceives.Value * 60 * 24 * 30 * float64(f.polled())
	line("Lambda asks "+strconv.Itoa(f.polled())+" empty queues", nil, polls, polls*f.prices.Prices.Queue.PerMillion/1e6)
	line("the root key, kept", nil, f.ofType("AWS::SecretsManager::Secret"), f.ofType("AWS::SecretsManager::Secret")*m.Secret.USD)
	line("metrics that alarms look at", nil, f.watched(), f.watched()*m.Alarm.USD)
	line("metrics", nil, f.prices.Assumed.Metrics.Value, f.prices.Assumed.Metrics.Value*m.Metric.USD)
	if n := f.ofType("AWS::CloudWatch::Dashboard"); n > 0 {
		line("dashboard", nil, n, n*m.Dashboard.USD)
	}
	fmt.Fprintf(b, "| together | | | | $%.2f |\n", total)
	fmt.Fprintf(b, "\nBeside that, what is kept: a GB of objects is $%g a month, a GB of the table's items $%g and of its backups $%g.\n",
		m.BucketGB.USD, m.TableGB.USD, m.BackupGB.USD)
}

// polled is how many queues Lambda polls for functions.
func (f findings) polled() int {
	n := 0
	for _, x := range f.plan.template.Functions {
		n += len(template.EventsOf[template.SQS](x))
	}
	return n
}

// watched is how many metrics alarms look at: an alarm on an expression is billed for each of its metrics.
func (f findings) watched() float64 {
	source, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		panic(err)
	}
	return float64(len(watchedMetric.FindAll(source, -1)))
}

// watchedMetric finds a metric of an alarm in template.yaml: one of several, or the only one, which is a property of the alarm.
var watchedMetric = regexp.MustCompile(`(?m)^ {10}MetricStat:$|^ {6}MetricName:`)

// ofType is how many resources of a type the template has.
func (f findings) ofType(cloudFormation string) float64 {
	n := 0
	for _, t := range f.plan.template.Types {
		if t == cloudFormation {
			n++
		}
	}
	return float64(n)
}

// million writes the arithmetic of a flow.
func (f findings) million(b *strings.Builder, r row) {
	fmt.Fprintf(b, "\n### %s\n\n| of | each | a million | price of a million | is |\n|---|---:|---:|---:|---:|\n", strings.ToUpper(r.name[:1])+r.name[1:])
	quantities := r.use.quantities(f.prices)
	for i, p := range f.prices.perUse() {
		if q := quantities[i]; q > 0 {
			fmt.Fprintf(b, "| %s | %s | %s | $%s | $%.2f |\n", short(p.What), precise(q), thousands(q*1e6), number(p.PerMillion), q*p.PerMillion)
		}
	}
	fmt.Fprintf(b, "| **together** | | | | **$%.2f** |\n", r.use.perMillion(f.prices))
}

func (f findings) priceList(b *strings.Builder) {
	b.WriteString("\n## Prices\n\n| of | price of a million | from |\n|---|---:|---|\n")
	for _, p := range f.prices.perUse() {
		fmt.Fprintf(b, "| %s | $%s | %s |\n", p.What, number(p.PerMillion), p.Source)
	}
	b.WriteString("\n| of | a month | from |\n|---|---:|---|\n")
	for _, m := range f.prices.perMonth() {
		fmt.Fprintf(b, "| %s | $%g | %s |\n", m.What, m.USD, m.Source)
	}
	b.WriteString("\n| assumed | value |\n|---|---:|\n")
	for _, g := range f.prices.guesses() {
		fmt.Fprintf(b, "| %s | %s |\n", g.What, number(g.Value))
	}
}

// short is what comes before the first detail.
func short(what string) string {
	if i := strings.IndexAny(what, ",;:"); i > 0 {
		return what[:i]
	}
	return what
}

// number shows two digits after the point at most.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 4, 64)
	if v >= 0.01 && v != float64(int64(v)) && v < 10 {
		s = strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// precise shows small numbers with three digits that count.
func precise(v float64) string {
	if v >= 0.1 {
		return number(v)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// thousands shows a whole number in groups of three digits.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
