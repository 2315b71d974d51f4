package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// program is the tool with what it talks to.
type program struct {
	in    io.Reader
	out   io.Writer // answers, and nothing else
	err   io.Writer // errors, questions and progress
	asks  bool      // somebody can be asked
	draws bool      // err is a terminal, where a line may be written over
}

// command is one thing that the tool does.
type command struct {
	name     string // such as "key create"
	operands string // what follows the flags, as it is shown in help
	needs    need   // beside the table
	most     int    // how many operands it takes at most; it checks itself that enough came
	brief    string // one line, for the list of commands
	text     string // what help says beneath the brief
	examples []string
	offline  bool                // it needs no store, and takes no flag that names one
	flags    func(*flag.FlagSet) // nil: none but the common ones
	run      func(context.Context, *call) (answer, error)
}

// call is one run of a command.
type call struct {
	*program
	store    *store // nil where the command is offline
	operands []string
	yes      bool
	json     bool
}

// answer is what a command has to say: a value for machines, and words for people.
type answer struct {
	json any
	text func(io.Writer)
}

// commands are all of them, in the order of help. Flags are kept in the command, so that every run has commands of its own.
func commands() []command {
	return []command{
		workspaceCreate(), workspaceList(), workspaceSplit(), workspaceRegister(),
		keyCreate(), keyList(), keyRevoke(),
		clientCreate(), clientList(), clientRotate(), clientDropSecret(), clientDelete(),
		linkRotate(),
		sweepNow(), reconcileAll(), searchReindex(),
		deadLettersList(), deadLettersReplay(),
		versionShow(),
	}
}

// run does what the arguments say and gives the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	t := &target{}
	common := flag.NewFlagSet("assetry", flag.ContinueOnError)
	common.SetOutput(io.Discard)
	o := &options{}
	o.declare(common)
	t.declare(common)
	err := common.Parse(args)
	switch rest := common.Args(); {
	case errors.Is(err, flag.ErrHelp), err == nil && len(rest) > 0 && rest[0] == "help":
		return p.help(o.json, rest)
	case err != nil:
		return p.fail(o.json, usage("%s; `assetry help` lists commands and flags", err))
	case len(rest) == 0:
		p.overview(p.err)
		return exitUsage
	}
	c, rest, ok := find(common.Args())
	if !ok {
		return p.fail(o.json, unknown(common.Args()))
	}
	return p.execute(ctx, c, o, t, rest)
}

// options are the flags of every command beside those of its store.
type options struct {
	json, yes bool
}

func (o *options) declare(f *flag.FlagSet) {
	f.BoolVar(&o.json, "json", o.json, "answer in JSON, for machines")
	f.BoolVar(&o.yes, "yes", o.yes, "do not ask before something that cannot be undone")
}

// execute parses the flags of a command, opens its store and runs it.
func (p *program) execute(ctx context.Context, c command, o *options, t *target, args []string) int {
	f := flagsOf(c, o, t)
	operands, err := parse(f, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.describe(p.out, c)
		return exitOK
	case err != nil:
		return p.fail(o.json, usage("%s; `assetry %s -h` shows what it takes", err, c.name))
	case len(operands) > c.most:
		return p.fail(o.json, usage("unexpected argument %q; `assetry %s -h` shows what it takes", operands[c.most], c.name))
	}
	r := &call{program: p, operands: operands, yes: o.yes, json: o.json}
	if !c.offline {
		if r.store, err = t.open(ctx, c.needs); err != nil {
			return p.fail(o.json, err)
		}
		defer r.store.close()
		if !o.json {
			fmt.Fprintf(p.err, "on %s\n", r.store.name)
		}
	}
	a, err := c.run(ctx, r)
	if a.json != nil {
		p.show(o.json, a) // also what was done before it failed
	}
	if err != nil {
		return p.fail(o.json, err)
	}
	return exitOK
}

// flagsOf are the flags of a command, with the values that stood before its name.
func flagsOf(c command, o *options, t *target) *flag.FlagSet {
	f := flag.NewFlagSet("assetry "+c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	o.declare(f)
	if !c.offline {
		t.declare(f)
	}
	if c.flags != nil {
		c.flags(f)
	}
	return f
}

// parse reads flags and operands in any order; everything after -- is an operand.
func parse(f *flag.FlagSet, args []string) (operands []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		rest := f.Args()
		if len(rest) == 0 {
			return operands, nil
		}
		if parsed := len(args) - len(rest); parsed > 0 && args[parsed-1] == "--" {
			return append(operands, rest...), nil
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
}

// find is the command that arguments begin with, and what follows its name.
func find(args []string) (c command, rest []string, ok bool) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c, args[len(words):], true
		}
	}
	return command{}, nil, false
}

// unknown says which commands begin as the arguments do, or which there are.
func unknown(args []string) error {
	var near, groups []string
	for _, c := range commands() {
		group := strings.Fields(c.name)[0]
		if group == args[0] {
			near = append(near, "`"+c.name+"`")
		}
		if !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	if len(near) > 0 {
		return usage("%q is no command; there is %s", strings.Join(args[:min(len(args), 2)], " "), strings.Join(near, ", "))
	}
	return usage("%q is no command; there are %s; `assetry help` tells more", args[0], strings.Join(groups, ", "))
}
