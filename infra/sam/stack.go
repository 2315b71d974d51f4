package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/assetry/assetry/infra/child"
	"github.com/assetry/assetry/infra/docker"
	"github.com/assetry/assetry/infra/dynamolocal"
	"github.com/assetry/assetry/infra/local/cloud"
	"github.com/assetry/assetry/infra/local/sources"
	"github.com/assetry/assetry/infra/local/state"
	"github.com/assetry/assetry/infra/local/versity"
	"github.com/assetry/assetry/infra/template"
	"github.com/assetry/assetry/shared/boot"
	"github.com/assetry/assetry/shared/table/sqlite"
)

// What stands for AWS's names in events and variables.
const (
	region  = versity.DefaultRegion
	owner   = "000000000000" // account of AWS
	bucket  = "assetry"
	busName = "assetry"
	secret  = "arn:aws:secretsmanager:" + region + ":" + owner + ":secret:assetry-root-key"
)

// listenLimit is how long SAM may take to listen: a second or two on an idle machine.
const listenLimit = 2 * time.Minute

// stack is everything that runs. What was opened is closed in reverse.
type stack struct {
	options
	folder   *state.Folder
	settings state.Settings
	s3       *versity.Server
	sam      *project
	failed   chan error // a part ended that must not
	closers  []func()
}

func (s *stack) onClose(f func()) { s.closers = append(s.closers, f) }

func (s *stack) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// fail reports a part that ended by itself. Only the first is heard.
func (s *stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// start opens the folder and starts every part, in the order in which they need each other. It returns once everything answers.
func start(ctx context.Context, o options) (_ *stack, err error) {
	s := &stack{options: o, failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.folder, err = state.Open(o.data); err != nil {
		return nil, err
	}
	s.onClose(s.folder.Close)
	if s.settings, err = s.folder.Settings(); err != nil {
		return nil, err
	}
	e, err := docker.Open(ctx, docker.Options{Dir: filepath.Join(o.root, ".tools", "docker"), Tell: o.tell})
	if err != nil {
		return nil, err
	}
	s.onClose(e.Close)
	if err := s.prepare(ctx, e); err != nil {
		return nil, err
	}
	return s, s.run(ctx, e)
}

// prepare has SAM build the functions, unless they are built.
func (s *stack) prepare(ctx context.Context, e *docker.Engine) error {
	p, err := newProject(ctx, s.root, e)
	if err != nil {
		return err
	}
	p.accessKey, p.secretKey = s.settings.S3AccessKey, s.settings.S3SecretKey
	if s.sam = p; s.built {
		return nil
	}
	s.tell("sam build: every function, for this machine's processor")
	return p.build(ctx, s.out)
}

// run starts what functions reach, and then SAM.
func (s *stack) run(ctx context.Context, e *docker.Engine) error {
	db, err := dynamolocal.Start(ctx, dynamolocal.Options{Root: s.root, Dir: s.folder.File("dynamodb")})
	if err != nil {
		return err
	}
	s.onClose(db.Stop)
	go func() {
		<-db.Done()
		s.fail(db.Err())
	}()
	if err := s.tables(ctx, db.Endpoint()); err != nil {
		return err
	}
	arrived, err := s.arrivals(ctx)
	if err != nil {
		return err
	}
	if err := s.startBucket(ctx, e.Gateway(), arrived); err != nil {
		return err
	}
	services, err := s.startCloud(e.Gateway())
	if err != nil {
		return err
	}
	if err := s.folder.Keep(s.settings); err != nil {
		return err
	}
	return s.startSAM(ctx, endpoints{dynamodb: seenFrom(e, db.Endpoint()), s3: s.s3.URL(), cloud: services})
}

// startSAM has SAM serve the functions, which reach the endpoints.
func (s *stack) startSAM(ctx context.Context, at endpoints) error {
	variables := s.folder.File("variables.json")
	all := at.variables()
	all[boot.EnvTable], all[boot.EnvSearch], all[boot.EnvBucket], all[boot.EnvBus], all[boot.EnvRootKey] = tableName, searchName, bucket, busName, secret
	if err := writeVariables(variables, all); err != nil {
		return err
	}
	if err := s.serve(ctx, "start-lambda", s.lambdaPort, variables); err != nil {
		return err
	}
	return s.serve(ctx, "start-api", s.port, variables)
}

// startBucket starts the S3 server where containers and this machine reach it.
func (s *stack) startBucket(ctx context.Context, address string, arrived func(versity.Event)) (err error) {
	s.s3, err = versity.Start(ctx, versity.Config{
		Dir: s.folder.File("s3"), Addr: net.JoinHostPort(address, "0"), Bucket: bucket,
		AccessKey: s.settings.S3AccessKey, SecretKey: s.settings.S3SecretKey,
		CORS: versity.CORS{Origins: []string{"*"}}, OnEvent: arrived, Stderr: s.out,
	})
	if err != nil {
		return err
	}
	s.onClose(s.s3.Close)
	go func() {
		<-s.s3.Done()
		if err := s.s3.Err(); err != nil {
			s.fail(fmt.Errorf("the bucket ended: %w", err))
		}
	}()
	return nil
}

// startCloud answers for EventBridge and Secrets Manager, and gives the address.
func (s *stack) startCloud(address string) (string, error) {
	root, err := s.folder.Root()
	if err != nil {
		return "", err
	}
	bus, err := sources.OpenBus(s.folder.File("events.jsonl"), here)
	if err != nil {
		return "", err
	}
	s.onClose(func() { _ = bus.Close() })
	url, stop, err := serveCloud(address, cloud.Options{
		Region: region, Keys: s.keys, Bus: busName, Secrets: map[string]string{secret: root.Encode()},
		Put: func(ctx context.Context, e cloud.Entry) (string, error) { return bus.Put(ctx, sources.Event(e)) },
	})
	if err == nil {
		s.onClose(stop)
	}
	return url, err
}

func (s *stack) keys(accessKey string) (string, bool) {
	return s.settings.S3SecretKey, accessKey == s.settings.S3AccessKey
}

// serve runs `sam local <what>` until the stack closes.
func (s *stack) serve(ctx context.Context, what string, port int, variables string) error {
	cmd, err := s.sam.local(context.Background(), what, variables, "--warm-containers", "LAZY", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if l, err := net.Listen("tcp", address); err != nil {
		return fmt.Errorf("sam local %s: %s is in use by another program (%w); stop that, or choose another port", what, address, err)
	} else if err := l.Close(); err != nil {
		return err
	}
	cmd.Cancel, cmd.Stdout, cmd.Stderr = nil, s.out, s.out
	c, err := child.Start(cmd, syscall.SIGTERM)
	if err != nil {
		return err
	}
	s.onClose(func() { c.Stop(stopLimit) })
	go func() {
		<-c.Done()
		s.fail(fmt.Errorf("sam local %s: %w", what, c.Err()))
	}()
	return c.Await(listenLimit, func() (bool, error) {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false, ctx.Err()
		}
		return true, conn.Close()
	})
}

// here is what events say about where they come from.
var here = sources.Place{Region: region, Account: owner, Stack: "assetry"}

// arrivals tells functions of objects that are made in the bucket, as template.yaml has it, by SAM's endpoint for invocations.
func (s *stack) arrivals(ctx context.Context) (func(versity.Event), error) {
	t, err := template.Read(filepath.Join(s.root, "template.yaml"), template.Options{})
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(s.folder.File("queue.db"), sqlite.Options{FeedRetention: time.Minute})
	if err != nil {
		return nil, err
	}
	s.onClose(func() { _ = store.Close() })
	var told []sources.Notification
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{}, len(t.Notifications))
	for _, n := range t.Notifications {
		f := sources.NewAsync(store, here, s.invoke, sources.AsyncOptions{
			Function: n.Function, Retries: 2, Failed: &sources.Failures{Dir: s.folder.File("failed")},
		})
		told = append(told, sources.Notification{Event: n.Event, Prefix: n.Prefix, Suffix: n.Suffix, Function: f})
		go func() {
			if err := f.Run(running); err != nil {
				s.fail(err)
			}
			ended <- struct{}{}
		}()
	}
	s.onClose(func() {
		stop()
		for range told {
			<-ended
		}
	})
	return func(e versity.Event) {
		if err := sources.Notify(running, here, told, sources.Object(e)); err != nil {
			s.tell("an object's event is lost, complete still finds it: %v", err)
		}
	}, nil
}

// invoke runs a function, by its logical id, by `sam local start-lambda`.
func (s *stack) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	return invokeAt(ctx, "http://127.0.0.1:"+strconv.Itoa(s.lambdaPort), function, payload)
}

// ready says where the stack is.
func (s *stack) ready() state.Ready {
	return state.Ready{API: "http://127.0.0.1:" + strconv.Itoa(s.port), S3: s.s3.URL(), Workspace: s.settings.Workspace, APIKey: s.settings.APIKey, Orders: s.settings.Orders}
}
