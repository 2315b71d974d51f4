// Package docker gives containers: by the Docker engine that this machine already runs, or by one of its own, which Debian's docker.io
// brings and which runs only as long as it is needed.
//
// An engine of its own needs root. It keeps what it stores in a folder that is given, listens on a socket in a temporary folder, writes no
// firewall rules, and reads no configuration of the machine's. Its containers are on the bridge docker0, which stays behind as Docker
// leaves it; as every engine hands out the same addresses there, one such engine runs at a time on a machine, and others wait for it.
//
// Containers reach servers of this machine at the bridge's own address, Gateway, where such servers have to listen: 127.0.0.1 in a container
// is the container itself.
package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
)

// ErrAbsent is wrapped by the error of a machine on which no container can run.
var ErrAbsent = errors.New("no Docker engine can be had")

// usual is where an engine listens that the machine's owner runs.
const usual = "unix:///var/run/docker.sock"

// Options say how an engine is had.
type Options struct {
	Dir  string                                // folder of what an engine of our own stores
	Tell func(format string, arguments ...any) // hears what takes long; nil drops it
}

func (o Options) tell(format string, arguments ...any) {
	if o.Tell != nil {
		o.Tell(format, arguments...)
	}
}

// Engine is a Docker engine that answers.
type Engine struct {
	api     *api
	own     *daemon // nil: it is the machine's
	gateway string
}

// Open gives the machine's engine if it answers, and else starts one. Close it.
func Open(ctx context.Context, o Options) (*Engine, error) {
	e, err := machines(ctx)
	if err != nil {
		if e, err = ours(ctx, o, err); err != nil {
			return nil, err
		}
	}
	if e.gateway, err = e.bridge(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// Installed says that there is an engine on this machine: one that answers, or the program of one that may be started.
func Installed() bool {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	if e, err := machines(ctx); err == nil {
		e.Close()
		return true
	}
	_, err := findDaemon()
	return err == nil || errors.Is(err, errNotRoot)
}

// HasShell says that there is a BusyBox of which Lambda can make an image.
func HasShell() bool {
	_, err := busybox()
	return err == nil
}

// machines gives the engine that $DOCKER_HOST names, or the usual one.
func machines(ctx context.Context) (*Engine, error) {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = usual
	}
	if !strings.HasPrefix(host, "unix://") {
		return nil, fmt.Errorf("DOCKER_HOST is %s; only engines on this machine, unix://…, can reach its servers", host)
	}
	e := &Engine{api: newAPI(host)}
	if err := e.api.ping(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	return e, nil
}

// ours starts an engine, where why says what is wrong with the machine's.
func ours(ctx context.Context, o Options, why error) (*Engine, error) {
	d, err := startDaemon(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%w: the machine's does not answer (%w), and none of our own runs: %w", ErrAbsent, why, err)
	}
	return &Engine{api: newAPI(d.host), own: d}, nil
}

// bridge is the address of this machine on the bridge of containers.
func (e *Engine) bridge(ctx context.Context) (string, error) {
	address, err := e.api.gateway(ctx)
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", fmt.Errorf("%w: containers of %s do not see this machine as %s, where its servers would have to listen: %w", ErrAbsent, e.Host(), address, err)
	}
	return address, l.Close()
}

// Host is where the engine listens, as $DOCKER_HOST has it.
func (e *Engine) Host() string { return e.api.host }

// Gateway is the IP address at which containers reach servers of this machine, if they listen on it.
func (e *Engine) Gateway() string { return e.gateway }

// Close ends an engine of our own, and every container in it; another one is left as it is.
func (e *Engine) Close() {
	if e.own != nil {
		e.own.close(e.api)
	}
	e.api.close()
}
