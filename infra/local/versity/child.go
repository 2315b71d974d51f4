package versity

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// Limits of the engine. 5 GiB is S3's largest copy and 10,000 its most parts; connections are what one laptop can want.
const (
	copyLimit      = 5 << 30
	maxParts       = 10_000
	maxConnections = 4096
)

// drainLimit is how long requests in progress may go on once the parent is gone.
const drainLimit = 500 * time.Millisecond

// MainIfChild runs the server and never returns, if this process was started as one; else it does nothing. Call it first in main
// and in TestMain.
func MainIfChild() {
	if os.Getenv(envChild) == "" {
		return
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
	stdout := os.Stdout // the pipe to the parent; the engine prints greetings to standard output
	os.Stdout, _ = os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	c := &child{out: &lines{w: stdout}, acks: newAcks()}
	if err := c.run(os.Stdin); err != nil {
		c.out.send(toParent{Failure: err.Error(), InUse: errors.Is(err, syscall.EADDRINUSE)})
		os.Exit(1)
	}
	os.Exit(0)
}

type child struct {
	out  *lines
	acks *acks
}

// run serves until the pipe from the parent closes.
func (c *child) run(stdin io.Reader) error {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	var s settings
	if err := json.Unmarshal(line, &s); err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_ = receive(in, func(m toChild) error { c.acks.settle(m.Ack); return nil })
		c.acks.close()
		stop()
	}()
	served := make(chan error, 1)
	go func() { served <- c.serve(ctx, s) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	select {
	case <-served:
	case <-time.After(drainLimit):
	}
	return nil
}

func (c *child) serve(ctx context.Context, s settings) error {
	addr, err := pickPort(s.Addr)
	if err != nil {
		return err
	}
	be, err := openFolder(s.Dir)
	if err != nil {
		return err
	}
	be.locks, be.report = newLocks(), c.report
	return embedgw.RunVersityGW(ctx, be, &embedgw.Config{
		RootUserAccess: s.AccessKey, RootUserSecret: s.SecretKey, Region: s.Region,
		IAMService:     accounts(s.Accounts),
		Ports:          []string{addr},
		MaxConnections: maxConnections, MaxRequests: maxConnections, MultipartMaxParts: maxParts,
		KeepAlive: true, Quiet: true,
		S3Options: []s3api.Option{s3api.WithOnListen(func() { c.out.send(toParent{Listening: addr}) })},
	})
}

// pickPort replaces port 0 by a free port. The port is free again when this returns: whoever needs it tries again if it was taken.
func pickPort(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// openFolder opens the folder as a store. Metadata lives in extended attributes, or beside the objects where there are none; the
// choice is made once for a folder and is seen by the presence of its sidecar folder.
func openFolder(dir string) (*bucketBackend, error) {
	objects, versions, sidecar := filepath.Join(dir, "objects"), filepath.Join(dir, "versions"), filepath.Join(dir, "sidecar")
	for _, d := range []string{objects, versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	opts := posix.PosixOpts{VersioningDir: versions, CopyObjectThreshold: copyLimit}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	_, err := os.Stat(sidecar)
	if err != nil && hasAttributes(objects) {
		return open(folder{objects, versions}, uploads{objects, attributes{}}, opts)
	}
	if err := os.MkdirAll(sidecar, 0o700); err != nil {
		return nil, err
	}
	store, err := meta.NewSideCar(sidecar)
	if err != nil {
		return nil, err
	}
	opts.SideCarDir = sidecar
	return open(folder{}, uploads{objects, store}, opts)
}

// open starts the engine. It makes the folder of all buckets the working directory, which its metadata is then looked up from.
func open(f folder, u uploads, opts posix.PosixOpts) (*bucketBackend, error) {
	be, err := posix.New(u.objects, u.meta, opts)
	if err != nil {
		return nil, err
	}
	return &bucketBackend{Backend: be, folder: f, uploads: u}, u.reopen()
}

// hasAttributes tries to store an extended attribute in a file of the folder.
func hasAttributes(dir string) bool {
	f, err := os.CreateTemp(dir, ".attributes-*")
	if err != nil {
		return false
	}
	defer os.Remove(f.Name())
	defer f.Close()
	return meta.XattrMeta{}.StoreAttribute(f, "", "", "probe", []byte("1")) == nil
}
