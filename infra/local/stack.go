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
	"sync"
	"syscall"
	"time"

	awsevents "github.com/aws/aws-lambda-go/events"

	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/shared/access"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/id"
	"github.com/assetry/assetry/shared/s3blob"
	"github.com/assetry/assetry/shared/schema"
	"github.com/assetry/assetry/shared/table/sqlite"
	"github.com/assetry/assetry/shared/trigger/change"
	"github.com/assetry/assetry/shared/trigger/object"
	"github.com/assetry/assetry/shared/trigger/sweep"
	"github.com/assetry/assetry/shared/trigger/webhooks"
)

// What stands for AWS's names in events.
const (
	localRegion  = versity.DefaultRegion
	localAccount = "000000000000"
	localBucket  = "assetry"
)

const (
	sweepEvery  = time.Minute            // how often the schedule fires; deployed it is every five minutes
	retryEvery  = 5 * time.Second        // how often what is due to webhooks is tried; deployed it is every minute
	drainTime   = 500 * time.Millisecond // for requests under way when it stops
	portTime    = 2 * time.Second        // for a killed predecessor to let go of a port
	keepChanges = 30 * 24 * time.Hour    // for how long a folder may lie unused before changes that were not delivered are lost
)

// stack is everything that runs. What was opened is closed in reverse.
type stack struct {
	settings state.Settings
	s3       *versity.Server
	failed   chan error // a part ended that must not
	closers  []func()
}

func (s *stack) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *stack) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// start opens the folder and starts every part, in the order in which they need each other. It returns once everything answers.
func start(ctx context.Context, o options) (_ *stack, err error) {
	s := &stack{failed: make(chan error, 2+len(ruled))}
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
	listener, err := listen(ctx, o.addr, s.settings.Addr)
	if err != nil {
		return nil, fmt.Errorf("the API cannot listen: %w", err)
	}
	s.onClose(func() { _ = listener.Close() })
	s.settings.Addr = listener.Addr().String()
	return s, s.build(ctx, o, dir, listener)
}

// build starts what stands behind the API, and then the API.
func (s *stack) build(ctx context.Context, o options, dir *state.Folder, listener net.Listener) error {
	root, err := dir.Root()
	if err != nil {
		return err
	}
	db, err := s.open(dir.File("table.db"), sqlite.Options{Indexes: schema.Indexes(), FeedRetention: keepChanges})
	if err != nil {
		return err
	}
	queued, err := s.open(dir.File("queue.db"), sqlite.Options{FeedRetention: time.Minute})
	if err != nil {
		return err
	}
	found, err := s.open(dir.File("search.db"), sqlite.Options{FeedRetention: time.Minute})
	if err != nil {
		return err
	}
	events, err := openEventBus(dir.File("events.jsonl"))
	if err != nil {
		return err
	}
	s.onClose(events.close)

	var services *boot.Services
	queue := newObjectQueue(queued, localBucket, func(ctx context.Context, e awsevents.S3Event) error {
		return object.Handler(services)(ctx, e)
	})
	if err := s.startS3(ctx, o, dir, queue); err != nil {
		return fmt.Errorf("the bucket cannot start: %w", err)
	}
	bucket := s3blob.New(s.s3.Client(), localBucket, s3blob.Options{})
	services = boot.New(engines{table: db, search: found, bucket: bucket, bus: events, root: root, remote: remoteFiles(o.allowLocalSources), sender: receivers(o.allowLocalSources)})
	events.rules = rules(queued, services)
	handler, err := api(o.template, services)
	if err != nil {
		return err
	}
	if err := s.tenant(ctx, services); err != nil {
		return err
	}
	if err := dir.Keep(s.settings); err != nil {
		return err
	}
	if err := s.index(ctx, services); err != nil {
		return err
	}
	if err := replay(ctx, db, services, queue); err != nil {
		return err
	}
	s.runEvents(ctx, []*sqlite.DB{db, queued, found}, services, append(events.queues(), queue.messageQueue))
	s.serve(listener, handler)
	return nil
}

// open opens a table of the stack.
func (s *stack) open(path string, o sqlite.Options) (*sqlite.DB, error) {
	db, err := sqlite.Open(path, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.onClose(func() { _ = db.Close() })
	return db, nil
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
			wait(ctx, nil, 50*time.Millisecond)
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

// startS3 starts the bucket, on the port of the last start where port 0 is asked for.
func (s *stack) startS3(ctx context.Context, o options, dir *state.Folder, queue *objectQueue) error {
	host, port, _ := net.SplitHostPort(o.s3Addr)
	addr := o.s3Addr
	if _, kept, err := net.SplitHostPort(s.settings.S3Addr); err == nil && port == "0" {
		addr = net.JoinHostPort(host, kept)
	}
	c := versity.Config{
		Dir: dir.File("s3"), Addr: addr, Bucket: localBucket,
		AccessKey: s.settings.S3AccessKey, SecretKey: s.settings.S3SecretKey,
		CORS:   versity.CORS{Origins: []string{"*"}},
		Stderr: os.Stderr,
		OnEvent: func(e versity.Event) {
			if err := queue.add(context.Background(), e); err != nil {
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
		wait(ctx, nil, 50*time.Millisecond)
	}
	if err != nil {
		return inUse(err, c.Addr, "-s3-addr")
	}
	s.onClose(s.s3.Close)
	s.settings.S3Addr = s.s3.Addr()
	go func() {
		<-s.s3.Done()
		if err := s.s3.Err(); err != nil {
			s.failed <- fmt.Errorf("the bucket ended: %w", err)
		}
	}()
	return nil
}

// tenant makes the workspace and the key of a new folder.
func (s *stack) tenant(ctx context.Context, services *boot.Services) error {
	if s.settings.APIKey != "" {
		return nil
	}
	w, err := services.Accounts().CreateWorkspace(ctx, "Local")
	if err != nil {
		return fmt.Errorf("create the workspace: %w", err)
	}
	secret, _, err := services.Accounts().IssueKey(ctx, "local", map[id.Workspace]access.Role{w.ID: access.Owner})
	if err != nil {
		return fmt.Errorf("issue the API key: %w", err)
	}
	s.settings.Workspace, s.settings.APIKey = w.ID.String(), secret
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

// runEvents starts the deliveries: the queues, the stream's two consumers, and the schedule, which keeps house in all tables. The first has
// the stream, the second how far it was delivered.
func (s *stack) runEvents(parent context.Context, dbs []*sqlite.DB, services *boot.Services, queues []*messageQueue) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	var running sync.WaitGroup
	s.onClose(func() {
		cancel()
		running.Wait()
		for _, q := range queues {
			q.done.Wait()
		}
	})
	for _, q := range queues {
		running.Go(func() {
			if err := q.run(ctx); err != nil && ctx.Err() == nil {
				s.failed <- err
			}
		})
	}
	for _, p := range []*pump{
		{"stream-publish", dbs[0], dbs[1], change.Publish(services)},
		{"stream-cleanup", dbs[0], dbs[1], change.CleanUp(services)},
	} {
		running.Go(func() { p.run(ctx) })
	}
	running.Go(func() { schedule(ctx, "sweep", sweepEvery, overWire(sweep.Handler(services)), dbs...) })
	running.Go(func() { schedule(ctx, "webhook-retries", retryEvery, overWire(webhooks.Retries(services))) })
}

// schedule fires at once and then again and again, and keeps the house of tables.
func schedule(ctx context.Context, rule string, every time.Duration, fire func(context.Context, awsevents.CloudWatchEvent) error, dbs ...*sqlite.DB) {
	for ctx.Err() == nil {
		e := awsevents.CloudWatchEvent{
			Version: "0", ID: id.New(time.Now()).String(), DetailType: "Scheduled Event", Source: "aws.events", AccountID: localAccount,
			Time: time.Now().UTC().Truncate(time.Second), Region: localRegion,
			Resources: []string{"arn:aws:events:" + localRegion + ":" + localAccount + ":rule/assetry-" + rule}, Detail: []byte("{}"),
		}
		err := fire(ctx, e)
		for _, db := range dbs {
			_, expireErr := db.Sweep(ctx)
			err = errors.Join(err, expireErr)
		}
		if err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "a schedule failed; the next time goes on", "rule", rule, "err", err)
		}
		wait(ctx, nil, every)
	}
}

// serve answers the API until the stack closes.
func (s *stack) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(os.Stderr, "gateway: ", 0)}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the API ended: %w", err)
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
