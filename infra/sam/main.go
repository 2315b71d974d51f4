// Command sam serves Assetry on this machine by AWS SAM: `sam local start-api` runs each function as it is deployed, in a container of its own,
// on AWS's DynamoDB Local and the embedded S3 server. What SAM has no part for is done here: EventBridge and Secrets Manager answer, and
// objects that are made in the bucket are told to their function, by `sam local start-lambda`.
//
//	go run ./infra/sam [-port 3000] [-lambda-port 3001] [-data .assetry/sam] [-ready FILE]
//
// It needs SAM and DynamoDB Local in .tools, and Docker; `make sam` brings what is missing. State lives in the data folder and survives
// restarts. The API is on loopback; the servers that containers need are on the bridge of containers, and DynamoDB Local, which cannot be
// told otherwise, on every interface.
//
// SAM serves one request of a function at a time. It does not follow the table's stream, rules of the event bus, queues or schedules: nothing
// is published, sent to webhooks, imported, cleaned up, swept or indexed here. `go run ./infra/local -lambda` does all that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/assetry/assetry/infra/local/versity"
)

// options are the flags, and what tests set.
type options struct {
	port, lambdaPort int
	data, readyFile  string

	root  string    // top folder of the repository
	built bool      // the functions are built
	out   io.Writer // takes what SAM and the functions write
}

func (o options) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(o.out, "sam: "+format+"\n", args...)
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
		fmt.Fprintln(os.Stderr, "sam: "+err.Error())
		os.Exit(1)
	}
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{out: out}
	f := flag.NewFlagSet("sam", flag.ContinueOnError)
	f.SetOutput(out)
	f.IntVar(&o.port, "port", 3000, "`port` of the API, on 127.0.0.1")
	f.IntVar(&o.lambdaPort, "lambda-port", 3001, "`port` of the Lambda API, on 127.0.0.1: invokes any function")
	f.StringVar(&o.data, "data", filepath.Join(".assetry", "sam"), "`folder` of all state")
	f.StringVar(&o.readyFile, "ready", "", "`file` to write, as JSON, once everything answers")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	for name, port := range map[string]int{"-port": o.port, "-lambda-port": o.lambdaPort} {
		if port < 1 || port > 65535 {
			err = errors.Join(err, fmt.Errorf("%s %d is no port; 1 to 65535 are", name, port))
		}
	}
	if f.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("unexpected argument %q: everything is a flag", f.Arg(0)))
	}
	if err != nil {
		_, _ = fmt.Fprintln(out, err)
	}
	return o, err
}

func run(o options) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.root, err = repository(); err != nil {
		return err
	}
	s, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.announce(os.Stdout); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		s.tell("stopping")
		return nil
	case err := <-s.failed:
		return err
	}
}

// repository finds the top folder: the nearest one upwards with a template.yaml.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no template.yaml here or above: run it inside the repository")
		}
		dir = parent
	}
}

// announce says where everything is, for people, and for programs in the ready file.
func (s *stack) announce(out io.Writer) error {
	r := s.ready()
	_, err := fmt.Fprintf(out, `
Assetry is running in containers. Ctrl-C stops it; everything is kept in %s.

  API         %s/api/v1
  Bucket      %s
  Lambda API  http://127.0.0.1:%d
  Workspace   %s
  API key     %s
  Client      %s (Orders API)
  Secret      %s

Paste this to upload a small orange square. The first request of a function waits for its container:

  %s

Not here: webhooks, imports, events on the bus, search, the sweeper. SAM has no part that follows the table, queues or a schedule.

`, s.data, r.API, r.S3, s.lambdaPort, r.Workspace, r.APIKey, r.Orders.ID, r.Orders.Secret, r.Curl())
	if err != nil {
		return err
	}
	return r.Write(s.readyFile)
}
