package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/identity"
	"github.com/assetry/assetry/infra/lambdahost"
	"github.com/assetry/assetry/infra/local/gateway"
	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// here is where events of this stack say that they come from.
var here = sources.Place{Region: versity.DefaultRegion, Account: "000000000000", Stack: "assetry"}

const (
	tidyEvery   = time.Minute            // how often what expired is removed from the files of tables
	drainTime   = 500 * time.Millisecond // for requests under way when it stops
	portTime    = 2 * time.Second        // for a killed predecessor to let go of a port
	keepChanges = 30 * 24 * time.Hour    // for how long a folder may lie unused before changes that were not delivered are lost
)

// localBucket is the bucket of a stack that is one process.
const localBucket = "assetry"

// stack is everything that runs. What was opened is closed in reverse.
type stack struct {
	settings  state.Settings
	s3        *versity.Server
	s3Config  versity.Config      // that it was started with
	db        *dynamolocal.Server // of the deployed shape
	lambda    *lambdahost.Host    // of the deployed shape
	functions sources.Invoke      // set before anything is delivered
	failed    chan error          // a part ended that must not
	closers   []func()
}

func (s *stack) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *stack) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// fail ends the stack. The first reason is told.
func (s *stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// invoke runs a function of whichever shape this stack has.
func (s *stack) invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	return s.functions(ctx, name, payload)
}

// start opens the folder and starts every part, in the order in which they need each other. It returns once everything answers.
func start(ctx context.Context, o options) (_ *stack, err error) {
	s := &stack{failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	dir, err := state.Open(o.data)
	if err != nil {
		return nil, err
	}
	s.onClose(dir.Close)
	if s.settings, err = dir.Settings(); err != nil {
		return nil, err
	}
	if err := fits(s.settings, o); err != nil {
		return nil, err
	}
	listener, err := listen(ctx, o.addr, s.settings.Addr)
	if err != nil {
		return nil, fmt.Errorf("the API cannot listen: %w", err)
	}
	s.onClose(func() { _ = listener.Close() })
	s.settings.Addr = listener.Addr().String()
	return s, s.build(ctx, o, dir, listener)
}

// fits refuses a folder that has the tables of the other shape.
func fits(k state.Settings, o options) error {
	switch lambda := k.TableAddr != ""; {
	case k.APIKey == "" || lambda == o.lambda:
		return nil
	case lambda:
		return fmt.Errorf("%s was begun with -lambda, and its tables are DynamoDB Local's; start it with -lambda, or give this stack a folder of its own with -data", o.data)
	}
	return fmt.Errorf("%s was begun without -lambda, and its tables are SQLite's; give this stack a folder of its own, such as -data %s", o.data, filepath.Join(o.data, "lambda"))
}

// readTemplate reads the template with its references as they are on this machine.
func readTemplate(path string) (*template.Template, error) {
	t, err := template.Read(path, template.Options{})
	if err != nil {
		return nil, err
	}
	return template.Read(path, template.Options{Values: references(t)})
}

// folders are the functions of a template, by the names of their folders.
func folders(t *template.Template) (names []string) {
	for _, f := range t.Functions {
		names = append(names, f.Folder)
	}
	return names
}

// build starts what stands behind the API, and then the API.
func (s *stack) build(ctx context.Context, o options, dir *state.Folder, listener net.Listener) error {
	root, err := dir.Root()
	if err != nil {
		return err
	}
	tmpl, err := readTemplate(o.template)
	if err != nil {
		return err
	}
	queued, err := s.open(dir.File("queue.db"), sqlite.Options{FeedRetention: time.Minute})
	if err != nil {
		return err
	}
	bus, err := sources.OpenBus(dir.File("events.jsonl"), here)
	if err != nil {
		return err
	}
	s.onClose(func() { _ = bus.Close() })
	d, err := newDeliveries(tmpl, deliveries{place: here, store: queued, failed: &sources.Failures{Dir: dir.File("failed")}, invoke: s.invoke}, bus)
	if err != nil {
		return err
	}
	bucket, err := s.bucket(o, tmpl)
	if err != nil {
		return err
	}
	if err := s.startS3(ctx, o, dir, bucket, d.notify); err != nil {
		return fmt.Errorf("the bucket cannot start: %w", err)
	}
	e := engines{bus: publisher{bus}, root: root, name: bucket.name, bucket: s3blob.New(s.s3.Client(), bucket.name, s3blob.Options{})}
	g, err := s.below(ctx, o, dir, tmpl, e, bus)
	if err != nil {
		return err
	}
	if err := d.follow(tmpl, g.feeds); err != nil {
		return err
	}
	if err := s.furnish(ctx, dir, g, d); err != nil {
		return err
	}
	s.onClose(d.start(ctx, s.fail))
	s.serve(listener, gateway.New(tmpl, s.invoke, gateway.Options{OwnTime: o.lambda}))
	return nil
}

// bucket is the one of this shape. Deployed functions know it by the template's name, and each has an account of its own.
func (s *stack) bucket(o options, t *template.Template) (bucket, error) {
	if !o.lambda {
		return bucket{name: localBucket}, nil
	}
	if err := settled(t); err != nil {
		return bucket{}, err
	}
	if _, err := identity.Names(folders(t)); err != nil {
		return bucket{}, err
	}
	return bucket{t.Functions[0].Environment[boot.EnvBucket], identity.Accounts(s.settings.S3SecretKey, folders(t))}, nil
}

// below starts what the functions stand on, and makes them ready.
func (s *stack) below(ctx context.Context, o options, dir *state.Folder, tmpl *template.Template, e engines, bus *sources.Bus) (ground, error) {
	if o.lambda {
		d := &deployed{stack: s, options: o, dir: dir, tmpl: tmpl, bus: bus, engines: e, secret: s.settings.S3SecretKey}
		return d.start(ctx)
	}
	return s.inProcess(o, dir, tmpl, e)
}

// furnish makes what a new folder lacks, and what a crash may have lost.
func (s *stack) furnish(ctx context.Context, dir *state.Folder, g ground, d *deliveries) error {
	fresh := s.settings.APIKey == ""
	if err := s.settings.Tenant(ctx, g.services.Accounts()); err != nil {
		return err
	}
	if err := dir.Keep(s.settings); err != nil {
		return err
	}
	if err := s.index(ctx, g.services); err != nil || fresh {
		return err // a new folder has lost nothing
	}
	return replay(ctx, g.table, g.services, d.notify)
}

// open opens a table in a file, and keeps removing from it what expired.
func (s *stack) open(path string, o sqlite.Options) (*sqlite.DB, error) {
	db, err := sqlite.Open(path, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tidying sync.WaitGroup
	tidying.Go(func() { tidy(ctx, db) })
	s.onClose(func() {
		cancel()
		tidying.Wait()
		_ = db.Close()
	})
	return db, nil
}

// tidy removes what expired, at once and then again and again. What fails is tried the next time.
func tidy(ctx context.Context, db *sqlite.DB) {
	for ctx.Err() == nil {
		if _, err := db.Sweep(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "what expired was not removed", "err", err)
		}
		pause(ctx, tidyEvery)
	}
}

// pause ends with a time or the context.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// listen takes the address that was asked for. Port 0 takes the port of the last start if it is free, else any.
func listen(ctx context.Context, asked, kept string) (net.Listener, error) {
	host, port, _ := net.SplitHostPort(asked)
	if port != "0" {
		l, err := net.Listen("tcp", asked)
		return l, inUse(err, asked, "-addr")
	}
	if _, keptPort, err := net.SplitHostPort(kept); err == nil {
		until := time.Now().Add(portTime)
		for {
			l, err := net.Listen("tcp", net.JoinHostPort(host, keptPort))
			if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
				return l, err
			}
			if time.Now().After(until) || ctx.Err() != nil {
				break
			}
			pause(ctx, 50*time.Millisecond)
		}
	}
	return net.Listen("tcp", asked)
}

func inUse(err error, addr, name string) error {
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, versity.ErrAddrInUse) {
		return fmt.Errorf("%s is in use by another program; stop that, or choose another address with %s (port 0 picks a free one)", addr, name)
	}
	return err
}

// bucket is what a shape calls its bucket, and who may use it beside the stack itself.
type bucket struct {
	name     string
	accounts map[string]string // access key to secret
}

// startS3 starts the bucket, on the port of the last start where port 0 is asked for.
func (s *stack) startS3(ctx context.Context, o options, dir *state.Folder, b bucket, notify func(versity.Event) error) error {
	host, port, _ := net.SplitHostPort(o.s3Addr)
	addr := o.s3Addr
	if _, kept, err := net.SplitHostPort(s.settings.S3Addr); err == nil && port == "0" {
		addr = net.JoinHostPort(host, kept)
	}
	if o.record != "" { // the recorder before it takes the address
		addr, port = net.JoinHostPort(host, "0"), "0"
	}
	c := versity.Config{
		Dir: dir.File("s3"), Addr: addr, Bucket: b.name, Accounts: b.accounts,
		AccessKey: s.settings.S3AccessKey, SecretKey: s.settings.S3SecretKey,
		CORS:   versity.CORS{Origins: []string{"*"}},
		Stderr: os.Stderr,
		OnEvent: func(e versity.Event) {
			if err := notify(e); err != nil {
				slog.Error("object event lost; the next start finds its object", "err", err)
			}
		},
	}
	var err error
	for until := time.Now().Add(portTime); ; {
		s.s3, err = versity.Start(ctx, c)
		if !errors.Is(err, versity.ErrAddrInUse) || port != "0" {
			break
		}
		if time.Now().After(until) {
			c.Addr = o.s3Addr
		}
		pause(ctx, 50*time.Millisecond)
	}
	if err != nil {
		return inUse(err, c.Addr, "-s3-addr")
	}
	s.onClose(s.s3.Close)
	c.Addr = s.s3.Addr()
	s.s3Config = c
	if o.record == "" {
		s.settings.S3Addr = c.Addr
	}
	go func() {
		<-s.s3.Done()
		if err := s.s3.Err(); err != nil {
			s.fail(fmt.Errorf("the bucket ended: %w", err))
		}
	}()
	return nil
}

// index fills the search index of a folder that had none, once: from then on it follows the changes.
func (s *stack) index(ctx context.Context, services *boot.Services) error {
	w, err := id.ParseWorkspace(s.settings.Workspace)
	if err != nil {
		return fmt.Errorf("settings.json: workspace_id: %w", err)
	}
	if done, err := services.Search().Indexed(ctx, w); err != nil || done {
		return err
	}
	return services.Search().Reindex(ctx, w)
}

// serve answers the API until the stack closes.
func (s *stack) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(os.Stderr, "gateway: ", 0)}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("the API ended: %w", err))
		}
	}()
	s.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	})
}
