// Command local runs all of Assetry on this machine: every function behind an API gateway, the table in SQLite, the bucket on an
// embedded S3 server, object events, the table's stream, the event bus and the schedule. It needs Go and nothing else.
//
//	go run ./infra/local [-addr 127.0.0.1:8080] [-s3-addr 127.0.0.1:0] [-data .assetry] [-template template.yaml] [-ready FILE]
//	    [-allow-local-sources] [-lambda [-record FILE]]
//
// With -lambda the functions are the programs that are deployed, built first and run in processes of their own behind Lambda's Runtime API, each
// with credentials of its own; the tables are AWS's DynamoDB Local, which Java runs. The gateway, the event sources and the bucket are the same.
//
// State lives in the data folder and survives restarts, also by kill -9. It listens on loopback only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/assetry/assetry/infra/local/versity"
)

// options are the flags.
type options struct {
	addr, s3Addr, data, template, ready, record string
	allowLocalSources, lambda                   bool
}

func main() {
	versity.MainIfChild()
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "local: "+err.Error())
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.addr, "addr", "127.0.0.1:8080", "loopback `address` of the API; port 0 picks a free one and keeps it")
	f.StringVar(&o.s3Addr, "s3-addr", "127.0.0.1:0", "loopback `address` of the bucket; port 0 picks a free one and keeps it")
	f.StringVar(&o.data, "data", ".assetry", "`folder` of all state")
	f.StringVar(&o.template, "template", "template.yaml", "the `file` that says which function answers which route")
	f.StringVar(&o.ready, "ready", "", "`file` to write, as JSON, once everything answers")
	f.BoolVar(&o.allowLocalSources, "allow-local-sources", false, "import from this machine, and send webhooks to it, also over plain http: for trying it out")
	f.BoolVar(&o.lambda, "lambda", false, "run the functions as they are deployed: their programs, built first, behind a Lambda runtime, on DynamoDB Local (which `make test` installs)")
	f.StringVar(&o.record, "record", "", "`file` to note in which rights the functions use; with -lambda only")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	err := errors.Join(loopback("-addr", o.addr), loopback("-s3-addr", o.s3Addr), o.exclusive())
	if f.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0)))
	}
	if err != nil {
		fmt.Fprintln(out, err)
	}
	return o, err
}

// loopback refuses addresses that others could reach: the stack has a fixed key in a file, and no TLS.
func loopback(name, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s %q is not host:port", name, addr)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s %q is not a loopback address; the local stack listens on 127.0.0.1, [::1] or localhost only", name, addr)
}

func run(o options) error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := start(ctx, o)
	if ctx.Err() != nil { // before it answered
		if err == nil {
			s.close()
		}
		fmt.Fprintln(os.Stdout, "stopping")
		return nil
	}
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.announce(o, os.Stdout); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(os.Stdout, "stopping")
		return nil
	case err := <-s.failed:
		return err
	}
}
