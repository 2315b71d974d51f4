// Command soak lives thousands of lives of assets on a real table and a real bucket, while every call to table, bucket, bus and source may be
// throttled, lost on its way or on its way back, or the last one of its process; object events come twice, in any order, late or never.
// When the sweeper has had its hours, nothing may be lost, orphaned, told twice or stuck.
//
//	go run ./infra/soak [-seed N] [-lives N] [-no-parts]
//
// Time is the soak's own and only moves with it. The seed tells all that happens, but for the order of what webhooks send at once: it is printed
// first and with all that was found, and the same one brings the same again. Afterwards 5,000 real parts of 5 MiB are uploaded, joined and
// removed; the disk is looked at before anything.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/local/versity"
)

// options are the flags.
type options struct {
	seed    uint64
	lives   int
	noParts bool
}

func main() {
	versity.MainIfChild()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // faults are what it is made of
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := soakAll(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "soak: "+err.Error())
		stop()
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.Uint64Var(&o.seed, "seed", rand.Uint64N(1_000_000), "what happens; the default is drawn")
	fs.IntVar(&o.lives, "lives", 10_000, "how many assets")
	fs.BoolVar(&o.noParts, "no-parts", false, "without the 5,000 real parts")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 || o.lives < 1 {
		fmt.Fprintln(out, "soak: it takes flags only, and at least one life")
		return o, errors.New("bad arguments")
	}
	return o, nil
}

// soakAll does both parts in a folder that is removed in the end.
func soakAll(ctx context.Context, o options, out *os.File) (err error) {
	dir, err := os.MkdirTemp("", "assetry-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if !o.noParts {
		if err := roomFor(dir, realParts*realPart); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "seed %d, %d lives\n", o.seed, o.lives)
	p := newProgress(out, "lives", o.lives)
	var b bytes.Buffer
	v, err := run(ctx, o.seed, o.lives, filepath.Join(dir, "lives"), p.done, &b)
	p.end()
	fmt.Fprint(out, &b)
	if err != nil {
		return fmt.Errorf("seed %d: %w", o.seed, err)
	}
	if !v.clean() {
		return fmt.Errorf("seed %d left something behind", o.seed)
	}
	if o.noParts {
		return nil
	}
	p = newProgress(out, "parts", realParts)
	err = manyParts(ctx, filepath.Join(dir, "parts"), realParts, p.done)
	p.end()
	if err == nil {
		fmt.Fprintf(out, "%d parts of %d bytes were uploaded, joined, read and removed\n", realParts, realPart)
	}
	return err
}

// progress is one line that is written over on a terminal, and a line a minute elsewhere.
type progress struct {
	out      *os.File
	what     string
	of       int
	terminal bool
	last     time.Time
}

func newProgress(out *os.File, what string, of int) *progress {
	info, err := out.Stat()
	return &progress{out: out, what: what, of: of, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, last: time.Now()}
}

// done says how many are done.
func (p *progress) done(n int) {
	switch now := time.Now(); {
	case p.terminal && now.Sub(p.last) > 200*time.Millisecond:
		p.last = now
		fmt.Fprintf(p.out, "\r%d of %d %s", n, p.of, p.what)
	case !p.terminal && now.Sub(p.last) > time.Minute:
		p.last = now
		fmt.Fprintf(p.out, "%d of %d %s\n", n, p.of, p.what)
	}
}

func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
