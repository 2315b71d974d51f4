package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// overview lists the commands.
func (p *program) overview(w io.Writer) {
	fmt.Fprint(w, `assetry looks after an Assetry stack: in AWS, or the local one of `+"`make run`"+`.

  assetry COMMAND [flags]

Commands:

`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-20s %s\n", c.name, c.brief)
	}
	fmt.Fprint(w, `
Which stack:

  --stack NAME         the CloudFormation stack NAME, by your ordinary AWS credentials (--profile, --region); also `+envStack+`
  --data FOLDER        the local stack in FOLDER, whether it runs or not; without a stack's name, `+defaultData+`

Everywhere:

  --json               answer in JSON; errors are JSON too, on standard error
  --yes                do not ask before something that cannot be undone

Exit codes: 0 done, 1 failed, 2 the command line makes no sense, 3 not there, 4 not confirmed or not possible as things stand, 5 the store
was busy or did not answer (repeat), 130 interrupted.

assetry COMMAND -h tells more, with examples; assetry help `+namesTopic+`, how to name tables, bucket and queues themselves.
`)
}

// help answers `assetry help`, with or without a command.
func (p *program) help(asJSON bool, args []string) int {
	if len(args) < 2 {
		p.overview(p.out)
		return exitOK
	}
	if args[1] == namesTopic {
		p.namesHelp(p.out)
		return exitOK
	}
	c, _, ok := find(args[1:])
	if !ok {
		return p.fail(asJSON, unknown(args[1:]))
	}
	p.describe(p.out, c)
	return exitOK
}

// describe tells all about a command.
func (p *program) describe(w io.Writer, c command) {
	fmt.Fprintf(w, "assetry %s: %s\n\n  %s\n", c.name, c.brief, strings.TrimSpace("assetry "+c.name+" "+c.operands)+" [flags]")
	if c.text != "" {
		fmt.Fprintf(w, "\n%s\n", c.text)
	}
	if c.flags != nil {
		fmt.Fprint(w, "\nFlags:\n\n")
		own := flag.NewFlagSet("", flag.ContinueOnError)
		c.flags(own)
		list(w, own)
	}
	if !c.offline {
		fmt.Fprint(w, "\nWhich stack, and how to answer:\n\n")
		common := flag.NewFlagSet("", flag.ContinueOnError)
		(&options{}).declare(common)
		(&target{}).declareStore(common)
		list(w, common)
	}
	if len(c.examples) > 0 {
		fmt.Fprint(w, "\nExamples:\n\n")
		for _, e := range c.examples {
			fmt.Fprintf(w, "  %s\n", e)
		}
	}
}

// namesTopic is what `assetry help` tells of beside commands.
const namesTopic = "names"

// namesHelp tells how to do without CloudFormation.
func (p *program) namesHelp(w io.Writer) {
	fmt.Fprint(w, `A stack is looked up by its name, which needs the right to ask CloudFormation. Without that right, or where the stack is gone and its
table and bucket were kept, name what it made. A command asks for what it needs: all need --table.

`)
	f := flag.NewFlagSet("", flag.ContinueOnError)
	(&target{}).declareNames(f)
	list(w, f)
	fmt.Fprint(w, `
Beside --stack, one of these stands in for what the stack says. AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL_S3 and the like lead elsewhere
than to AWS, as for AWS's own tools.
`)
}

// list prints flags, one a line.
func list(w io.Writer, f *flag.FlagSet) {
	f.VisitAll(func(one *flag.Flag) {
		value, text := flag.UnquoteUsage(one)
		if value == "value" {
			value = ""
		}
		if d := one.DefValue; d != "" && d != "0" && d != "false" {
			text += " (" + d + ")"
		}
		fmt.Fprintf(w, "  %-28s %s\n", strings.TrimSpace("--"+one.Name+" "+value), text)
	})
}
