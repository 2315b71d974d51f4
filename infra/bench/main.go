// Command bench measures Assetry on this machine and prints what it found, beside the bars that the project wants to hold. It needs Go,
// six gigabytes in the folder for temporary files, and seven to twelve minutes once everything is compiled. The parts start and load also
// need DynamoDB Local (`go run ./infra/tools install dynamodb`), and say so where it is missing; the part xyz installs numpy and pandas.
//
//	go run ./infra/bench [-quick] [-only api,list,...] [-markdown] [-json FILE]
//
// Numbers are medians over rounds. What is compared is measured in turns within one run, so that the ratios mean something on a machine
// that is busy with other things; absolute numbers of such a machine do not. A bar that is missed is printed, and is no error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/local/versity"
)

// options are the flags.
type options struct {
	quick, markdown bool
	only            []string
	json            string
}

// section is one part of the benchmark.
type section struct {
	name, what string
	run        func(*bench, context.Context) (result, error)
}

// sections are all parts in the order of their running: what is most easily disturbed first.
var sections = []section{
	{"start", "start, size, first events and memory of every function", (*bench).starts},
	{"create", "create through the Runtime API", (*bench).create},
	{"api", "requests through the local gateway", (*bench).api},
	{"load", "many clients at once through the deployed functions", (*bench).load},
	{"list", "list page at 1,000 and at many assets", (*bench).list},
	{"search", "search page at 1,000 and at many assets", (*bench).search},
	{"orders", "requests of the Orders API", (*bench).graphql},
	{"sign", "signing of forms and part URLs", (*bench).sign},
	{"xyz", "reading of point clouds", (*bench).xyz},
	{"inspect", "inspection of media", (*bench).inspect},
	{"upload", "upload of 1 GiB by parts", (*bench).upload},
}

// bench is one run.
type bench struct {
	options
	root    string // top folder of the module
	dir     string // for what is built and stored, removed at the end
	out     io.Writer
	began   time.Time
	section string
}

func main() {
	versity.MainIfChild()
	if path := os.Getenv(createTable); path != "" {
		serveCreate(path)
		return
	}
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(out)
	f.BoolVar(&o.quick, "quick", false, "fewer rounds, 100,000 assets for the long lists, five functions: for trying it out")
	f.BoolVar(&o.markdown, "markdown", false, "print Markdown, as README has it")
	f.StringVar(&o.json, "json", "", "also write the report to this `file` as JSON")
	f.Func("only", "run only these `parts`, with commas between: "+strings.Join(names, ", "), func(v string) error {
		o.only = strings.Split(v, ",")
		for _, name := range o.only {
			if !slices.Contains(names, name) {
				return fmt.Errorf("%q is not one of %s", name, strings.Join(names, ", "))
			}
		}
		return nil
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0))
		fmt.Fprintln(out, err)
		return o, err
	}
	return o, nil
}

// run measures what was asked for. The report goes to out at the end, word of the progress to log.
func run(ctx context.Context, o options, out, log io.Writer) (err error) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil))) // handlers log every request, as they do when deployed
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "assetry-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	b := &bench{options: o, root: root, dir: dir, out: log, began: time.Now()}
	rep := report{Machine: thisMachine()}
	fmt.Fprintln(log, rep.Machine)
	for _, s := range sections {
		if len(o.only) > 0 && !slices.Contains(o.only, s.name) {
			continue
		}
		b.section = s.name
		b.progress("%s", s.what)
		res, err := s.run(b, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
		rep.Results = append(rep.Results, res)
	}
	b.section = ""
	b.progress("done")
	return b.print(rep, out)
}

func (b *bench) print(rep report, out io.Writer) error {
	if b.json != "" {
		if err := rep.write(b.json); err != nil {
			return err
		}
	}
	if b.markdown {
		return rep.markdown(out)
	}
	return rep.text(out)
}

// progress says what is being done, so that nobody wonders.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(b.out, "%5.1fs  %-8s %s\n", time.Since(b.began).Seconds(), b.section, fmt.Sprintf(format, args...))
}

// pick gives the number for a full run or for a quick one.
func (b *bench) pick(full, quick int) int {
	if b.quick {
		return quick
	}
	return full
}
